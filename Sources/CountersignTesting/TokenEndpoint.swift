package import CountersignCore
import Foundation
import Synchronization

/// A local token endpoint for OAuth 2.0 client credentials (RFC 6749, section 4.4), whose tokens end by a clock.
package final class TokenEndpoint: Sendable {
    /// How it behaves.
    package struct Script: Sendable {
        /// The id of the only client.
        package var id = "client-id"

        /// The secret of the only client.
        package var secret = "client s3cret: ü/+"

        /// How long a token lives.
        package var lifetime = Duration.seconds(3_600)

        /// What is answered instead to the first requests, one for each.
        package var answersOnce: [RecordingServer.Answer] = []

        /// An endpoint whose tokens live for an hour.
        package init() {}
    }

    private struct State {
        var once: [RecordingServer.Answer]
        var ends: [String: Date] = [:]
        var requests: [RecordingServer.Request] = []
    }

    private let script: Script
    private let clock: any WallClock
    private let state: Mutex<State>
    private let address = Mutex("")

    private init(_ script: Script, clock: any WallClock) {
        self.script = script
        self.clock = clock
        state = Mutex(State(once: script.answersOnce))
    }

    /// Runs an endpoint while `body` lasts.
    package static func with<T>(
        _ script: Script = Script(),
        clock: any WallClock = SystemWallClock(),
        _ body: (TokenEndpoint) async throws -> T
    ) async throws -> T {
        let endpoint = TokenEndpoint(script, clock: clock)
        return try await RecordingServer.with(answering: endpoint.answer(to:)) { server in
            endpoint.address.withLock { $0 = server.url + "/oauth2/v2.0/token" }
            return try await body(endpoint)
        }
    }

    /// The URL on 127.0.0.1.
    package var url: String { address.withLock { $0 } }

    /// The requests so far.
    package var requests: [RecordingServer.Request] { state.withLock { $0.requests } }

    /// Whether it gave this token, and the token has neither ended nor been revoked.
    package func accepts(_ token: String) -> Bool {
        let end = state.withLock { $0.ends[token] }
        return end.map { clock.now < $0 } ?? false
    }

    /// Ends all tokens that it gave so far.
    package func revokeAll() { state.withLock { $0.ends = [:] } }

    private func answer(to request: RecordingServer.Request) -> RecordingServer.Answer {
        state.withLock { state in
            state.requests.append(request)
            if !state.once.isEmpty { return state.once.removeFirst() }
            let user = "\(script.id.percentEncoded):\(script.secret.percentEncoded)"
            guard request.headers["authorization"] == "Basic \(Data(user.utf8).base64EncodedString())" else {
                let error = #"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret."}"#
                return .status(401, body: error)
            }
            // As long as those of Microsoft, which do not fit into one line of a command.
            let token = "token-\(state.requests.count)." + String(repeating: "x", count: 1_500)
            state.ends[token] = clock.now.addingTimeInterval(script.lifetime.timeInterval)
            let lifetime = script.lifetime.components.seconds
            return .status(200, body: #"{"token_type":"Bearer","expires_in":\#(lifetime),"access_token":"\#(token)"}"#)
        }
    }
}
