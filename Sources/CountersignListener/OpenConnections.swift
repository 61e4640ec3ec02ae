import NIOCore
import Synchronization

/// The connections that are open, no more than a number of them at a time; those beyond wait in the system's queue.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isEnding = false
    }

    private let limit: Int
    private let state = Mutex(State())
    private let emptied: EventLoopPromise<Void>

    /// No connections so far; `eventLoop` is where the end of the last one is signalled.
    init(limit: Int, eventLoop: any EventLoop) {
        self.limit = limit
        emptied = eventLoop.makePromise()
    }

    deinit { emptied.succeed() }

    /// Whether the program stops.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    var isFull: Bool { state.withLock { $0.channels.count >= limit } }

    func insert(_ channel: any Channel) {
        let isEnding = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            return state.isEnding
        }
        if isEnding { Self.quiesce(channel) }
    }

    func remove(_ channel: any Channel) {
        let isLast = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            return state.isEnding && state.channels.isEmpty
        }
        if isLast { emptied.succeed() }
    }

    /// Has each connection end once it has answered what is under way.
    func quiesce() {
        let channels = state.withLock { state in
            state.isEnding = true
            return Array(state.channels.values)
        }
        if channels.isEmpty { emptied.succeed() }
        for channel in channels { Self.quiesce(channel) }
    }

    /// Ends each connection as it stands.
    func close() {
        quiesce()
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }

    /// Returns when, after `quiesce`, the last connection has ended.
    func waitUntilEmpty() async throws {
        try await emptied.futureResult.get()
    }

    private static func quiesce(_ channel: any Channel) {
        channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
}

/// Accepts connections as long as there is room for one more.
final class ConnectionGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private let connections: OpenConnections
    private var isWaiting = false

    init(_ connections: OpenConnections) {
        self.connections = connections
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = unwrapInboundIn(data)
        let connections = connections
        connections.insert(channel)
        let here = NIOLoopBound((gate: self, context: context), eventLoop: context.eventLoop)
        channel.closeFuture.hop(to: context.eventLoop)
            .whenComplete { _ in
                connections.remove(channel)
                here.value.gate.goOn(here.value.context)
            }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        isWaiting = connections.isFull
        if !isWaiting { context.read() }
    }

    private func goOn(_ context: ChannelHandlerContext) {
        if isWaiting, !connections.isEnding { read(context: context) }
    }
}
