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
        case callback(CallbackKey.ID)
        /// It is found out whether the program is ready.
        case readiness
    }

    let settings: ListenerSettings

    /// What the bodies of all connections share.
    let bodies: PendingBodies
    let refusals: Refusals
    let logger: Logger
    private let intake: Intake
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

    func reception(of request: CallbackRequest, from remote: SocketAddress?) -> Reception {
        guard !request.namesSeveralHosts else { return .answer(refusal(of: request, .severalHosts)) }
        switch request.path {
        case settings.callbackPath[...] where request.method == .POST:
            guard let key = intake.authenticate(request, from: remote) else {
                var answer = guesses.answer(to: remote)
                answer.closes = answer.closes || !isWorthDraining(request)
                return .answer(answer)
            }
            return isTooLarge(request) ? .answer(.tooLarge(limit: settings.maximumBody)) : .callback(key)
        case settings.callbackPath[...]: return .answer(refusal(of: request, .wrongMethod(allowed: "POST")))
        case "/health" where request.isGetOrHead: return .answer(Answer(.ok, body: #"{"status":"alive"}"#))
        case "/ready" where request.isGetOrHead: return .readiness
        case "/health", "/ready": return .answer(refusal(of: request, .wrongMethod(allowed: "GET, HEAD")))
        default: return .answer(refusal(of: request, .notFound))
        }
    }

    /// Stores the body of a callback; `answer` is called once, on any thread.
    func take(
        _ body: [UInt8],
        _ key: CallbackKey.ID,
        _ request: CallbackRequest,
        then answer: @escaping @Sendable (Answer) -> Void
    ) {
        intake.take(body, key, request, then: answer)
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
