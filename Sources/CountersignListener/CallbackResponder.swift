import CountersignModel
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// Answers requests: finds what is asked for, and reads the bodies of those who may send one.
final class CallbackResponder: Sendable {
    private let settings: ListenerSettings
    private let intake: Intake
    private let readiness: ReadinessCache
    private let clock: any WallClock
    private let guesses: KeyGuesses
    private let refusals: Refusals
    private let logger: Logger
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
        self.intake = intake
        self.readiness = readiness
        self.clock = clock
        guesses = KeyGuesses(clock: clock)
        self.refusals = refusals
        self.logger = logger
    }

    @concurrent
    func respond(to request: Request, with writer: consuming ResponseWriter, on channel: any Channel) async throws {
        let id = DeliveryID(requests.wrappingAdd(1, ordering: .relaxed).newValue)
        var answer: Answer
        switch request.uri.path {
        case settings.callbackPath where request.method == .post:
            if let key = intake.authenticate(request, from: channel, id) {
                if request.wantsPermission, !isTooLarge(request) {
                    try await writer.writeInformationalHead(HTTPResponse(status: .continue))
                }
                answer = try await callback(request, key, id)
            } else {
                answer = guesses.answer(to: channel.remoteAddress)
                answer.closes = answer.closes || !isWorthDraining(request)
            }
        case settings.callbackPath: answer = refusal(of: request, .wrongMethod(allowed: "POST"))
        case "/health" where request.isGetOrHead: answer = Answer(.ok, body: #"{"status":"alive"}"#)
        case "/ready" where request.isGetOrHead: answer = await ready()
        case "/health", "/ready": answer = refusal(of: request, .wrongMethod(allowed: "GET, HEAD"))
        default: answer = refusal(of: request, .notFound)
        }
        tellOfRefusal(of: request, with: answer.status, from: channel.remoteAddress, id)
        logger.debug(
            "Request answered",
            metadata: [
                "delivery.id": "\(id)", "method": "\(request.method)", "path": "\(request.uri.path)",
                "status": "\(answer.status.code)",
            ]
        )
        try await writer.write(
            response: HTTPResponse(
                status: answer.status,
                headerFields: answer.head(date: dateHeader.text(at: clock.now))
            ),
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: answer.body))
        )
    }

    /// Tells of what will not come again, or is asked for in vain; the intake tells of the rest.
    private func tellOfRefusal(
        of request: Request,
        with status: HTTPResponse.Status,
        from remote: SocketAddress?,
        _ id: DeliveryID
    ) {
        let reason: String
        switch status {
        case .contentTooLarge: reason = "the body is larger than \(settings.maximumBody) bytes"
        case .methodNotAllowed: reason = "the path does not take this method"
        case .notFound: reason = "nothing is served at this path"
        default: return
        }
        var facts = Refusals.facts(method: "\(request.method)", path: request.uri.path)
        facts["delivery.id"] = "\(id)"
        refusals.tell(reason, from: remote, facts)
    }

    private func callback(_ request: Request, _ key: CallbackKey.ID, _ id: DeliveryID) async throws -> Answer {
        guard !isTooLarge(request), let body = try await body(of: request) else {
            return .tooLarge(limit: settings.maximumBody)
        }
        return await intake.take(body, key, id)
    }

    /// The whole body; nil as soon as it grows beyond the limit.
    private func body(of request: Request) async throws -> [UInt8]? {
        var body: [UInt8] = []
        body.reserveCapacity(min(request.contentLength ?? 0, 64 << 10))
        for try await buffer in request.body {
            guard body.count + buffer.readableBytes <= settings.maximumBody else { return nil }
            body += buffer.readableBytesView
        }
        // A connection that breaks off looks like the end of the body here.
        if let length = request.contentLength, body.count < length { throw ConnectionGuard.Ended() }
        return body
    }

    private func ready() async -> Answer {
        let readiness = await readiness.current()
        return Answer(readiness.isReady ? .ok : .serviceUnavailable, body: readiness.json.text)
    }

    private func refusal(of request: Request, _ answer: Answer) -> Answer {
        var answer = answer
        answer.closes = !isWorthDraining(request)
        return answer
    }

    private func isTooLarge(_ request: Request) -> Bool {
        (request.contentLength ?? 0) > settings.maximumBody
    }

    /// Whether the body of a request that is refused is small enough to be read over, so that the connection can stay.
    private func isWorthDraining(_ request: Request) -> Bool {
        if request.headers[.transferEncoding] != nil || request.wantsPermission { return false }
        return !isTooLarge(request)
    }
}

/// The number of a request since the program started, to find the lines of one request in the log.
struct DeliveryID: Sendable, CustomStringConvertible {
    private let number: UInt64

    init(_ number: UInt64) { self.number = number }

    var description: String { String(number) }
}

extension Request {
    fileprivate var isGetOrHead: Bool { method == .get || method == .head }

    /// The length that the client announced; a number too large for `Int` counts as the largest one.
    fileprivate var contentLength: Int? {
        headers[.contentLength].map { Int($0) ?? .max }
    }

    /// Whether the client waits for a word before it sends the body.
    fileprivate var wantsPermission: Bool {
        headers[.expect]?.lowercased() == "100-continue"
    }
}
