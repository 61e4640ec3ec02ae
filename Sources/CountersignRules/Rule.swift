package import CountersignCore

/// A checked rule: when it applies, and what it then does.
package struct Rule: Sendable {
    package let id: String

    /// What the rule is for, in its author's words.
    package let summary: String?

    package let isEnabled: Bool
    package let condition: Condition
    package let steps: [Step]

    /// What runs once a step has failed for good.
    package let onFailure: [Step]

    /// What runs last, whether the chain succeeded or failed.
    package let always: [Step]

    /// Whether the condition or a step uses the package or its signer, who must be asked for.
    package let usesPackage: Bool

    /// All steps in a form that rules with the same steps share, whatever the order of keys.
    package let stepsMeaning: String

    /// The rule's file, relative to the folder of rules.
    package let file: String

    /// The line of the file on which it begins, from 1.
    package let line: Int

    /// The absolute path of the folder that holds the file.
    package let folder: String

    package init(
        id: String,
        summary: String?,
        isEnabled: Bool,
        condition: Condition,
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
        self.steps = steps
        self.onFailure = onFailure
        self.always = always
        self.usesPackage = usesPackage || condition.asksPackage
        self.stepsMeaning = stepsMeaning
        self.file = file
        self.line = line
        self.folder = folder
    }
}

/// One link of a rule's chain.
package struct Step: Sendable {
    package let id: String

    /// The name of the action.
    package let action: String

    package let options: Options

    /// The step's `if`: where it does not hold, the step is skipped.
    package let condition: Condition?

    /// How long one attempt may take.
    package let timeout: Duration

    package let retry: RetryPolicy
    package let continuesOnError: Bool

    package init(
        id: String,
        action: String,
        options: Options,
        condition: Condition?,
        timeout: Duration,
        retry: RetryPolicy,
        continuesOnError: Bool
    ) {
        self.id = id
        self.action = action
        self.options = options
        self.condition = condition
        self.timeout = timeout
        self.retry = retry
        self.continuesOnError = continuesOnError
    }
}
