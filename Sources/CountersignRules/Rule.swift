package import CountersignCore

/// A checked rule: when it applies, and what it then does.
package struct Rule: Sendable {
    /// The `id` that the author gave it, unique in its rule set.
    package let id: String

    /// What the rule is for, in its author's words.
    package let summary: String?

    /// Whether the rule may match; one with `enabled: false` is checked like the others but never matches.
    package let isEnabled: Bool

    /// The rule's `when`.
    package let condition: Condition

    /// What makes the rule run instead of an event; nil for a rule that events trigger.
    package let schedule: RuleSchedule?

    /// The word that decides whether and when a match runs; nil where each one runs at once.
    package let timing: Timing?

    /// By what its runs take turns; nil where they do not.
    package let concurrency: Concurrency?

    /// A hash over `when` and the words with state: what is open was made by a rule of this shape.
    package let shape: String

    /// The steps of `then`, in the order in which they run.
    package let steps: [Step]

    /// What runs once a step has failed for good.
    package let onFailure: [Step]

    /// What runs last, whether the chain succeeded or failed.
    package let always: [Step]

    /// Whether a condition, a key, a time or a step uses the package or its signer, who must be asked for.
    package let usesPackage: Bool

    /// All steps in a form that rules with the same steps share, whatever the order of keys.
    package let stepsMeaning: String

    /// The rule's file, relative to the folder of rules.
    package let file: String

    /// The line of the file on which it begins, from 1.
    package let line: Int

    /// The absolute path of the folder that holds the file.
    package let folder: String

    /// A rule whose file has been checked; `usesPackage` says it of the steps, the condition is looked at here.
    package init(
        id: String,
        summary: String?,
        isEnabled: Bool,
        condition: Condition,
        schedule: RuleSchedule? = nil,
        timing: Timing? = nil,
        concurrency: Concurrency? = nil,
        shape: String = "",
        steps: [Step],
        onFailure: [Step],
        always: [Step],
        usesPackage: Bool = false,
        stepsMeaning: String,
        file: String,
        line: Int,
        folder: String
    ) {
        self.id = id
        self.summary = summary
        self.isEnabled = isEnabled
        self.condition = condition
        self.schedule = schedule
        self.timing = timing
        self.concurrency = concurrency
        self.shape = shape
        self.steps = steps
        self.onFailure = onFailure
        self.always = always
        self.usesPackage =
            usesPackage || condition.asksPackage || timing?.asksPackage ?? false
            || concurrency?.per.asksPackage ?? false
        self.stepsMeaning = stepsMeaning
        self.file = file
        self.line = line
        self.folder = folder
    }
}

extension Rule {
    /// Whether the package must be known to decide whether, when and in which queue the rule runs.
    package var asksPackage: Bool {
        condition.asksPackage || timing?.asksPackage ?? false || concurrency?.per.asksPackage ?? false
    }

    /// The rule's `after`; nil without one.
    package var after: After? {
        if case .after(let after)? = timing { after } else { nil }
    }

    /// What cancels its timers; nil without `unless`.
    package var unless: Condition? { after?.unless }

    /// What has to be read to decide about `event`, beside the states of its keys.
    package func queries(for event: Event) -> Set<HistoryQuery> {
        var queries = condition.queries(for: event)
        if let query = after?.query(for: event) { queries.insert(query) }
        return queries
    }

    /// The conditions on events that it acts on or looks back at.
    var conditionsOnEvents: [Condition] {
        [condition] + condition.seenTests.map(\.condition) + [unless].compactMap(\.self)
    }
}

/// One link of a rule's chain.
package struct Step: Sendable {
    /// The `id` in the rule, unique among all its steps; by default the action's name, without what is before a dot.
    package let id: String

    /// The name of the action.
    package let action: String

    /// The options of the action, checked against its declaration.
    package let options: Options

    /// The step's `if`: where it does not hold, the step is skipped.
    package let condition: Condition?

    /// How long one attempt may take.
    package let timeout: Duration

    /// How often a failed attempt is repeated, and after which waits.
    package let retry: RetryPolicy

    /// How long the run waits here; nil for a step that calls an action.
    ///
    /// A step that waits has the action `Wait.action`, which no registry has, no options, and neither timeout nor retries.
    package let wait: Wait?

    /// The step's `continue_on_error`: whether its failure neither stops nor fails the run.
    package let continuesOnError: Bool

    /// A step whose options have been checked; `condition` is nil where the step has no `if`.
    package init(
        id: String,
        action: String,
        options: Options,
        condition: Condition?,
        timeout: Duration,
        retry: RetryPolicy,
        continuesOnError: Bool,
        wait: Wait? = nil
    ) {
        self.wait = wait
        self.id = id
        self.action = action
        self.options = options
        self.condition = condition
        self.timeout = timeout
        self.retry = retry
        self.continuesOnError = continuesOnError
    }
}
