import CountersignCore
import Foundation
import Testing

/// Bad programs, started by the real server: none of them is there when its step has ended.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct ProcessIsolationTests {
    /// Scripts that leave, or try to leave, a process behind; each has the number of that process written to `$KIND`.
    private static let beasts: KeyValuePairs<String, String> = [
        "background": "sleep 1000 & echo $! > background;",
        "ignores-term": "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > ignores-term; sleep 1000' &",
        "session": "setsid sh -c 'echo $$ > session; exec sleep 1000' &",
        "daemon": "(setsid sh -c 'sleep 1000 & echo $! > daemon' < /dev/null > /dev/null 2>&1 &) ;",
        "double-daemon": "setsid sh -c '(setsid sh -c \"echo \\$\\$ > double-daemon; exec sleep 1000\" &) ; exit 0' &",
        "closes-output": "exec >&- 2>&-; sleep 1000 & echo $! > closes-output;",
        "many": "for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 1000 & done; echo $! > many;",
    ]

    private static func rules(_ script: String, timeout: String = "20s") -> String {
        """
        rules:
          - id: beast
            when: { event: PACKAGE_COMPLETE }
            then:
              - shell:
                  run: |
                    \(script)
                timeout: \(timeout)
                retry: { attempts: 1 }
        """
    }

    /// The processes that are children of `parent`, zombies among them.
    private func children(of parent: pid_t) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }
            .filter { process in
                let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
                // After the name in brackets come the state and the parent.
                return status?.split(separator: ")").last?.split(separator: " ").dropFirst().first == "\(parent)"
            }
    }

    @Test(arguments: beasts.map { $0.key })
    func `what a program leaves behind ends with its step, wherever it went`(kind: String) async throws {
        let script = try #require(Self.beasts.first { $0.key == kind }?.value)
        // The script ends when it is known who is left behind, however long that takes.
        let whole = "\(script) until [ -s \(kind) ]; do sleep 0.01; done"
        let deployment = try Deployment(rules: Self.rules(whole))
        try await deployment.serve { server in
            try await server.post(event())
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let left = try #require(deployment.text(of: "output/\(kind)")).trimmingCharacters(in: .newlines)
            #expect(!isAlive(left))
            // The watch notes an end that nobody waited for within a few seconds.
            try await eventually("the end of every child") { try children(of: server.process).isEmpty }
        }
    }

    @Test func `a program and its daemon end when the time of the step is up`() async throws {
        let script = "setsid sh -c 'echo $$ > daemon; exec sleep 1000' & trap '' TERM; sleep 1000"
        let deployment = try Deployment(rules: Self.rules(script, timeout: "1s"))
        try await deployment.serve { server in
            try await server.post(event())
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["failed"])
            let reason = try await deployment.show(run: 1)["steps"]?.array?.first?["reason"]?.string
            #expect(reason?.contains("timeout") == true)
            // On a slow machine the time may have been up before the daemon said who it is.
            let left = deployment.text(of: "output/daemon")?.trimmingCharacters(in: .newlines) ?? ""
            #expect(left.isEmpty || !isAlive(left))
            // The watch notes an end that nobody waited for within a few seconds.
            try await eventually("the end of every child") { try children(of: server.process).isEmpty }
        }
    }

    @Test func `what a killed server left running is ended before its steps begin again`() async throws {
        let script = "echo $$ >> started; [ \"$(wc -l < started)\" -gt 1 ] || sleep 1000"
        let deployment = try Deployment(rules: Self.rules(script))
        try await deployment.serve { server in
            try await server.post(event())
            try await eventually("the program") { deployment.text(of: "output/started")?.hasSuffix("\n") == true }
            server.crash()
        }
        let first = try #require(deployment.text(of: "output/started")).trimmingCharacters(in: .newlines)
        #expect(isAlive(first))
        let (_, log) = try await deployment.serve { _ in
            #expect(!isAlive(first))
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
        }
        #expect(log.text.contains("Processes left by a killed server were killed"))
    }

    @Test func `a program gains no privileges`() async throws {
        let deployment = try Deployment(rules: Self.rules("grep NoNewPrivs /proc/self/status > privileges"))
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
        }
        #expect(deployment.text(of: "output/privileges") == "NoNewPrivs:\t1\n")
    }

    @Test func `the limits of the settings are those of the programs`() async throws {
        let deployment = try Deployment(
            rules: Self.rules("ulimit -n > files; ulimit -t >> files"),
            settings: "process_limits: { open_files: 77, cpu_time: 2m }\n"
        )
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
        }
        #expect(deployment.text(of: "output/files") == "77\n120\n")
    }

    @Test func `a daemon that has taken every mark off is ended with the step, and others are left unchanged`()
        async throws
    {
        let rules = """
            rules:
              - id: daemon
                when: { event: PACKAGE_COMPLETE }
                then:
                  - shell: |
                      env -i setsid sleep 7171 &
                      env -i setsid sh -c 'sleep 7171 & sleep 7171' &
                      sleep 0.2
              - id: plain
                when: { event: PACKAGE_COMPLETE }
                then: [{ shell: "env -i sleep 0.5; printf done" }]
            """
        let deployment = try Deployment(rules: rules)
        try await deployment.serve { server in
            try await server.post(event())
            let runs = try await deployment.settledRuns()
            #expect(runs.allSatisfy { $0["state"] == "succeeded" }, "\(runs)")
            try await eventually("the end of the daemons") { daemons("7171").isEmpty }
        }
    }

    /// The processes that sleep for this long.
    private func daemons(_ seconds: String) -> [String] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { process in
            let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return line == Data("sleep\0\(seconds)\0".utf8)
        }
    }
}
