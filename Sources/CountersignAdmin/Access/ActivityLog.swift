import Hummingbird
import Logging

/// Writes a line for each act of a person or a tool: what was asked for, from where, let in by what, and what came of it.
///
/// What only looks is not told.
struct ActivityLog: RouterMiddleware {
    let logger: Logger

    /// What is asked for by a change of nothing: a payload is tried against the rules.
    private static let looks = ["/rules/dry-run", "/login", "/logout"]

    func handle(
        _ request: Request,
        context: AdminContext,
        next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        let path = request.uri.path
        guard ![.get, .head].contains(request.method), !Self.looks.contains(where: { path.hasSuffix($0) }) else {
            return response
        }
        logger.info(
            "Operator command",
            metadata: [
                "command": "\(request.method.rawValue) \(request.uri.string.prefix(500))",
                "remote": "\(context.remoteText)", "admitted_by": "\(Self.admission(of: request, context))",
                "status": "\(response.status.code)",
            ]
        )
        return response
    }

    /// What let a request in.
    static func admission(of request: Request, _ context: AdminContext) -> String {
        if context.remote == nil { return "owner of the store" }
        if request.headers[.authorization] != nil { return "token" }
        return AdminGate.cookie(of: request) == nil ? "loopback address" : "browser session"
    }
}
