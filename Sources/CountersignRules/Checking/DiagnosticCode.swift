package import CountersignCore

/// The stable words for all kinds of findings about rule files.
package enum DiagnosticCode: String, Sendable, CaseIterable {
    // The text.
    case yamlSyntax = "yaml-syntax"
    case yamlDocuments = "yaml-documents"
    case yamlDepth = "yaml-depth"
    case yamlAnchor = "yaml-anchor"
    case yamlExpansion = "yaml-expansion"
    case yamlTag = "yaml-tag"
    case yamlKey = "yaml-key"
    case duplicateKey = "duplicate-key"

    // Any map.
    case unknownKey = "unknown-key"
    case missingKey = "missing-key"
    case wrongType = "wrong-type"
    case badDuration = "bad-duration"
    case badSize = "bad-size"
    case badForm = "bad-form"
    case outOfRange = "out-of-range"
    case badID = "bad-id"
    case duplicateID = "duplicate-id"

    // Rules and steps.
    case emptyWhen = "empty-when"
    case emptyThen = "empty-then"
    case missingAction = "missing-action"
    case unknownAction = "unknown-action"
    case severalActions = "several-actions"
    case unknownStep = "unknown-step"
    case tooManySteps = "too-many-steps"

    /// No event can have what alone the rule asks for.
    case neverFires = "never-fires"
    case misplacedFailure = "misplaced-failure"

    // Rules with time and state.
    case misplacedKey = "misplaced-key"
    case misplacedFact = "misplaced-fact"
    case badSchedule = "bad-schedule"
    case unknownZone = "unknown-zone"
    case neverOccurs = "never-occurs"
    case badKey = "bad-key"
    case groupMismatch = "group-mismatch"

    // Options.
    case unknownOption = "unknown-option"
    case missingOption = "missing-option"
    case exclusiveOptions = "exclusive-options"
    case badChoice = "bad-choice"
    case badTemplate = "bad-template"
    case unknownFilter = "unknown-filter"
    case badFilterArgument = "bad-filter-argument"
    case unknownPath = "unknown-path"
    case badPlace = "bad-place"
    case badURL = "bad-url"
    case badHeaderName = "bad-header-name"
    case badVariableName = "bad-variable-name"
    case emptyText = "empty-text"
    case valueInScript = "value-in-script"
    case badEventName = "bad-event-name"
    case reservedField = "reserved-field"

    // Conditions.
    case badPath = "bad-path"
    case badGlob = "bad-glob"
    case badExpression = "bad-expression"
    case unknownOperator = "unknown-operator"
    case mixedTest = "mixed-test"
    case idleModifier = "idle-modifier"

    // Tests inside rule files.
    case unknownRule = "unknown-rule"

    // Likely mistakes.
    case unknownEvent = "unknown-event"
    case unknownDestination = "unknown-destination"
    case unknownField = "unknown-field"
    case constantCondition = "constant-condition"
    case duplicateRule = "duplicate-rule"
    case secretInClear = "secret-in-clear"
    case selfTrigger = "self-trigger"
    case unquotedVariable = "unquoted-variable"
    case literalVariable = "literal-variable"
    case asciiClass = "ascii-class"
    case absentKey = "absent-key"

    /// Whether a finding of this kind keeps the rule set from being used.
    package var severity: Diagnostic.Severity {
        switch self {
        case .unknownEvent, .unknownDestination, .unknownField, .constantCondition, .duplicateRule, .secretInClear,
            .selfTrigger, .unquotedVariable, .literalVariable, .asciiClass, .absentKey:
            .warning
        default: .error
        }
    }
}
