/// The way to send HTTP requests.
package protocol HTTPSending: Sendable {
    /// Sends a request and reads the answer's head and the beginning of its body; redirects are not followed.
    ///
    /// With a receiver, the body of a success (2xx) goes to it as a whole, part by part, and the answer's own is empty.
    /// When the task is cancelled, the exchange is ended.
    func send(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer
}

extension HTTPSending {
    /// Sends a request and reads the answer's head and the beginning of its body.
    package func send(_ request: OutgoingRequest) async throws(ExchangeError) -> IncomingAnswer {
        try await send(request, to: nil)
    }
}

/// What receives a body of any size.
package protocol BodyReceiving: Sendable {
    /// Takes the next part; the sender waits meanwhile.
    ///
    /// - Throws: `ExchangeError` to end the exchange.
    func receive(_ part: [UInt8]) async throws(ExchangeError)
}

/// A request that is about to be sent.
package struct OutgoingRequest: Sendable, Equatable {
    /// A header field; a name may occur in several of them.
    package struct Header: Sendable, Equatable {
        /// The name; case does not matter (RFC 9110, section 5.1).
        package let name: String

        /// The value as it is sent or received.
        package let value: String

        /// A header field of this name and value.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The method, such as `POST`.
    package let method: String

    /// The URL, http or https, with all values filled in.
    package let url: String

    /// The headers; others are added when the request is sent, such as `User-Agent` where it is missing.
    package let headers: [Header]

    /// nil sends no body at all, unless there is a `stream`.
    package let body: [UInt8]?

    /// A body that is read while it is sent, in the place of `body`.
    package let stream: StreamedBody?

    /// After how long the exchange is ended; nil leaves that to whoever cancels the task.
    package let timeout: Duration?

    /// A request; without `timeout`, only cancellation of the task ends the exchange early.
    package init(
        method: String,
        url: String,
        headers: [Header] = [],
        body: [UInt8]? = nil,
        stream: StreamedBody? = nil,
        timeout: Duration? = nil
    ) {
        self.stream = stream
        self.timeout = timeout
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

extension OutgoingRequest {
    /// The request to another URL.
    func at(_ url: String) -> OutgoingRequest {
        OutgoingRequest(method: method, url: url, headers: headers, body: body, stream: stream, timeout: timeout)
    }

    /// The request with further headers.
    package func adding(_ headers: [Header]) -> OutgoingRequest {
        OutgoingRequest(
            method: method,
            url: url,
            headers: self.headers + headers,
            body: body,
            stream: stream,
            timeout: timeout
        )
    }
}

/// What a server answered.
package struct IncomingAnswer: Sendable, Equatable {
    /// The status code.
    package let status: Int

    /// The headers in their order, with lower-case names.
    package let headers: [OutgoingRequest.Header]

    /// The beginning of the body.
    package let body: [UInt8]

    /// Whether the body was longer than what is kept.
    package let isCut: Bool

    /// An answer; `isCut` says that `body` is only the beginning.
    package init(status: Int, headers: [OutgoingRequest.Header], body: [UInt8], isCut: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isCut = isCut
    }
}

/// Why there is no answer.
package struct ExchangeError: Error, Sendable, Equatable {
    /// What happened, in words that name no address.
    package let reason: String

    /// Whether the same request, sent later, may be answered.
    package let isPassing: Bool

    /// Whether the other side did not do its part, as it would not for any other request.
    package let isOutage: Bool

    /// What the network made of it; nil where it was not asked, or did its part.
    package let network: NetworkError?

    /// An error; unless `isPassing` is false, the same request may be answered later.
    package init(_ reason: String, isPassing: Bool = true) {
        self.reason = reason
        self.isPassing = isPassing
        isOutage = isPassing
        network = nil
    }

    /// The failure of an exchange that went through a proxy.
    package init(_ error: NetworkError, through proxy: ProxyServer) {
        reason = "through the proxy \(proxy.name): \(error)"
        isPassing = error.isPassing
        isOutage = error.isOutage
        network = error
    }

    /// The failure of an exchange in which the network or the other side failed, with what to do where the caller knows.
    package init(_ error: NetworkError, adding advice: [NetworkError.Kind: String] = [:]) {
        reason = error.text(adding: advice)
        isPassing = error.isPassing
        isOutage = error.isOutage
        network = error
    }
}
