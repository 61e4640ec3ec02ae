import Synchronization

/// All that a template can see: the event, the steps before it, the run, the rule and the secrets.
public struct Scope: Sendable {
    /// What is known of an earlier step.
    public enum StepValue: Sendable {
        /// It ran: its outputs and its `status`.
        case known(JSON)
        /// It is only planned; its outputs read as their own names.
        case assumed
    }

    /// Why the chain stopped, inside `on_failure`.
    public struct Failure: Sendable {
        /// The id of the step that failed.
        public let step: String

        /// Why its last attempt failed.
        public let reason: String

        /// How often it was tried.
        public let attempts: Int

        /// A failure; `attempts` are those at `step`.
        package init(step: String, reason: String, attempts: Int) {
            self.step = step
            self.reason = reason
            self.attempts = attempts
        }
    }

    /// The event that the run is for.
    public let event: Event

    /// The id of the rule that is at work.
    public let ruleID: String

    /// The absolute path of the folder that holds the rule's file.
    public let ruleFolder: String

    /// The run that is at work.
    public let runID: Run.ID

    /// The step that is planned.
    public var stepID: String

    /// The attempt at that step, counted from 1.
    public var attempt: Int

    /// What is known of the steps before, by their ids.
    public var steps: [String: StepValue]

    /// Why the chain stopped; nil outside `on_failure`.
    public var failure: Failure?

    /// What the words of the rule left to the run: see `Run.facts`.
    public var facts: JSON?

    /// The secrets that the rules name; hidden in a dry run.
    public let secrets: Secrets

    /// A scope; `steps` and `failure` are filled in while the run goes on.
    package init(
        event: Event,
        ruleID: String,
        ruleFolder: String,
        runID: Run.ID,
        stepID: String = "",
        attempt: Int = 1,
        steps: [String: StepValue] = [:],
        failure: Failure? = nil,
        facts: JSON? = nil,
        secrets: Secrets
    ) {
        self.facts = facts
        self.event = event
        self.ruleID = ruleID
        self.ruleFolder = ruleFolder
        self.runID = runID
        self.stepID = stepID
        self.attempt = attempt
        self.steps = steps
        self.failure = failure
        self.secrets = secrets
    }

    /// The value that `reference` points at; nil where there is none.
    public func value(of reference: Reference) throws(StepFailure) -> JSON? {
        switch reference {
        case .event(let path): path.value(in: event.fields)
        // Live, the package is there before the first step is planned; a dry run may know none.
        case .package, .signer: event.package == nil ? .string("‹\(reference)›") : packageValue(of: reference)
        case .step(let id, let path): value(ofStep: id, path, reference)
        case .runID: JSON(runID.rawValue)
        case .runAttempt: JSON(attempt)
        case .ruleID: .string(ruleID)
        case .failure(.step): failure.map { .string($0.step) }
        case .failure(.reason): failure.map { .string($0.reason) }
        case .failure(.attempts): failure.map { JSON($0.attempts) }
        case .fact(let fact, let path): facts?[fact.rawValue].flatMap { path.value(in: $0) }
        case .secret(let name): .string(try secrets.value(of: name))
        }
    }

    private func packageValue(of reference: Reference) -> JSON? {
        switch reference {
        case .package(let path): event.package.flatMap { path.value(in: $0) }
        case .signer(let path): event.signer.flatMap { path.value(in: $0) }
        default: nil
        }
    }

    private func value(ofStep id: String, _ path: JSONPath, _ reference: Reference) -> JSON? {
        switch steps[id] {
        case .known(let value): path.value(in: value)
        case .assumed where path.components == [.key("status")]: "succeeded"
        case .assumed: .string("‹\(reference)›")
        case nil: nil
        }
    }
}

/// The secrets that the rules name.
public struct Secrets: Sendable {
    /// What is in the place of a secret wherever a person reads.
    public static let mask = "•••"

    private let values: [String: String]
    private let isHidden: Bool

    /// All texts in which a secret may show, the longest first, so that a secret that holds another one is hidden whole.
    private let shapes: [String]

    /// What templates have made of the secrets, such as their Base64.
    private let derived = DerivedSecrets()

    /// Why a secret that the rules name has no value, by its name.
    package let missing: [String: String]

    /// Secrets with these values; `missing` says of others where they were looked for, as a whole sentence.
    ///
    /// - Parameters:
    ///   - values: The secrets that rules name, by their names.
    ///   - missing: Why others have no value.
    ///   - others: Secrets that no rule can use, such as the callback key: they are masked all the same.
    package init(_ values: [String: String], missing: [String: String] = [:], others: [String] = []) {
        self.values = values
        self.missing = missing
        isHidden = false
        // A few letters are no secret, and masking them would tear other words apart.
        let all = values.values.filter { !$0.isEmpty } + others.filter { $0.utf8.count >= 6 }
        shapes = SecretShapes.all(of: all)
    }

    /// These secrets, with others masked beside them.
    package func masking(alsoOthers others: [String]) -> Secrets { Secrets(values, missing: missing, others: others) }

    private init(hiddenExcept missing: [String: String]) {
        values = [:]
        self.missing = missing
        isHidden = true
        shapes = []
    }

    /// Secrets for a dry run: each reads as the mask.
    package static let hidden = Secrets(hiddenExcept: [:])

    /// Secrets for a dry run that tells which are missing: all others read as the mask.
    package static func hidden(except missing: [String: String]) -> Secrets { Secrets(hiddenExcept: missing) }

    /// The names of the secrets that have a value.
    package var names: Set<String> { Set(values.keys) }

    /// The secret called `name` after these filters, which is masked from now on like the secret itself.
    func value(of name: String, through filters: [FilterCall]) throws(StepFailure) -> JSON? {
        let value = try value(of: name)
        if isHidden || filters.isEmpty { return .string(value) }
        var filtered: JSON? = .string(value)
        for filter in filters { filtered = try filter.apply(to: filtered) }
        // A few letters of a secret are no secret, and masking them would tear other words apart.
        if let text = filtered?.plainText, text.count > 3 { derived.insert(text) }
        return filtered
    }

    /// The secret called `name`.
    public func value(of name: String) throws(StepFailure) -> String {
        guard let value = isHidden && missing[name] == nil ? Self.mask : values[name] else {
            throw StepFailure(missing[name] ?? "the secret '\(name)' is not set")
        }
        return value
    }

    /// `text` with every secret in it replaced by the mask.
    public func masking(_ text: String) -> String {
        let derived = derived.texts
        let all = derived.isEmpty ? shapes : (shapes + derived).sorted { $0.utf8.count > $1.utf8.count }
        return all.reduce(text) { text, secret in
            // Bytes and not characters: an accent behind a secret would make its last letter another character.
            guard text.utf8.contains(secret.utf8) else { return text }
            let masked = Array(text.utf8).replacing(Array(secret.utf8), with: Array(Self.mask.utf8))
            return String(decoding: masked, as: UTF8.self)
        }
    }

    /// `value` with every secret in its strings and keys replaced by the mask.
    public func masking(_ value: JSON) -> JSON {
        switch value {
        case .string(let text): .string(masking(text))
        case .array(let items): .array(items.map(masking))
        case .object(let object):
            .object(JSONObject(object.members.map { .init(key: masking($0.key), value: masking($0.value)) }))
        default: value
        }
    }
}

/// Texts that were made from secrets; all copies of the same secrets share them.
private final class DerivedSecrets: Sendable {
    private let kept = Mutex<Set<String>>([])

    var texts: Set<String> { kept.withLock { $0 } }

    func insert(_ text: String) {
        kept.withLock { _ = $0.insert(text) }
    }
}
