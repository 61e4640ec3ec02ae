import CountersignCore
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Knows what is served at which path, and what is answered; all connections share it.
final class CallbackHandler: Sendable {
    /// What is to be done with a request of which the head has come.
    enum Reception: Sendable {
        /// It is answered at once, whatever follows.
        case answer(Answer)
        /// The body is read and stored.
        case callback(CallbackSender)
        /// A token has to be checked before anything of the body is read.
        case check(TokenCheck, CallbackEndpoint)
        /// It is found out whether the program is ready.
        case readiness
    }

    let settings: ListenerSettings

    /// What the bodies of all connections share.
    let bodies: PendingBodies
    let refusals: Refusals
    let logger: Logger
    private let intake: Intake
    private let endpoints: [Substring: CallbackEndpoint]
    private let readiness: ReadinessCache
    private let clock: any WallClock
    private let guesses: KeyThrottle
    private let dateHeader = DateHeader()
    private let requests = Atomic<UInt64>(0)

    init(
        settings: ListenerSettings,
        intake: Intake,
        readiness: ReadinessCache,
        clock: any WallClock,
        refusals: Refusals,
        logger: Logger
    ) {
        self.settings = settings
        bodies = PendingBodies(limit: settings.maximumPendingBodies)
        self.intake = intake
        endpoints = Dictionary(settings.endpoints.map { ($0.path[...], $0) }) { first, _ in first }
        self.readiness = readiness
        self.clock = clock
        guesses = KeyThrottle(clock: clock)
        self.refusals = refusals
        self.logger = logger
    }

    /// The request of a head, with a number of its own.
    func request(of head: HTTPRequestHead) -> CallbackRequest {
        CallbackRequest(head, id: DeliveryID(requests.wrappingAdd(1, ordering: .relaxed).newValue))
    }

    /// What is to be done with a request that came from `remote`, whose client has shown `certificate`.
    func reception(
        of request: CallbackRequest,
        from remote: SocketAddress?,
        _ certificate: @autoclosure () -> ClientCertificate?
    ) -> Reception {
        guard !request.namesSeveralHosts else { return .answer(refusal(of: request, .severalHosts)) }
        if let endpoint = endpoints[request.path] {
            guard request.method == .POST else {
                return .answer(refusal(of: request, .wrongMethod(allowed: "POST")))
            }
            return reception(of: request, from: remote, certificate(), at: endpoint)
        }
        switch request.path {
        case "/health" where request.isGetOrHead: return .answer(Answer(.ok, body: #"{"status":"alive"}"#))
        case "/ready" where request.isGetOrHead: return .readiness
        case "/health", "/ready": return .answer(refusal(of: request, .wrongMethod(allowed: "GET, HEAD")))
        default: return .answer(refusal(of: request, .notFound))
        }
    }

    private func reception(
        of request: CallbackRequest,
        from remote: SocketAddress?,
        _ certificate: ClientCertificate?,
        at endpoint: CallbackEndpoint
    ) -> Reception {
        let credentials = RequestCredentials(
            authorization: request.authorization,
            fields: { request.headers[$0] },
            address: client(of: request, from: remote),
            certificate: certificate
        )
        switch endpoint.authenticator.decide(credentials) {
        case .accepted(let id): return reception(of: request, by: CallbackSender(account: endpoint.account, id: id))
        case .refused(let reason): return refuse(request, from: remote, at: endpoint, because: reason)
        case .pending(let check): return .check(check, endpoint)
        }
    }

    private func reception(of request: CallbackRequest, by sender: CallbackSender) -> Reception {
        isTooLarge(request) ? .answer(.tooLarge(limit: settings.maximumBody)) : .callback(sender)
    }

    /// What is to be done with a request after its token was checked; never `check`.
    func reception(
        of request: CallbackRequest,
        from remote: SocketAddress?,
        at endpoint: CallbackEndpoint,
        after check: TokenCheck
    ) async -> Reception {
        switch await check.outcome(at: clock.now) {
        case .accepted(let id): reception(of: request, by: CallbackSender(account: endpoint.account, id: id))
        case .refused(let reason): refuse(request, from: remote, at: endpoint, because: reason)
        case .unverified(let proof, let reason):
            reception(of: request, by: CallbackSender(account: endpoint.account, proof: proof, reason: reason))
        }
    }

    private func refuse(
        _ request: CallbackRequest,
        from remote: SocketAddress?,
        at endpoint: CallbackEndpoint,
        because reason: String
    ) -> Reception {
        let client = client(of: request, from: remote)
        intake.refuse(request, of: endpoint.account, from: remote, client, because: reason)
        var answer = guesses.answer(to: client, schemes: endpoint.authenticator.schemes)
        answer.closes = answer.closes || !isWorthDraining(request)
        return .answer(answer)
    }

    private func client(of request: CallbackRequest, from remote: SocketAddress?) -> IPAddress? {
        let address = remote?.ipAddress.flatMap { IPAddress($0)?.unmapped }
        return settings.trustedProxies.client(behind: address, forwarded: request.headers["x-forwarded-for"])
    }

    /// Stores the body of a callback; `answer` is called once, on any thread.
    func take(
        _ body: [UInt8],
        _ sender: CallbackSender,
        _ request: CallbackRequest,
        then answer: @escaping @Sendable (Answer) -> Void
    ) {
        intake.take(body, sender, request, then: answer)
    }

    func ready() async -> Answer {
        let readiness = await readiness.current()
        return Answer(readiness.isReady ? .ok : .serviceUnavailable, body: readiness.json.text)
    }

    /// The value of the `Date` header.
    var date: String { dateHeader.text(at: clock.now) }

    /// Tells of an answer; of a refusal also that which will not come again, or is asked for in vain.
    func tell(of answer: Answer, to request: CallbackRequest, from remote: @autoclosure () -> SocketAddress?) {
        let reason: String? =
            switch answer.status {
            case .payloadTooLarge: "the body is larger than \(settings.maximumBody) bytes"
            case .methodNotAllowed: "method not allowed"
            case .notFound: "not found"
            case .badRequest where request.namesSeveralHosts: "the header 'Host' is repeated"
            default: nil
            }
        if let reason { refusals.tell(reason, from: remote(), request.facts) }
        logger.debug(
            "Request answered",
            metadata: [
                "delivery.id": "\(request.id)", "method": "\(request.method)", "path": "\(request.path)",
                "status": "\(answer.status.code)",
            ]
        )
    }

    private func refusal(of request: CallbackRequest, _ answer: Answer) -> Answer {
        var answer = answer
        answer.closes = !isWorthDraining(request)
        return answer
    }

    private func isTooLarge(_ request: CallbackRequest) -> Bool {
        (request.contentLength ?? 0) > settings.maximumBody
    }

    /// Whether the body of a request that is refused is small enough to be read over, so that the connection can stay.
    private func isWorthDraining(_ request: CallbackRequest) -> Bool {
        !request.isChunked && !request.wantsPermission && !isTooLarge(request)
    }
}

extension CallbackRequest {
    fileprivate var isGetOrHead: Bool { method == .GET || method == .HEAD }
}
