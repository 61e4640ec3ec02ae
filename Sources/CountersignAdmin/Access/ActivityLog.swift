import Hummingbird
import Logging

/// Writes a line for each act of a person or a tool: what was asked for, by whom, from where, and what came of it.
///
/// What only looks is not told.
struct ActivityLog: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request,
        context: AdminContext,
        next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        guard let role = AdminRole.needed(for: request.method, path: request.uri.path), role > .view else {
            return response
        }
        logger.info(
            "Operator command",
            metadata: [
                "command": "\(request.method.rawValue) \(request.uri.string.prefix(500))",
                "remote": "\(context.remoteText)", "by": "\(context.identity?.name ?? "nobody")",
                "admitted_by": "\(context.identity?.credential.rawValue ?? "nothing")",
                "status": "\(response.status.code)",
            ]
        )
        return response
    }
}
