import CountersignCore
import CountersignOperations
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// Tells open pages that something was written, as server-sent events (WHATWG HTML, section 9.2).
///
/// An event says only that something changed; the page then asks for itself again. Whoever connects again has missed
/// nothing for the same reason.
struct LiveRoute: Sendable {
    /// How often is looked at most.
    private static let pause: TimeInterval = 0.5

    /// How many looks may find nothing before a sign of life is sent.
    private static let patience = 30

    let operations: Operations

    func add(to router: Router<AdminContext>) {
        router.get("/live") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: .init { writer in
                    try await follow(&writer)
                    try await writer.finish(nil)
                }
            )
        }
    }

    /// Sends until the program stops, or the page is gone.
    @concurrent
    private func follow(_ writer: inout any ResponseBodyWriter) async throws {
        var seen: Int?
        var quiet = 0
        while !Task.isShuttingDownGracefully {
            let writes = operations.host.writes()
            quiet += 1
            if let before = seen, before != writes {
                try await writer.write(ByteBuffer(string: "event: change\ndata: \(writes)\n\n"))
                quiet = 0
            } else if seen == nil || quiet >= Self.patience {
                try await writer.write(ByteBuffer(string: ": nothing new\n\n"))
                quiet = 0
            }
            seen = writes
            let next = operations.clock.now.addingTimeInterval(Self.pause)
            let clock = operations.clock
            await cancelWhenGracefulShutdown { try? await clock.sleep(until: next) }
        }
    }
}
