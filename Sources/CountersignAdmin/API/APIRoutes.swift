import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Serves the endpoints, and the document that describes them.
struct APIRoutes: Sendable {
    static let root = "/api/v1"

    /// The largest body that is read: an event that a person hands in.
    static let largestBody = 16 << 20

    let endpoints: [Endpoint]
    let clock: any WallClock
    let logger: Logger

    init(_ operations: Operations) {
        clock = operations.clock
        endpoints = Endpoint.all(operations)
        logger = operations.logger
    }

    func add(to router: Router<AdminContext>) {
        let group = router.group(RouterPath(Self.root))
        for endpoint in endpoints {
            group.on(RouterPath(endpoint.route), method: endpoint.method) { request, context in
                await answer(endpoint, request, context).response
            }
        }
        let (index, description) = (APIAnswer(index), APIAnswer(OpenAPI(endpoints).json))
        group.get("") { _, _ in index.response }
        group.get("/openapi.json") { _, _ in description.response }
        // What is under the root and is no endpoint.
        for method in HTTPRequest.Method.known where method != .head {
            group.on("/**", method: method) { _, _ in
                APIAnswer(.notFound, "there is no such endpoint; see \(Self.root)/openapi.json").response
            }
        }
    }

    /// Where to begin.
    private var index: JSON {
        [
            "description": .string("\(Self.root)/openapi.json"),
            "endpoints": .array(endpoints.map { .string("\($0.method.rawValue) \(Self.root)\($0.path)") }),
        ]
    }

    private func answer(
        _ endpoint: Endpoint,
        _ request: Request,
        _ context: AdminContext
    ) async -> APIAnswer {
        do {
            let segment = endpoint.pathParameter
                .flatMap { context.parameters.get($0.name) }
                .map { $0.removingPercentEncoding ?? $0 }
            let now = clock.now
            let values = try endpoint.checked(path: segment, query: FormFields(request.uri.query ?? ""), at: now)
            var body: [UInt8] = []
            if endpoint.body != nil {
                body = Array(try await request.body.collect(upTo: Self.largestBody).readableBytesView)
            } else if endpoint.method == .post {
                try await expectNoBody(request, endpoint)
            }
            let token = try token(of: request, for: endpoint)
            let caller = Caller(context)
            let asked = APIRequest(values: values, body: body, token: token, now: now, caller: caller)
            return try await endpoint.handle(asked)
        } catch {
            return refusal(error)
        }
    }

    /// The token of a command, which the header `Idempotency-Key` carries.
    private func token(of request: Request, for endpoint: Endpoint) throws(OperationError) -> CommandToken? {
        guard let name = HTTPField.Name("Idempotency-Key"), let value = request.headers[name] else { return nil }
        guard endpoint.takesToken else {
            throw OperationError(.invalid, "this path takes no Idempotency-Key")
        }
        guard let token = CommandToken(value) else {
            throw OperationError(
                .invalid,
                "Idempotency-Key must have 1 to \(CommandToken.longest) letters, digits, hyphens or underscores"
            )
        }
        return token
    }

    /// Refuses a body that would be ignored; an empty object says nothing that could be.
    private func expectNoBody(_ request: Request, _ endpoint: Endpoint) async throws {
        let body = try await request.body.collect(upTo: Self.largestBody).readableBytesView
        guard !body.isEmpty, (try? JSON(parsing: body))?.object?.isEmpty != true else { return }
        let names = endpoint.query.map { "'?\($0.name)=…'" }.joined(separator: ", ")
        throw OperationError(
            .invalid,
            "this path does not accept a body"
                + (names.isEmpty ? "" : "; parameters are passed in the query, as \(names)")
        )
    }

    private func refusal(_ error: any Error) -> APIAnswer {
        switch error {
        case let error as OperationError: return APIAnswer(error.refusal, error.description)
        case let error as StoreError: return APIAnswer(error.refusal, "\(error)")
        case is NIOTooManyBytesError:
            var answer = APIAnswer(.badRequest, "the body is larger than \(Self.largestBody) bytes")
            answer.status = .contentTooLarge
            return answer
        case is HTTPParserError: return APIAnswer(.badRequest, "the body is not sent as HTTP/1.1 requires")
        default:
            logger.error("API request failed", metadata: ["error": "\(error)"])
            var answer = APIAnswer(.unavailable, "the request failed; see the log")
            answer.status = .internalServerError
            return answer
        }
    }
}

extension StoreError {
    /// How the API tells of it.
    var refusal: Endpoint.Refusal {
        switch self {
        case .noSuchRun: .notFound
        case .wrongState: .conflict
        default: .unavailable
        }
    }
}

extension APIAnswer {
    var response: Response {
        Response(
            status: status,
            headers: [.contentType: type],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}
