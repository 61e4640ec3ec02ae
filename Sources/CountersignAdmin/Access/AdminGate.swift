import CountersignCore
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Lets in who may arrive, and tells browsers what a page may do.
struct AdminGate: RouterMiddleware {
    static let cookie = "countersign"

    let access: AdminAccess
    let guesses: TokenThrottle
    let clock: any WallClock

    func handle(
        _ request: Request,
        context: AdminContext,
        next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        if let refusal = await refusal(of: request, context) {
            response = refusal
        } else {
            response = try await AdminIdentity.$current.withValue(context.identity) {
                try await next(request, context)
            }
        }
        for field in Self.fields { response.headers.append(field) }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }

    /// The answer to who may not arrive; nil for who may, who is noted in `context` then.
    private func refusal(of request: Request, _ context: AdminContext) async -> Response? {
        let host = request.head.authority ?? ""
        guard AdminAccess.isHost(host) else { return answer(request, .badRequest, "the header 'Host' is invalid") }
        // The first one is the authority; what is left among the fields is a second one.
        guard !request.headers.contains(where: { $0.name.canonicalName == "host" }) else {
            return answer(request, .badRequest, "the header 'Host' is repeated")
        }
        guard access.needsToken || AdminAccess.isLocal(host: host) else {
            return answer(request, .forbidden, "only http://127.0.0.1 and http://localhost are allowed without a token")
        }
        let isChange = ![.get, .head].contains(request.method)
        let fits = AdminAccess.isSameOrigin(
            origin: request.headers[.origin],
            fetchSite: request.headers.first { $0.name.canonicalName == "sec-fetch-site" }?.value,
            host: host
        )
        guard !isChange || fits else {
            return answer(request, .forbidden, "the request came from a page of another site")
        }
        // A page of another site may lead here, but gets nothing to work with.
        guard access.needsToken || fits || isNavigation(request) else {
            return answer(request, .forbidden, "the request came from a page of another site")
        }
        let path = request.uri.path
        if path == "/login" || path.hasPrefix("/assets/") { return nil }
        if let refusal = await identify(request, context) { return refusal }
        return refusalForRole(request, context)
    }

    /// Finds out who sends a request and notes it in `context`; gives the answer to somebody who is unknown.
    private func identify(_ request: Request, _ context: AdminContext) async -> Response? {
        guard access.needsToken else {
            context.identity = .local
            return nil
        }
        context.identity = access.identity(cookie: Self.cookie(of: request), at: clock.now)
        guard context.identity == nil else { return nil }
        guard let authorization = request.headers[.authorization] else { return signIn(request) }
        await guesses.pause(before: context)
        context.identity = access.identity(authorization: authorization)
        guard context.identity == nil else { return nil }
        return guesses.wait(afterWrongTokenIn: context).map { tooManyGuesses(request, $0) } ?? signIn(request)
    }

    /// The answer to who may look and not do this.
    private func refusalForRole(_ request: Request, _ context: AdminContext) -> Response? {
        guard let identity = context.identity,
            let needed = AdminRole.needed(for: request.method, path: request.uri.path),
            identity.role < needed
        else { return nil }
        let advice =
            access.needsToken
            ? "use a token whose role is '\(needed.rawValue)' ('admin.tokens' in the settings)"
            : "set the secret COUNTERSIGN_ADMIN_TOKEN and send it, or give the command to the store itself, without --server"
        return answer(
            request,
            .forbidden,
            "'\(identity.name)' has the role '\(identity.role.rawValue)', and this needs '\(needed.rawValue)'; \(advice)"
        )
    }

    /// Programs are asked for the token, people are led to the page where they can give it.
    private func signIn(_ request: Request) -> Response {
        let path = request.uri.path
        if path.hasPrefix("/api/") || path == "/metrics" || path == "/live"
            || ![.get, .head].contains(request.method)
        {
            var response = answer(request, .unauthorized, "send the token as 'Authorization: Bearer TOKEN'")
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        return Response(
            status: .seeOther,
            headers: [.location: "/login?to=\(request.uri.string.percentEncoded)"]
        )
    }

    /// Whether a person followed a link, or a browser opened a page by itself.
    private func isNavigation(_ request: Request) -> Bool {
        func value(_ name: String) -> String? { request.headers.first { $0.name.canonicalName == name }?.value }
        return value("sec-fetch-mode") == "navigate" && value("sec-fetch-dest") == "document"
    }

    private func tooManyGuesses(_ request: Request, _ wait: Int) -> Response {
        var response = answer(request, .tooManyRequests, "too many wrong tokens from your address; try again later")
        response.headers[.retryAfter] = String(wait)
        return response
    }

    static func cookie(of request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let pair = part.split(separator: "=", maxSplits: 1)
                guard pair.count == 2, pair[0].trimmingCharacters(in: .whitespaces) == Self.cookie else { continue }
                return String(pair[1])
            }
        }
        return nil
    }

    private func answer(_ request: Request, _ status: HTTPResponse.Status, _ sentence: String) -> Response {
        let json = request.uri.path.hasPrefix("/api/")
        let text = json ? (["error": .string(sentence)] as JSON).text : sentence + "\n"
        return Response(
            status: status,
            headers: [.contentType: json ? "application/json" : "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }

    private static let fields: [HTTPField] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
    .compactMap { name, value in HTTPField.Name(name).map { HTTPField(name: $0, value: value) } }
}
