import CountersignCore
import CountersignTesting
import Foundation
import NIOHTTP1
import Testing

/// The traces of the built program, as a collector gets them.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct TracingTests {
    private struct Span {
        let json: JSON
        let resource: JSON

        var name: String { text("name") }
        func text(_ key: String) -> String { json[key]?.string ?? "" }

        func attribute(_ name: String) -> JSON? {
            json["attributes"]?.array?.first { $0["key"] == .string(name) }?["value"]
        }
    }

    private static let rules = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - http: { url: "http://127.0.0.1:PORT/hook" }
              - shell: printenv TRACEPARENT > traceparent || true
              - emit: X_FILED
          - id: filed
            when: { event: X_FILED }
            then: [{ log: "${event.packageId} is filed" }]
        """

    /// A deployment whose requests, those of its traces among them, go to `server`.
    private func deployment(_ server: RecordingServer, rules: String = rules) throws -> Deployment {
        let port = server.url.split(separator: ":").last.map(String.init) ?? ""
        return try Deployment(
            rules: rules.replacing("PORT", with: port),
            environment: ["COUNTERSIGN_TRACING_ENDPOINT": server.url + "/v1/traces"]
        )
    }

    /// The spans that the collector has got.
    private func spans(_ server: RecordingServer) throws -> [Span] {
        try server.requests.filter { $0.uri == "/v1/traces" }
            .flatMap { request -> [Span] in
                let body = try JSON(parsing: request.body, limits: JSON.Limits(depth: 64, keys: .max))
                let parts = body["resourceSpans"]?.array ?? []
                return parts.flatMap { part in
                    let scopes = part["scopeSpans"]?.array ?? []
                    return scopes.flatMap { $0["spans"]?.array ?? [] }
                        .map { Span(json: $0, resource: part["resource"] ?? .null) }
                }
            }
    }

    @Test func `one trace leads from the delivery to the last step of an event that a rule raised`() async throws {
        try await RecordingServer.with { collector in
            let deployment = try deployment(collector)
            try await deployment.serve { server in
                try await server.post(event(package: "p-1"))
                _ = try await deployment.settledRuns(events: 2)
            }
            let spans = try spans(collector)
            #expect(
                spans.map(\.name).sorted() == [
                    "delivery", "match", "match", "run", "run", "step", "step", "step", "step",
                ]
            )
            #expect(Set(spans.map { $0.text("traceId") }).count == 1, "\(spans)")
            let facts = spans[0].resource["attributes"]?.array ?? []
            #expect(facts.contains(["key": "service.name", "value": ["stringValue": "countersign"]]))
            let ids = Set(spans.map { $0.text("spanId") })
            #expect(ids.count == spans.count)
            #expect(spans.allSatisfy { $0.name == "delivery" || ids.contains($0.text("parentSpanId")) })
            func step(_ id: String) throws -> Span {
                try #require(spans.first { $0.attribute("countersign.step.id") == ["stringValue": .string(id)] })
            }
            let http = try step("http")
            let hook = try #require(collector.requests.first { $0.uri == "/hook" })
            #expect(hook.headers["traceparent"] == "00-\(http.text("traceId"))-\(http.text("spanId"))-01")
            let shell = try step("shell")
            let variable = deployment.text(of: "output/traceparent")
            #expect(variable == "00-\(shell.text("traceId"))-\(shell.text("spanId"))-01\n")
        }
    }

    @Test func `a callback's own place in a trace is linked, unless it is none or stands twice`() async throws {
        let mine = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let offered = [
            [mine], [], ["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"], [mine, mine],
            [mine + "-more"], [String(repeating: "0", count: 8_000)],
        ]
        try await RecordingServer.with { collector in
            let deployment = try deployment(collector, rules: "rules: []\n")
            try await deployment.serve { server in
                for (number, values) in offered.enumerated() {
                    let fields = values.map { ("traceparent", $0) }
                    let answer = try await server.send(
                        .POST,
                        "/callback",
                        body: event(package: "p-\(number)"),
                        fields: fields
                    )
                    #expect(answer.status == 200)
                }
                _ = try await server.send(
                    .POST,
                    "/callback",
                    body: event(),
                    key: "wrong",
                    fields: [("traceparent", mine)]
                )
            }
            let deliveries = try spans(collector).filter { $0.name == "delivery" }
            #expect(
                deliveries.count == offered.count && Set(deliveries.map { $0.text("traceId") }).count == offered.count
            )
            let links = deliveries.compactMap { $0.json["links"]?.array }.flatMap { $0 }
            #expect(links == [["traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7"]])
        }
    }

    @Test func `the id is the same after a kill, and is in the log`() async throws {
        try await RecordingServer.with { collector in
            let command = "printenv TRACEPARENT > traceparent || true"
            let atGate = Self.rules.replacing(command, with: "touch begun; read -r pass < ../gate")
            let deployment = try deployment(collector, rules: atGate)
            let gate = try Gate(at: deployment.path("gate"))
            let debug = ["COUNTERSIGN_LOG_LEVEL": "debug"]
            var id = ""
            try await deployment.serve(environment: debug) { server in
                try await server.post(event())
                let line = try await server.log.line(with: "Event dispatched")
                id = String(try #require(line.firstMatch(of: /trace\.id=([0-9a-f]{32})/)?.1))
                _ = try await server.log.line(with: "Event stored", "trace.id=\(id)")
                try await eventually("the second step") { deployment.text(of: "output/begun") != nil }
                server.crash()
            }
            let (_, later) = try await deployment.serve(environment: debug) { _ in
                try gate.letThrough()
                _ = try await deployment.settledRuns(events: 2)
            }
            #expect(later.lines.contains { $0.contains("Run succeeded") && $0.contains("trace.id=\(id)") })
            #expect(later.lines.contains { $0.contains("is filed") && $0.contains("trace.id=\(id)") })
            let steps = try spans(collector).filter { $0.name == "step" }
            #expect(steps.count >= 3 && steps.allSatisfy { $0.text("traceId") == id })
        }
    }

    @Test func `a step that fails tells why`() async throws {
        try await RecordingServer.with { collector in
            let rules = """
                rules:
                  - id: r
                    when: { event: PACKAGE_COMPLETE }
                    then: [{ shell: echo no luck >&2; exit 3, retry: { attempts: 1 } }]
                """
            let deployment = try deployment(collector, rules: rules)
            try await deployment.serve { server in
                try await server.post(event())
                _ = try await deployment.settledRuns()
            }
            let failed = try spans(collector).filter { $0.json["status"]?["code"] == 2 }
            #expect(Set(failed.map(\.name)) == ["run", "step"])
            #expect(failed.allSatisfy { $0.json["status"]?["message"]?.string?.contains("no luck") == true })
        }
    }

    @Test func `a collector that is not there delays nothing, and is reported once`() async throws {
        let deployment = try Deployment(
            rules: "rules: [{ id: r, when: { event: '*' }, then: [{ log: one }] }]",
            environment: ["COUNTERSIGN_TRACING_ENDPOINT": "http://127.0.0.1:9/v1/traces"]
        )
        let (status, log) = try await deployment.serve { server in
            for package in ["a", "b"] {
                let answer = try await server.post(event(package: package))
                #expect(answer.status == 200)
            }
            _ = try await deployment.settledRuns(events: 2)
            _ = try await server.log.line(with: "Trace collector unreachable")
        }
        #expect(status == .exited(0))
        #expect(log.lines.count { $0.contains("unreachable") } == 1)
        #expect(log.lines.contains { $0.contains("Spans dropped") })
    }

    @Test func `without an endpoint nothing is sent on`() async throws {
        try await RecordingServer.with { server in
            let port = server.url.split(separator: ":").last.map(String.init) ?? ""
            let deployment = try Deployment(rules: Self.rules.replacing("PORT", with: port))
            try await deployment.serve { server in
                try await server.post(event())
                _ = try await deployment.settledRuns(events: 2)
            }
            #expect(server.requests.map(\.uri) == ["/hook"] && server.requests[0].headers["traceparent"] == nil)
            #expect(deployment.text(of: "output/traceparent") == "")
        }
    }

    @Test func `an endpoint that is no URL is refused at the start`() async throws {
        let deployment = try Deployment(
            rules: "rules: []",
            environment: ["COUNTERSIGN_TRACING_ENDPOINT": "collector:4318"]
        )
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2) && outcome.errors.contains("tracing.endpoint"), "\(outcome.errors)")
    }
}
