package import CountersignCore

/// The step `wait`: the run goes on later, without holding a worker in the meantime.
package enum Wait: Sendable {
    /// This long after the step is reached.
    case delay(Duration)
    /// At the time that the template gives; at once where that is absent, no time, or over.
    case until(Template)

    /// What `Step.action` is of a step that waits.
    package static let action = "wait"

    static let duration = Field.duration("for", "The time to wait.")
    static let time = Field.template("until", in: .text, "The time at which to go on, such as `${package.due}`.")

    /// How a step writes it.
    static let declaration = ActionDeclaration(
        name: action,
        summary: "Waits; the run goes on later.",
        mainField: "for",
        fields: [duration.declaration, time.declaration],
        alternatives: [["for", "until"]]
    )
}

extension Template {
    /// Whether a value in it is part of the package or its signer.
    var asksPackage: Bool {
        expressions.contains { expression in
            switch expression.reference {
            case .package, .signer: true
            default: false
            }
        }
    }
}
