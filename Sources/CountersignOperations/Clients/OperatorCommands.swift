package import CountersignCore
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore

/// What an operator has done.
///
/// A command with a token is carried out once, however often it arrives. Each throws `OperationError` where the command was not carried out, and `StoreError` where the store cannot do it.
package protocol OperatorCommands: Sendable {
    /// Retries a failed run, or only tells whether that is possible.
    func retry(_ request: RetryRequest, once token: CommandToken?) async throws -> RetryResult

    /// Discards a failed, queued or waiting run; its history is kept.
    func discard(_ run: Run.ID, once token: CommandToken?) async throws

    /// Evaluates stored events once more by the active rules, and tells what became of their runs.
    func replay(_ request: ReplayRequest, once token: CommandToken?) async throws -> [ReplayedRun]

    /// Asks OneSpan Sign for events whose callback is missing.
    func poll(_ request: PollRequest) async throws -> PollReport

    /// Stores an event that a person hands in.
    func ingest(_ delivery: Delivery) async throws -> Receipt

    /// Activates rules, for every instance of the store.
    func install(_ sources: RuleSources) async throws -> RuleInstallation

    /// Cancels something pending, or makes it due at once; the decision says that `person` did.
    func change(_ action: PendingChange.Action, pending id: String, by person: String) async throws -> PendingChange

    /// Pauses something for all instances; what was paused before has the new reason and end.
    ///
    /// - Returns: The pause as it is stored.
    func pause(_ request: PauseRequest, by person: String) async throws -> Pause

    /// Resumes something, and makes due what waited for it.
    func resume(_ request: ResumeRequest, by person: String) async throws
}

/// A request to retry a failed run.
package struct RetryRequest: Sendable {
    /// The rules by which a run is retried.
    package enum Rules: String, CaseIterable, Sendable {
        /// Those that created the run.
        case kept
        /// Those that are active now.
        case current
    }

    /// The run.
    package let run: Run.ID

    /// The id of the step to start with, where the results of earlier ones are kept; nil for the one that failed.
    package let step: String?

    /// Which rules it goes on with.
    package let rules: Rules

    /// Whether only to tell whether it is possible.
    package let isDryRun: Bool

    /// A request to go on with a run.
    package init(_ run: Run.ID, from step: String? = nil, by rules: Rules = .kept, isDryRun: Bool = false) {
        self.run = run
        self.step = step
        self.rules = rules
        self.isDryRun = isDryRun
    }
}

/// With which rules a run is retried.
package struct RetryResult: Sendable, Equatable {
    /// The rule set with which the run goes on.
    package let ruleSet: RuleSetVersion

    /// Whether that is the active one; nil where no server runs that would know.
    package let isActive: Bool?

    /// The result of a retry.
    package init(ruleSet: RuleSetVersion, isActive: Bool?) {
        self.ruleSet = ruleSet
        self.isActive = isActive
    }

    /// The rule set of the run, and whether it is the active one.
    package static let shape = Shape<RetryResult>(
        "Retry",
        [
            .always("rule_set", .string) { .string($0.ruleSet.rawValue) },
            .optional("is_active", .boolean) { $0.isActive.map { .bool($0) } },
        ]
    )

    /// The result as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a retry")
        self.init(
            ruleSet: RuleSetVersion(rawValue: try document.text("rule_set")),
            isActive: try document.optional("is_active", \.bool)
        )
    }
}
