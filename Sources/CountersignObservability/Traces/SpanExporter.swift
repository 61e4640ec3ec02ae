package import AsyncHTTPClient
package import CountersignCore
import CountersignOutbound
import Foundation
package import Logging
import Metrics
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization

/// Sends finished spans to a collector, by OTLP over HTTP in JSON.
///
/// Nobody waits for it: a span is put into a queue, and where the queue is full, since the collector is slow or away, it is
/// dropped and counted.
package final class SpanExporter: Service {
    /// How many spans wait at most: some megabytes.
    static let capacity = 8_192

    private static let largestBatch = 512

    /// How long it waits for more before it sends.
    private static let pause: TimeInterval = 0.25

    private static let longestPause: TimeInterval = 30
    private static let timeout = TimeAmount.seconds(10)

    /// How long the collector may take for what is left when the program ends.
    private static let lastTimeout = TimeAmount.seconds(2)

    private let endpoint: String
    private let resource: JSON
    private let client: HTTPClient
    private let clock: any WallClock
    private let logger: Logger
    private let queue = Mutex<[FinishedSpan]>([])
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let exported = Counter(label: MetricCatalogue.spans.name, dimensions: [("result", "exported")])
    private let dropped = Counter(label: MetricCatalogue.spans.name, dimensions: [("result", "dropped")])

    /// - Parameters:
    ///   - endpoint: The collector's URL for traces.
    ///   - version: The version of the program.
    ///   - instance: What tells this deployment from others.
    ///   - client: The way to the collector.
    ///   - clock: Tells when to send, and when to try again.
    ///   - logger: Where problems are reported.
    package init(
        endpoint: String,
        version: String,
        instance: String,
        client: HTTPClient,
        clock: any WallClock,
        logger: Logger
    ) {
        self.endpoint = endpoint
        self.client = client
        self.clock = clock
        self.logger = logger
        resource = OTLP.resource(version: version, instance: instance)
        (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Sends spans until a graceful shutdown, then what is left, as long as the collector accepts it; the rest is
    /// dropped and counted.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.work() }
        // What the last steps left is sent, as far as the collector takes it at once.
        while !queue.withLock({ $0.isEmpty }) {
            guard await send(within: Self.lastTimeout) == .delivered else { break }
        }
        let rest = queue.withLock { $0.count }
        if rest > 0 {
            dropped.increment(by: rest)
            logger.warning("Spans dropped, the trace collector does not accept them", metadata: ["spans": "\(rest)"])
        }
    }

    /// Takes a span that has ended.
    package func take(_ span: FinishedSpan) {
        let (isFull, isFirst) = queue.withLock { queue in
            guard queue.count < Self.capacity else { return (true, false) }
            queue.append(span)
            return (false, queue.count == 1)
        }
        if isFull { dropped.increment() }
        if isFirst { signal.yield() }
    }

    private func work() async {
        var failures = 0
        for await _ in signals {
            try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))
            while !Task.isCancelled, !queue.withLock({ $0.isEmpty }) {
                switch await send(within: Self.timeout) {
                case .delivered, .refused:
                    if failures > 0 { logger.info("Trace collector available again") }
                    failures = 0
                case .unavailable(let reason):
                    if Task.isCancelled { return }
                    if failures == 0 {
                        logger.warning(
                            "Trace collector unreachable, see 'tracing.endpoint'",
                            metadata: ["endpoint": "\(endpoint)", "reason": "\(reason)"]
                        )
                    }
                    failures += 1
                    let wait = min(pow(2, Double(min(failures, 8))), Self.longestPause)
                    try? await clock.sleep(until: clock.now.addingTimeInterval(wait))
                }
            }
        }
    }

    private enum Outcome: Equatable {
        case delivered
        /// The collector does not want them, and would not later.
        case refused
        case unavailable(String)
    }

    /// Sends the oldest spans; they stay in the queue until the collector has answered.
    private func send(within timeout: TimeAmount) async -> Outcome {
        let batch = queue.withLock { Array($0.prefix(Self.largestBatch)) }
        let outcome = await post(OTLP.request(resource, batch.map(\.json)), within: timeout)
        switch outcome {
        case .delivered: exported.increment(by: batch.count)
        case .refused: dropped.increment(by: batch.count)
        case .unavailable: return outcome
        }
        queue.withLock { $0.removeFirst(batch.count) }
        return outcome
    }

    private func post(_ body: JSON, within timeout: TimeAmount) async -> Outcome {
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "Countersign")
        request.body = .bytes(ByteBuffer(bytes: body.bytes))
        do {
            let response = try await client.execute(request, timeout: timeout)
            let code = Int(response.status.code)
            if (200...299).contains(code) { return .delivered }
            // The codes that OTLP calls worth a second try.
            if [429, 502, 503, 504].contains(code) { return .unavailable("it answered \(code)") }
            logger.error(
                "Trace collector refused spans",
                metadata: ["endpoint": "\(endpoint)", "status": "\(code)"]
            )
            return .refused
        } catch {
            return .unavailable("\(NetworkError(error))")
        }
    }
}

/// The request of OTLP for traces, in JSON.
enum OTLP {
    /// What all spans of a process have in common.
    static func resource(version: String, instance: String) -> JSON {
        let facts = [
            ("host.name", ProcessInfo.processInfo.hostName), ("service.instance.id", instance),
            ("service.name", "countersign"), ("service.version", version), ("telemetry.sdk.language", "swift"),
            ("telemetry.sdk.name", "countersign"), ("telemetry.sdk.version", version),
        ]
        return ["attributes": .array(facts.map { ["key": .string($0.0), "value": ["stringValue": .string($0.1)]] })]
    }

    static func request(_ resource: JSON, _ spans: [JSON]) -> JSON {
        [
            "resourceSpans": [
                ["resource": resource, "scopeSpans": [["scope": ["name": "countersign"], "spans": .array(spans)]]]
            ]
        ]
    }
}
