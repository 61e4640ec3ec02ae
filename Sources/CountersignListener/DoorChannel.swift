import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// A connection of HTTP/1.1, over TLS where there is a certificate: the one of the moment in which it begins.
struct DoorChannel: ServerChildChannel {
    let inner: HTTP1Channel
    let certificate: ServerCertificate?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        guard let certificate else { return inner.setup(channel: channel, logger: logger) }
        return channel.eventLoop
            .makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
            }
            .flatMap { inner.setup(channel: channel, logger: logger) }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await inner.handle(value: value, logger: logger)
    }
}
