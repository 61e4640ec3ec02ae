import AsyncHTTPClient
import CountersignCore
import NIOCore
import NIOHTTP1

/// Asks the admin side of a running server.
struct AdminClient: Sendable {
    /// The variable that has the admin side listen on any free port.
    static let onFreePort = ["COUNTERSIGN_ADMIN_LISTEN": "127.0.0.1:0"]

    /// Where it is served, with a `/` at the end.
    let url: String

    var headers: [(String, String)] = []

    init(_ server: RunningServer) async throws {
        let line = try await server.log.line(with: "msg=\"Admin server started\"")
        let field = line.split(separator: " ").first { $0.hasPrefix("url=") }?.dropFirst("url=".count)
        url = String(field ?? "").replacing("\"", with: "")
    }

    /// The answer to a request, `path` without the first `/`.
    func send(
        _ method: HTTPMethod = .GET,
        _ path: String,
        body: String? = nil,
        headers more: [(String, String)] = []
    ) async throws -> RunningServer.Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        for (name, value) in headers + more { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: .init(redirectConfiguration: .disallow)
        )
        do {
            let response = try await client.execute(request, timeout: .seconds(20))
            let answer = try await response.body.collect(upTo: 4 << 20)
            try await client.shutdown()
            return RunningServer.Answer(
                status: Int(response.status.code),
                headers: response.headers,
                body: String(buffer: answer)
            )
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    /// Reads an answer that has no end, until `isDone` of all that came so far.
    func follow(_ path: String, until isDone: (String) async throws -> Bool) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        do {
            let response = try await client.execute(HTTPClientRequest(url: url + path), timeout: .seconds(30))
            var text = ""
            for try await chunk in response.body {
                text += String(buffer: chunk)
                if try await isDone(text) { break }
            }
            try await client.shutdown()
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    /// The JSON of an endpoint, `path` beneath `/api/v1`.
    func api(_ path: String) async throws -> JSON { try await send(.GET, "api/v1\(path)").json }
}
