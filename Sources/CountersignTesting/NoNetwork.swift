package import CountersignOutbound

/// The network of a test that must not use it.
package struct NoNetwork: HTTPSending {
    package init() {}

    package func send(
        _ request: OutgoingRequest,
        to _: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        throw ExchangeError("this test has no network", isPassing: false)
    }
}
