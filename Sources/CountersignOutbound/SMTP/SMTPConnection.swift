import CountersignCore
import NIOCore
import NIOPosix
import NIOSSL

/// A connection to a mail server: one line goes out, one reply comes back.
///
/// Whoever opens it closes it.
struct SMTPConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<SMTPReplyHandler>

    /// How long a reply may take.
    private let patience: TimeAmount

    /// Connects to `address`, over TLS from the first byte where a context is given.
    static func open(
        _ address: IPAddress,
        port: Int,
        over tls: SMTPEncryption?,
        patience: TimeAmount
    ) async throws -> SMTPConnection {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(NetworkError.connectTimeout))
            .connect(to: try SocketAddress(ipAddress: address.description, port: port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler()) }
                    let handler = SMTPReplyHandler()
                    try channel.pipeline.syncOperations.addHandler(handler)
                    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                    return SMTPConnection(channel: channel, handler: bound, patience: patience)
                }
            }
    }

    /// Sends bytes as they are, and gives the reply to them.
    func ask(bytes: [UInt8]?) async throws -> SMTPReply {
        let (channel, handler, patience) = (channel, handler, patience)
        return try await withTaskCancellationHandler {
            try await channel.eventLoop
                .flatSubmit {
                    let reply = handler.value.nextReply(on: channel, within: patience, isFirst: bytes == nil)
                    if let bytes { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
                    return reply
                }
                .get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Goes on over TLS; what was sent unencrypted before is discarded.
    func encrypt(with tls: SMTPEncryption) async throws {
        let (channel, handler) = (channel, handler)
        try await channel.eventLoop
            .submit {
                guard handler.value.isIdle else { throw NetworkError.outOfTurn }
                try channel.pipeline.syncOperations.addHandler(tls.handler(), position: .first)
            }
            .get()
    }

    /// The name by which the server may call us where the machine has none.
    var localAddress: String? {
        channel.localAddress?.ipAddress.map { $0.contains(":") ? "[IPv6:\($0)]" : "[\($0)]" }
    }

    /// Says goodbye without waiting for an answer, and closes.
    func quit() async {
        let goodbye = ByteBuffer(string: "QUIT\r\n")
        // The mail is taken; whether the goodbye arrives changes nothing.
        try? await channel.writeAndFlush(goodbye).get()
        close()
    }

    func close() { channel.close(promise: nil) }
}

/// How a connection is encrypted.
struct SMTPEncryption: Sendable {
    let context: NIOSSLContext

    /// The name that the certificate must be for; an address is compared with the one that is connected to.
    let host: String

    func handler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: IPAddress(host) == nil ? host : nil)
    }
}

extension NetworkError {
    /// The server says something that nobody asked for.
    static let outOfTurn = NetworkError(.malformed, "it sent an unexpected reply, so the connection was closed")
}

/// Gives each reply to whoever waits for it.
final class SMTPReplyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var parser = SMTPReplyParser()
    private var waiting: EventLoopPromise<SMTPReply>?

    /// A reply that came before somebody asked.
    private var early: SMTPReply?
    private var fault: (any Error)?

    /// Whether nothing has come that nobody asked for.
    var isIdle: Bool { parser.isEmpty && early == nil && fault == nil && waiting == nil }

    /// The next reply; nothing may have come before it, unless it is the first one or the server says that it closes.
    func nextReply(on channel: any Channel, within time: TimeAmount, isFirst: Bool) -> EventLoopFuture<SMTPReply> {
        let loop = channel.eventLoop
        if let reply = early, isFirst || reply.code == 421 {
            early = nil
            return loop.makeSucceededFuture(reply)
        }
        if let fault { return loop.makeFailedFuture(fault) }
        guard early == nil, parser.isEmpty || isFirst, waiting == nil else {
            return loop.makeFailedFuture(NetworkError.outOfTurn)
        }
        let promise = loop.makePromise(of: SMTPReply.self)
        waiting = promise
        let bound = NIOLoopBound(self, eventLoop: loop)
        let timeout = loop.scheduleTask(in: time) {
            bound.value.fail(NetworkError.noAnswer(within: .nanoseconds(time.nanoseconds)))
            channel.close(promise: nil)
        }
        promise.futureResult.whenComplete { _ in timeout.cancel() }
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard fault == nil else { return }
        for byte in unwrapInboundIn(data).readableBytesView {
            do throws(SMTPReplyError) {
                guard let reply = try parser.take(byte) else { continue }
                take(reply, context)
            } catch {
                fail(error.networkError)
                context.close(promise: nil)
                return
            }
        }
    }

    private func take(_ reply: SMTPReply, _ context: ChannelHandlerContext) {
        if let promise = waiting {
            waiting = nil
            promise.succeed(reply)
        } else if early == nil {
            early = reply
        } else {
            fail(NetworkError.outOfTurn)
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(NetworkError.closedEarly)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Only a connection that was to be encrypted has a certificate.
        let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
        fail(NetworkError(error).explained(by: certificate))
        context.close(promise: nil)
    }

    /// The first fault counts: what follows from it tells less.
    private func fail(_ error: any Error) {
        if fault == nil { fault = error }
        let promise = waiting
        waiting = nil
        promise?.fail(fault ?? error)
    }
}
