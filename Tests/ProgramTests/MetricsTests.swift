import AsyncHTTPClient
import CountersignCore
import NIOCore
import NIOHTTP1
import Subprocess
import Testing

/// The metrics of the built program.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct MetricsTests {
    private func metrics(_ server: RunningServer, accept: String = "*/*") async throws -> (type: String, text: String) {
        let line = try await server.log.line(with: "msg=\"Admin server started\"")
        let url = line.split(separator: " ").first { $0.hasPrefix("url=") }?.dropFirst("url=".count)
        var request = HTTPClientRequest(url: String(url ?? "").replacing("\"", with: "") + "metrics")
        request.headers.add(name: "Accept", value: accept)
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (response.headers.first(name: "Content-Type") ?? "", String(buffer: body))
    }

    @Test func `deliveries, steps, runs and the process are reported`() async throws {
        let rules = "rules: [{ id: r, when: { event: '*' }, then: [{ file: seen.json }] }]"
        let deployment = try Deployment(rules: rules, environment: ["COUNTERSIGN_ADMIN_LISTEN": "127.0.0.1:0"])
        try await deployment.serve { server in
            for body in [event(), event(), event("NEW_EVENT"), "rubbish"] { try await server.post(body) }
            try await server.post(event(), key: "wrong")
            _ = try await deployment.settledRuns(events: 2)
            // A run is counted when its end is on disk, where others may see it a moment before.
            let (type, text) = try await eventually("the runs' ends in the numbers") {
                let answer = try await metrics(server)
                return answer.text.contains(#"run_attempts_bucket{result="succeeded",le="1"} 2"#) ? answer : nil
            }
            #expect(type == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(text.split(separator: "\n").map(String.init))
            for line in [
                #"countersign_deliveries_total{event="PACKAGE_COMPLETE",result="stored"} 1"#,
                #"countersign_deliveries_total{event="PACKAGE_COMPLETE",result="duplicate"} 1"#,
                #"countersign_deliveries_total{event="other",result="stored"} 1"#,
                #"countersign_deliveries_total{event="other",result="unreadable"} 1"#,
                #"countersign_deliveries_total{event="other",result="wrong_key"} 1"#,
                "countersign_acknowledgement_seconds_count 3",
                #"countersign_steps_total{rule="r",action="file",result="succeeded"} 2"#,
                #"countersign_runs_ended_total{rule="r",result="succeeded"} 2"#,
                #"countersign_run_seconds_count{result="succeeded"} 2"#,
                #"countersign_run_attempts_bucket{result="succeeded",le="1"} 2"#, "countersign_backlog_events 0",
                "countersign_backlog_due_runs 0", "countersign_backlog_event_age_seconds 0",
                #"countersign_runs{state="succeeded"} 2"#, #"countersign_runs{state="failed"} 0"#,
                "countersign_circuits_open 0", #"countersign_rule_reloads_total{result="installed"} 1"#,
            ] {
                #expect(lines.contains(line), "\(line) is not in\n\(text)")
            }
            for name in [
                "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
                "process_open_fds", "process_max_fds", "process_threads", "process_start_time_seconds",
                "countersign_store_commits_total", "countersign_store_operations_total",
                "countersign_store_batch_size_count",
            ] {
                let line = lines.first { $0.hasPrefix(name + " ") }
                #expect(line.flatMap { Double($0.dropFirst(name.count + 1)) }.map { $0 > 0 } == true, "\(name)")
            }
            try await checkByPromtool(text)
            let open = try await metrics(server, accept: "application/openmetrics-text; version=1.0.0")
            #expect(open.type.hasPrefix("application/openmetrics-text") && open.text.hasSuffix("# EOF\n"))
        }
    }

    /// Has Prometheus' own checker look at what is reported, where it is installed.
    private func checkByPromtool(_ text: String) async throws {
        guard Repository.hasProgram("promtool") else { return }
        let result = try await Subprocess.run(
            .name("promtool"),
            arguments: ["check", "metrics"],
            input: .string(text),
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        #expect(result.terminationStatus.isSuccess && result.standardError.isEmpty, "\(result.standardError)")
    }

    @Test func `a destination that is down is reported by its name, and so is what waits for it`() async throws {
        let rules = """
            rules:
              - id: call
                when: { event: PACKAGE_COMPLETE }
                then:
                  - http: { url: "http://127.0.0.1:9/x" }
                    retry: { attempts: 100, first: 10ms, max: 10ms }
            """
        let deployment = try Deployment(rules: rules, environment: ["COUNTERSIGN_ADMIN_LISTEN": "127.0.0.1:0"])
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await server.log.line(with: "Destination circuit opened")
            // Between two pauses a probe is in progress, for a moment.
            let text = try await eventually("a run that waits for a destination that is down") {
                let text = try await metrics(server).text
                let isDown = text.contains(#"countersign_circuit_open{destination="127.0.0.1:9"} 1"#)
                return isDown && text.contains("countersign_backlog_runs 1") ? text : nil
            }
            #expect(text.contains("countersign_circuits_open 1"))
            try await checkByPromtool(text)
        }
    }

    @Test func `polls are reported`() async throws {
        try await Simulator.run { simulator in
            try await simulator.makePackage()
            let settings = simulator.settings("  poll: { every: 6h }")
            let deployment = try Deployment(
                rules: "rules: []",
                settings: settings,
                environment: AdminClient.onFreePort.merging(["ONESPAN_API_KEY": Simulator.apiKey]) { $1 }
            )
            try await deployment.serve { server in
                _ = try await server.log.line(with: "msg=\"Poll finished\"")
                let text = try await metrics(server).text
                #expect(text.contains("countersign_polls_total{result=\"finished\"} 1"), "\(text)")
                #expect(text.contains("countersign_poll_recovered_events 1"))
                #expect(text.contains("countersign_poll_last_finished_timestamp_seconds 1"))
            }
        }
    }

    @Test func `the log is JSON where nobody reads it on a terminal`() async throws {
        let deployment = try Deployment(rules: "rules: []", environment: ["COUNTERSIGN_LOG_FORMAT": ""])
        // An address that is taken, so that it ends by itself.
        let log = try await Receiver.listen { receiver in
            let taken = "127.0.0.1:\(receiver.port)"
            return try await deployment.run(["serve"], environment: ["COUNTERSIGN_LISTEN": taken]).errors
        }
        let lines = log.split(separator: "\n")
        let entries = lines.compactMap { try? JSON(parsing: String($0)) }
        #expect(
            entries.contains { $0["msg"] == "Rules loaded" && $0["level"] == "info" && $0["rules"] == 0 },
            "\(log)"
        )
    }

    @Test func `an address that is taken stops nobody from taking callbacks in`() async throws {
        try await Receiver.listen { receiver in
            let deployment = try Deployment(
                rules: "rules: []",
                environment: ["COUNTERSIGN_ADMIN_LISTEN": "127.0.0.1:\(receiver.port)"]
            )
            let (status, _) = try await deployment.serve { server in
                let line = try await server.log.line(with: "Admin server cannot start")
                #expect(line.contains("reason=\"address already in use\""), "\(line)")
                let answer = try await server.post(event())
                #expect(answer.status == 200)
            }
            #expect(status == .exited(0))
        }
    }
}
