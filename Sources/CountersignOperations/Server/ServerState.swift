package import CountersignCore
package import CountersignStore

/// What the running server runs with, for `countersign doctor`.
package struct ServerState: Sendable {
    /// Its process id.
    package let process: Int64

    /// Its version, such as `0.1.0`.
    package let version: String

    /// The active rules; nil before the first set.
    package let ruleSet: RuleSetVersion?

    /// How many transactions it has committed.
    package let commits: Int

    /// How many events wait to be stored.
    package let waiting: Int

    /// Whether a failed sync has ended all writing.
    package let refusesWrites: Bool

    /// How the store is set, read back from it.
    package let storeFacts: [StoreFact]

    /// What a server runs with.
    package init(
        process: Int64,
        version: String,
        ruleSet: RuleSetVersion?,
        commits: Int,
        waiting: Int,
        refusesWrites: Bool,
        storeFacts: [StoreFact]
    ) {
        self.process = process
        self.version = version
        self.ruleSet = ruleSet
        self.commits = commits
        self.waiting = waiting
        self.refusesWrites = refusesWrites
        self.storeFacts = storeFacts
    }

    /// The server with its counters and the facts about its store.
    package static let shape = Shape<ServerState>(
        "ServerState",
        [
            .always("process", .count) { JSON($0.process) },
            .always("version", .string) { .string($0.version) },
            .text("rule_set") { $0.ruleSet?.rawValue },
            .always("commits", .count) { JSON($0.commits) },
            .always("events_waiting", .count) { JSON($0.waiting) },
            .always("refuses_writes", .boolean) { .bool($0.refusesWrites) },
            .always("store_facts", .array(.named("StoreFact"))) { .array($0.storeFacts.map(\.json)) },
        ]
    )

    /// The state as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a server")
        self.init(
            process: try document.number("process"),
            version: try document.text("version"),
            ruleSet: try document.optionalText("rule_set").map { RuleSetVersion(rawValue: $0) },
            commits: try document.count("commits"),
            waiting: try document.count("events_waiting"),
            refusesWrites: try document.flag("refuses_writes"),
            storeFacts: try document.list("store_facts") { json throws(OperationError) in try StoreFact(json: json) }
        )
    }
}

extension StoreFact {
    static let shape = Shape<StoreFact>(
        "StoreFact",
        [
            .always("subject", .string) { .string($0.subject) },
            .always("status", .string) { .string($0.status.rawValue) },
            .always("text", .string) { .string($0.text) },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a fact")
        self.init(try document.text("subject"), try document.choice("status"), try document.text("text"))
    }
}
