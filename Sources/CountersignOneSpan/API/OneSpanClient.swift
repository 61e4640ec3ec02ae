package import CountersignCore
package import CountersignOutbound
import Foundation

/// Asks the vendor's REST API.
///
/// Polls and registrations ask one thing after another, as the vendor publishes no limits. What steps and rules ask is
/// admitted by the engine's limiter of destinations before, so that nobody waits for a place in the middle of an attempt.
/// What passes (429, 5xx, no connection) is tried again, after the wait that the vendor asks for where it asks for one.
package final class OneSpanClient: Sendable {
    /// A longer wait is left to the caller, who has something better to do.
    private static let longestWait = Duration.seconds(120)

    static let patienceForAnswer = Duration.seconds(60)
    private static let anything = "*/*"

    /// How a call is tried again while somebody waits for it.
    package static let patience = RetryPolicy(attempts: 4, first: .seconds(1), ceiling: .seconds(30))

    let access: OneSpanAccess

    /// Where the API is.
    package var baseURL: String { access.baseURL }

    let clock: any WallClock

    private let http: any HTTPSending
    private let tokens: OneSpanTokens

    /// For requests that no limiter has admitted.
    private let mutex = AsyncMutex()

    /// Packages that were fetched a moment ago.
    let packages: PackageCache

    private let spread: @Sendable () -> Double

    /// - Parameters:
    ///   - access: Where the API is, and how one proves who asks.
    ///   - http: The way out.
    ///   - clock: The time of day, for tokens and waits.
    ///   - spread: Random numbers from 0 to 1, for the waits between tries.
    package init(
        access: OneSpanAccess,
        http: any HTTPSending,
        clock: any WallClock,
        spread: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
    ) {
        self.access = access
        self.http = http
        self.clock = clock
        self.spread = spread
        packages = PackageCache(clock: clock)
        tokens = OneSpanTokens(access: access, http: http, clock: clock)
    }

    /// Fetches a JSON value.
    ///
    /// - Parameters:
    ///   - path: The segments of the path; each is percent-encoded.
    ///   - query: The parameters behind it.
    ///   - retry: How often it is tried.
    ///   - isAdmitted: Whether a limiter has let the request through, so that it waits for no other one here.
    /// - Throws: `APIFailure`.
    /// - Returns: The body of the answer.
    package func get(
        _ path: [String],
        _ query: [(name: String, value: String)] = [],
        retry: RetryPolicy = patience,
        isAdmitted: Bool = false
    ) async throws(APIFailure) -> JSON {
        try await call("GET", path, query, nil, retry, isAdmitted)
    }

    /// Posts a JSON value, or nothing; gives the body of the answer, null where there is none.
    ///
    /// - Throws: `APIFailure`.
    package func post(
        _ path: [String],
        _ content: JSON?,
        retry: RetryPolicy = patience,
        isAdmitted: Bool = false
    ) async throws(APIFailure) -> JSON {
        try await call("POST", path, [], content, retry, isAdmitted)
    }

    /// Fetches a file, in one try, for who was admitted by a limiter.
    ///
    /// - Throws: `APIFailure`; the receiver may have got a part by then.
    package func fetch(_ path: [String], to receiver: any BodyReceiving) async throws(APIFailure) {
        let request = try request("GET", path, [], nil, accepting: Self.anything)
        _ = try await exchangeSigned(request, named: Self.name("GET", path), receiver)
    }

    private func call(
        _ method: String,
        _ path: [String],
        _ query: [(name: String, value: String)],
        _ content: JSON?,
        _ retry: RetryPolicy,
        _ isAdmitted: Bool
    ) async throws(APIFailure) -> JSON {
        let request = try request(method, path, query, content, accepting: "application/json")
        let name = Self.name(method, path)
        var failures = 0
        while true {
            do throws(APIFailure) {
                let body = CollectedBody()
                _ = try await attempt(request, named: name, body, isAdmitted)
                let bytes = body.bytes
                if bytes.isEmpty { return .null }
                guard let value = try? JSON(parsing: bytes, limits: JSON.Limits(depth: 64, keys: .max)) else {
                    throw APIFailure("OneSpan Sign answered \(name) with a body that is not JSON")
                }
                return value
            } catch {
                failures += 1
                let wait = max(error.retryAfter ?? .zero, retry.wait(afterFailures: failures, spread: spread()))
                guard error.isPassing, failures < retry.attempts, wait <= Self.longestWait else { throw error }
                try await rest(wait, before: name)
            }
        }
    }

    private func rest(_ wait: Duration, before name: String) async throws(APIFailure) {
        do {
            try await clock.sleep(until: clock.now.addingTimeInterval(wait.timeInterval))
        } catch {
            throw Self.ended(name)
        }
    }

    private static func ended(_ name: String) -> APIFailure {
        APIFailure("\(name) was canceled before it was answered", isPassing: true)
    }

    /// The path as it is sent.
    private static func text(_ path: [String]) -> String {
        path.map { "/" + $0.percentEncoded }.joined()
    }

    /// The request as a failure names it; what a stranger put into an id does not flood a log.
    private static func name(_ method: String, _ path: [String]) -> String {
        let text = text(path)
        return "\(method) \(text.count > 200 ? text.prefix(200) + "…" : text)"
    }

    private func request(
        _ method: String,
        _ path: [String],
        _ query: [(name: String, value: String)],
        _ content: JSON?,
        accepting type: String
    ) throws(APIFailure) -> OutgoingRequest {
        // A server reads these as ways to another resource than the one that is meant.
        if let segment = path.first(where: { ["", ".", ".."].contains($0) }) {
            throw APIFailure("'\(segment)' is not a valid id for OneSpan Sign")
        }
        var headers = [OutgoingRequest.Header("Accept", type)]
        if content != nil { headers.append(.init("Content-Type", "application/json")) }
        return OutgoingRequest(
            method: method,
            url: RequestURL.adding(query, to: access.baseURL + Self.text(path)),
            headers: headers,
            body: content?.bytes ?? (method == "POST" ? [] : nil),
            // A file takes as long as it takes; its step has a timeout of its own.
            timeout: type == Self.anything ? nil : Self.patienceForAnswer
        )
    }

    /// One try, when it is its turn.
    private func attempt(
        _ request: OutgoingRequest,
        named name: String,
        _ receiver: any BodyReceiving,
        _ isAdmitted: Bool
    ) async throws(APIFailure) -> IncomingAnswer {
        if isAdmitted { return try await exchangeSigned(request, named: name, receiver) }
        guard await mutex.enter() else { throw Self.ended(name) }
        defer { mutex.leave() }
        return try await exchangeSigned(request, named: name, receiver)
    }

    /// One exchange that is to succeed.
    private func exchangeSigned(
        _ request: OutgoingRequest,
        named name: String,
        _ receiver: any BodyReceiving
    ) async throws(APIFailure) -> IncomingAnswer {
        let answer = try await exchangeAuthorized(request, named: name, receiver)
        guard (200...299).contains(answer.status) else { throw APIFailure(answer, to: name, at: clock.now) }
        return answer
    }

    /// One exchange, whatever its outcome; a token that is not taken any more is replaced.
    func exchangeAuthorized(
        _ request: OutgoingRequest,
        named name: String,
        _ receiver: any BodyReceiving
    ) async throws(APIFailure) -> IncomingAnswer {
        let (header, token) = try await tokens.authorization()
        var answer = try await exchange(request, header, named: name, receiver)
        if answer.status == 401, let token {
            tokens.forget(token)
            answer = try await exchange(request, try await tokens.authorization().header, named: name, receiver)
        }
        return answer
    }

    private func exchange(
        _ request: OutgoingRequest,
        _ authorization: String,
        named name: String,
        _ receiver: any BodyReceiving
    ) async throws(APIFailure) -> IncomingAnswer {
        let signed = OutgoingRequest(
            method: request.method,
            url: request.url,
            headers: request.headers + [.init("Authorization", authorization)],
            body: request.body,
            timeout: request.timeout
        )
        do throws(ExchangeError) {
            return try await http.send(signed, to: receiver)
        } catch {
            throw APIFailure(error, to: name)
        }
    }
}
