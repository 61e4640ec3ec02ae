import HTTPTypes
import Hummingbird
import NIOCore

/// Tells who uses a wrong method on a path that is there which ones it takes.
enum RefusedMethods {
    /// Refuses on each path that `router` serves by now whatever it does not serve.
    static func add(to router: Router<AdminContext>) {
        let methods = Dictionary(grouping: router.routes) { $0.path.description }.mapValues { Set($0.map(\.method)) }
        for (path, served) in methods where !path.hasSuffix("**") {
            // The router answers HEAD as it does GET, without the body.
            let known = served.contains(.get) ? served.union([.head]) : served
            let allowed = known.map(\.rawValue).sorted().joined(separator: ", ")
            let response = response(path, allowed)
            for method in HTTPRequest.Method.known where !known.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ in response }
            }
        }
    }

    private static func response(_ path: String, _ allowed: String) -> Response {
        let sentence = "this path accepts \(allowed)"
        var response = Response(
            status: .methodNotAllowed,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: sentence + "\n"))
        )
        if path.hasPrefix(APIRoutes.root) {
            var answer = APIAnswer(.badRequest, sentence)
            answer.status = .methodNotAllowed
            response = answer.response
        }
        response.headers[.allow] = allowed
        return response
    }
}

extension HTTPRequest.Method {
    /// All that somebody may use; tools that test an API try each.
    static let known: [HTTPRequest.Method] =
        [.get, .head, .post, .put, .patch, .delete, .options, .trace] + [HTTPRequest.Method("QUERY")].compactMap(\.self)
}
