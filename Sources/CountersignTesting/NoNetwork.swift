package import CountersignOutbound

/// The network of a test that must not use it.
package struct NoNetwork: HTTPSending {
    /// A network that refuses every request.
    package init() {}

    /// Never sends anything.
    ///
    /// - Throws: `ExchangeError`, always; it says that sending the request later does not help.
    package func send(
        _ request: OutgoingRequest,
        to _: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        throw ExchangeError("this test has no network", isPassing: false)
    }
}
