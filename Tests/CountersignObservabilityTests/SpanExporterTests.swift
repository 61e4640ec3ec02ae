import AsyncHTTPClient
import CountersignCore
import CountersignObservability
import CountersignTesting
import Foundation
import Logging
import ServiceLifecycle
import Testing

/// What becomes of spans when the collector is well, slow or away, on a clock that is moved by hand.
@Suite(.timeLimit(.minutes(1)))
struct SpanExporterTests {
    private let clock = ManualClock()
    private let log = LogCapture()

    private func exporter(_ server: RecordingServer) -> SpanExporter {
        SpanExporter(
            endpoint: server.url + "/v1/traces",
            version: "1",
            instance: "store",
            client: .shared,
            clock: clock,
            logger: log.logger()
        )
    }

    private func record(_ count: Int64, _ exporter: SpanExporter) {
        let traces = EventTraces(identity: "store") { exporter.take($0) }
        for number in 1...count {
            traces.delivered(.init(rawValue: number), name: "X", isNew: true, since: .now)
        }
    }

    /// Has the exporter run while `body` does, and stops it.
    private func running(_ exporter: SpanExporter, _ body: () async throws -> Void = {}) async throws {
        let group = ServiceGroup(
            configuration: .init(services: [exporter], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        )
        let running = Task { try await group.run() }
        try await body()
        await group.triggerGracefulShutdown()
        try await running.value
    }

    /// Returns once the log has a line of this level.
    private func told(_ level: Logger.Level) async {
        while log.lines(at: level).isEmpty { await Task.yield() }
    }

    /// How many spans each request held.
    private func batches(_ server: RecordingServer) throws -> [Int] {
        try server.requests.map { request in
            let body = try JSON(parsing: request.body, limits: JSON.Limits(depth: 64, keys: .max))
            return body["resourceSpans"]?.array?.first?["scopeSpans"]?.array?.first?["spans"]?.array?.count ?? 0
        }
    }

    @Test func `what is left is sent at the end, in batches, and what did not fit into the queue is dropped`()
        async throws
    {
        try await RecordingServer.with { server in
            let exporter = exporter(server)
            record(10_000, exporter)
            try await running(exporter)
            #expect(try batches(server) == Array(repeating: 512, count: 16))
            #expect(server.requests[0].headers["content-type"] == "application/json")
        }
    }

    @Test func `a collector that is busy is asked again with the same spans`() async throws {
        try await RecordingServer.with([.status(503), .status(200)]) { server in
            let exporter = exporter(server)
            try await running(exporter) {
                record(3, exporter)
                await clock.untilSleeping()
                clock.advance(by: .seconds(1))
                await server.waitForRequest()
                await clock.untilSleeping()
                clock.advance(by: .seconds(2))
                await told(.info)
            }
            #expect(try batches(server) == [3, 3])
            #expect(server.requests[0].body == server.requests[1].body)
            #expect(log.lines(at: .warning).count == 1)
        }
    }

    @Test func `spans that the collector refuses are not sent again`() async throws {
        try await RecordingServer.with([.status(400)]) { server in
            let exporter = exporter(server)
            try await running(exporter) {
                record(2, exporter)
                await clock.untilSleeping()
                clock.advance(by: .seconds(1))
                await told(.error)
            }
            #expect(try batches(server) == [2])
            #expect(log.lines(at: .error).first?.metadata["status"] == "400")
        }
    }
}
