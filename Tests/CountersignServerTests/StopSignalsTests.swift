import CountersignServer
import Logging
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StopSignalsTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func `a request that comes before services run, or between two groups of them, stops the next ones`()
        async throws
    {
        let (stream, requests) = AsyncStream<Void>.makeStream()
        let stop = StopSignals(logger: logger, requests: stream)
        try await stop.watch {
            #expect(!stop.isRequested)
            requests.yield()
            while !stop.isRequested { await Task.yield() }
            // Each group has it as a service.
            try await stop.run()
            try await stop.run()
        }
    }

    @Test func `a request stops the services that run`() async throws {
        let (stream, requests) = AsyncStream<Void>.makeStream()
        let stop = StopSignals(logger: logger, requests: stream)
        try await stop.watch {
            async let end: Void = stop.run()
            requests.yield()
            try await end
        }
        #expect(stop.isRequested)
    }

    @Test func `without a request the work ends by itself`() async throws {
        let (stream, requests) = AsyncStream<Void>.makeStream()
        requests.finish()
        let stop = StopSignals(logger: logger, requests: stream)
        try await stop.watch {}
        #expect(!stop.isRequested)
    }
}
