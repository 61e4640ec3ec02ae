package import CountersignCore
package import CountersignEngine
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore

/// Carries out commands on a store that is open for writing: in the server, or in a command where none runs.
package struct StoreCommands: OperatorCommands {
    let store: any Store
    let questions: StoreQuestions
    private let replayer: Replayer?
    private let pollers: [String: Poller]
    let accounts: [String]
    private let install: @Sendable (RuleSources) async throws -> RuleBook.Change
    let clock: any WallClock

    /// - Parameters:
    ///   - store: The store, which nobody else changes.
    ///   - questions: Answers about the same store.
    ///   - replayer: Evaluates events by the active rules; nil where no server runs, which alone has them.
    ///   - pollers: Ask OneSpan Sign, by the names of the accounts that are set up.
    ///   - accounts: The names of the accounts; none where the settings name none.
    ///   - install: Checks rules, and activates them.
    ///   - clock: The time at which commands are carried out.
    package init(
        store: any Store,
        questions: StoreQuestions,
        replayer: Replayer? = nil,
        pollers: [String: Poller] = [:],
        accounts: [String] = [],
        install: @escaping @Sendable (RuleSources) async throws -> RuleBook.Change,
        clock: any WallClock
    ) {
        self.store = store
        self.questions = questions
        self.replayer = replayer
        self.pollers = pollers
        self.accounts = accounts
        self.install = install
        self.clock = clock
    }

    /// Retries a failed run, or only tells whether that is possible.
    package func retry(_ request: RetryRequest, once token: CommandToken?) async throws -> RetryResult {
        if request.rules == .current { try requireServer("'--rules current'") }
        let version = try await questions.ruleSet(for: request)
        if !request.isDryRun {
            let other = request.rules == .current ? version : nil
            try await store.retry(
                request.run,
                from: request.step,
                by: other,
                once: token?.of("retry \(request.run) \(request.step ?? "") \(request.rules)"),
                at: clock.now
            )
        }
        let active = replayer == nil ? nil : try await questions.activeRules()?.version
        return RetryResult(ruleSet: version, isActive: active.map { $0 == version })
    }

    /// Discards a failed, queued or waiting run; its history is kept.
    package func discard(_ run: Run.ID, once token: CommandToken?) async throws {
        try await store.discard(run, once: token?.of("discard \(run)"), at: clock.now)
    }

    /// Evaluates stored events once more by the active rules, and tells what became of their runs.
    package func replay(_ request: ReplayRequest, once token: CommandToken?) async throws -> [ReplayedRun] {
        guard let replayer else { throw Self.needsServer("a replay") }
        do {
            return try await replayer.replay(request, once: token?.of("replay \(request.json.text)"))
        } catch let error as ReplayError {
            switch error {
            case .noSuchEvent, .noSuchRule: throw OperationError(.notFound, "\(error)")
            case .noRules, .damaged: throw OperationError(.conflict, "\(error)")
            }
        }
    }

    /// Asks OneSpan Sign for events whose callback is missing.
    package func poll(_ request: PollRequest) async throws -> PollReport {
        let poller = try poller(of: request.account)
        do {
            return try await poller.poll(since: request.since, isDryRun: request.isDryRun)
        } catch let error as APIFailure {
            throw OperationError(.noAnswer, "\(error)")
        } catch let error as SingletonError {
            throw OperationError(.conflict, "\(error)")
        }
    }

    /// What polls an account; without a name the only one there is.
    private func poller(of account: String?) throws(OperationError) -> Poller {
        if let poller = account.map({ pollers[$0] }) ?? (pollers.count == 1 ? pollers.values.first : nil) {
            return poller
        }
        let names = pollers.keys.filter { !$0.isEmpty }.sorted().joined(separator: ", ")
        if let account {
            throw OperationError(
                .notFound,
                "the account '\(account.printable)' is not set up: "
                    + (names.isEmpty ? "set 'accounts'" : "there is \(names)")
            )
        }
        throw OperationError(
            .conflict,
            names.isEmpty
                ? "OneSpan Sign is not set up: set 'onespan.url' in the settings"
                : "there are several accounts: name one of \(names)"
        )
    }

    /// Stores an event that a person hands in.
    package func ingest(_ delivery: Delivery) async throws -> Receipt {
        try await store.append(delivery, at: clock.now)
    }

    /// Activates rules, for every instance of the store.
    package func install(_ sources: RuleSources) async throws -> RuleInstallation {
        switch try await install(sources) as RuleBook.Change {
        case .installed(_, let count, let warnings):
            guard let activation = try await store.activation() else { throw StoreError.activationChanged }
            return RuleInstallation(activation: activation, count: count, warnings: warnings.map(\.description))
        case .refused(let findings):
            let errors = findings.filter { $0.severity == .error }
            throw OperationError(
                .invalid,
                "the rules have errors; the active rules are unchanged\n"
                    + DiagnosticPrinter(sources: sources.sourceTexts).text(errors)
            )
        }
    }

    private func requireServer(_ subject: String) throws(OperationError) {
        if replayer == nil { throw Self.needsServer(subject) }
    }

    private static func needsServer(_ subject: String) -> OperationError {
        OperationError(
            .unavailable,
            "\(subject) requires a running server, and none is running on this store; start 'countersign serve'"
        )
    }
}
