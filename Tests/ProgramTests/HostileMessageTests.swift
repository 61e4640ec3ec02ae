import CountersignCore
import Foundation
import Testing

/// What a signer types reaches each kind of step as the very bytes that it is, and is never read as code.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileMessageTests {
    private static let message =
        "\"; touch pwned #$(touch pwned)`touch pwned`\n'; touch pwned; \\ ${event.name} é\u{1F58B}"

    private static let rules = """
        rules:
          - id: hostile
            when: { event: PACKAGE_OPT_OUT }
            then:
              - id: shell
                shell: printf %s "$COUNTERSIGN_MESSAGE" > shell.bin
              - id: exec
                exec: { argv: [../write-argument, exec.bin, "${event.message}"] }
              - id: content
                file: { path: content.bin, content: "${event.message}" }
              - id: json
                file: { path: value.json, json: { message: "${event.message}", text: "<${event.message}>" } }
              - id: path
                file: { path: "paths/${event.message}", content: x }
              - id: http
                http: { url: "http://127.0.0.1:PORT/hook", body: "${event.message}" }
              - id: http-json
                http: { url: "http://127.0.0.1:PORT/hook", json: { message: "${event.message}" } }
              - id: log
                log: "signer wrote ${event.message}"
        """

    private static let script = "#!/bin/sh\nprintf %s \"$2\" > \"$1\"\n"

    @Test func `a signer's message reaches every kind of step as those very bytes and creates nothing else`()
        async throws
    {
        try await Receiver.listen { receiver in
            let rules = Self.rules.replacing("PORT", with: "\(receiver.port)")
            let deployment = try Deployment(rules: rules)
            try deployment.write(Self.script, to: "write-argument", mode: 0o755)
            try await deployment.serve { server in
                try await server.post(event("PACKAGE_OPT_OUT", message: Self.message))
                let runs = try await deployment.settledRuns()
                let run = try await deployment.show(run: 1)
                try #require(runs.map { $0["state"] } == ["succeeded"], "\(run.text)")
                _ = try await server.log.line(with: "signer wrote")
                #expect(server.log.lines.allSatisfy { $0.hasPrefix("time=") })
            }
            for name in ["shell.bin", "exec.bin", "content.bin"] {
                #expect(deployment.text(of: "output/\(name)") == Self.message, "\(name)")
            }
            let value = try JSON(parsing: try #require(deployment.text(of: "output/value.json")))
            #expect(value == ["message": .string(Self.message), "text": .string("<\(Self.message)>")])
            #expect(receiver.bodies.first == Array(Self.message.utf8))
            let posted = try JSON(parsing: receiver.bodies.dropFirst().first ?? [])
            #expect(posted == ["message": .string(Self.message)])

            let files = try deployment.listing().keys
            #expect(files.allSatisfy { !$0.hasSuffix("/pwned") && $0 != "pwned" })
            let written = files.filter { $0.hasPrefix("output/") && !$0.hasPrefix("output/paths") }
            #expect(
                Set(written) == ["output/shell.bin", "output/exec.bin", "output/content.bin", "output/value.json"]
            )
            #expect(files.count { $0.hasPrefix("output/paths/") } == 1)
        }
    }

    @Test func `a message that begins with a dash does not become an option`() async throws {
        let deployment = try Deployment(
            rules: """
                rules:
                  - id: dash
                    when: { event: PACKAGE_COMPLETE }
                    then: [{ exec: [touch, "${event.message}"] }]
                """
        )
        try await deployment.serve { server in
            try await server.post(event(message: "--help"))
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["failed"])
            let reason = try await deployment.show(run: 1)["steps"]?.array?.first?["reason"]?.string
            #expect(reason?.contains("begins with '-'") == true)
        }
    }
}
