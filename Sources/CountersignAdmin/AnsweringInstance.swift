import CountersignOperations
import HTTPTypes
import Hummingbird

/// Says in each answer which instance gives it, where others share its store.
struct AnsweringInstance: RouterMiddleware {
    private static let header = HTTPField.Name(ServerCall.instanceHeader)

    /// The name of this instance; nil where it has its store alone.
    let name: String?

    func handle(
        _ request: Request,
        context: AdminContext,
        next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if let name, let header = Self.header { response.headers[header] = name.headerText }
        return response
    }
}

extension String {
    /// The text as a header may carry it: what is not ASCII is left out.
    fileprivate var headerText: String { String(filter { $0.isASCII && !$0.isNewline }) }
}
