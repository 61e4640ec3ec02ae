import Logging
import NIOCore
import NIOHTTP1

/// What is written to the client.
extension CallbackConnection {
    func write(_ answer: Answer, to request: CallbackRequest, _ context: ChannelHandlerContext) {
        handler.tell(of: answer, to: request, from: remote(context))
        let closes = answer.closes || isLastRequest || !request.isKeptAlive
        write(
            answer,
            connection: closes ? "close" : request.isOld ? "keep-alive" : nil,
            hasBody: request.method != .HEAD,
            context
        )
        if closes { end(context) }
    }

    private func write(_ answer: Answer, connection: String?, hasBody: Bool, _ context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(capacity: 256)
        answer.write(to: &buffer, date: handler.date, connection: connection, hasBody: hasBody)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    /// Answers in the place of the program and ends the connection.
    func refuse(with answer: Answer, _ context: ChannelHandlerContext) {
        write(answer, connection: "close", hasBody: true, context)
        end(context)
    }

    func refuse(_ error: HTTPParserError, _ context: ChannelHandlerContext) {
        let (status, reason): (HTTPResponseStatus, String) =
            error == .headerOverflow
            ? (.requestHeaderFieldsTooLarge, "there are too many header fields, or they are too large")
            : (.badRequest, "this is not a valid HTTP/1.1 request")
        handler.refusals.tell(reason, from: remote(context))
        refuse(with: Answer(status, error: reason), context)
    }

    /// Ends a request that has not come whole in its time.
    func refuseLate(_ facts: Logger.Metadata, _ context: ChannelHandlerContext) {
        let reason = "the request took too long to arrive"
        handler.refusals.tell(reason, from: remote(context), facts)
        refuse(with: Answer(.requestTimeout, error: reason), context)
    }
}
