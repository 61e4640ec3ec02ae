package import CountersignCore
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore

extension RemoteClient: OperatorCommands {
    /// Retries a failed run, or only tells whether that is possible.
    package func retry(_ request: RetryRequest, once token: CommandToken?) async throws -> RetryResult {
        let fields: [(name: String, value: String?)] = [
            ("rules", request.rules.rawValue), ("from", request.step), ("dry_run", request.isDryRun ? "true" : nil),
        ]
        return try RetryResult(
            json: try await json(ServerCall(.post, ["runs", "\(request.run)", "retry"], query: fields, token: token))
        )
    }

    /// Discards a failed, queued or waiting run; its history is kept.
    package func discard(_ run: Run.ID, once token: CommandToken?) async throws {
        _ = try await json(ServerCall(.post, ["runs", "\(run)", "discard"], token: token))
    }

    /// Evaluates stored events once more by the active rules, and tells what became of their runs.
    package func replay(_ request: ReplayRequest, once token: CommandToken?) async throws -> [ReplayedRun] {
        let answer = try await json(
            ServerCall(.post, ["replay"], body: request.json.bytes, limit: .seconds(60), token: token)
        )
        return try Document(answer, "a replay")
            .list("runs") { json throws(OperationError) in
                guard let run = ReplayedRun(json: json) else { throw Document(json, "a replay").mismatch("runs") }
                return run
            }
    }

    /// Asks OneSpan Sign for events whose callback is missing.
    package func poll(_ request: PollRequest) async throws -> PollReport {
        try PollReport(
            json: try await json(ServerCall(.post, ["poll"], body: request.json.bytes, limit: .seconds(21_600)))
        )
    }

    /// Stores an event that a person hands in.
    package func ingest(_ delivery: Delivery) async throws -> Receipt {
        let answer = try await json(ServerCall(.post, ["events"], body: delivery.body))
        guard let receipt = Receipt(json: answer) else { throw Document(answer, "an event").mismatch("event") }
        return receipt
    }

    /// Activates rules, for every instance of the store.
    package func install(_ sources: RuleSources) async throws -> RuleInstallation {
        try RuleInstallation(
            json: try await json(ServerCall(.post, ["rules"], body: sources.json.bytes, limit: .seconds(60)))
        )
    }
}
