import CountersignCore

/// Where a step's request goes: a URL that may hold secrets.
struct OutgoingTarget {
    let url: String

    /// The URL as the rule writes it.
    let source: String

    /// The other side, as a failure may name it.
    let name: String

    /// Host and port, or the step where they are secret.
    let destination: String

    /// Fills in `template`, and adds parameters.
    ///
    /// - Throws: `StepFailure` when the URL is none that requests go to.
    init(
        _ template: Template,
        adding parameters: [(name: String, value: String)] = [],
        in scope: Scope
    ) throws(StepFailure) {
        let url = RequestURL.adding(parameters, to: try template.text(in: scope, for: .url))
        // A dry run knows no secrets, so a URL that holds one is evaluated when it is used.
        let hasSecret = template.expressions.contains { $0.isSecret }
        let destination = hasSecret ? nil : try RequestURL(url, source: template.source)
        self.url = destination?.url ?? url
        source = template.source
        name = destination.map { "'\($0.name)'" } ?? "the server"
        self.destination = destination?.place ?? "the server of \(scope.ruleID)/\(scope.stepID)"
    }
}
