import CountersignCore

extension Deployment {
    /// What a run looks like from outside.
    struct RunFacts: Hashable, CustomStringConvertible {
        let event: Int
        let rule: String
        let state: String

        var description: String { "event \(event): \(rule) \(state)" }
    }

    /// The values that a listing prints with `--json`.
    func list(_ command: String, _ arguments: String...) async throws -> [JSON] {
        let outcome = try await run([command, "list", "--json"] + arguments)
        return try outcome.json
    }

    /// One run with its attempts.
    func show(run id: Int) async throws -> JSON {
        try JSON(parsing: try await run("runs", "show", "\(id)", "--json").output)
    }

    /// Waits until every event is evaluated and no run is under way; gives the runs, the first one first.
    ///
    /// Events that tell of failed runs are not among those that are counted.
    func settledRuns(events count: Int = 1) async throws -> [JSON] {
        try await eventually("rest") {
            let events = try await list("events")
            guard events.count(where: { $0["name"] != "X_RUN_FAILED" }) == count,
                events.allSatisfy({ $0["evaluated_at"]?.string != nil })
            else { return nil }
            let runs = try await list("runs")
            let isAtRest = runs.allSatisfy { ["succeeded", "failed", "discarded"].contains($0["state"]?.string) }
            return isAtRest ? runs.reversed() : nil
        }
    }

    static func facts(_ runs: [JSON]) -> Set<RunFacts> {
        Set(
            runs.map { run in
                RunFacts(
                    event: run["event"]?.number?.integer ?? 0,
                    rule: run["rule"]?.string ?? "",
                    state: run["state"]?.string ?? ""
                )
            }
        )
    }
}

extension JSON {
    /// The attempts of a run as `step status` pairs, in their order.
    var attempts: [String] {
        (self["steps"]?.array ?? []).map { "\($0["step"]?.string ?? "") \($0["status"]?.string ?? "")" }
    }
}
