import CountersignCore
import CountersignOutbound

/// Where a step's request goes: a URL that may hold secrets, or a path behind the URL of a destination.
struct OutgoingTarget {
    /// A destination that a step names.
    struct Named {
        let name: String

        /// nil where the settings are not known.
        let destination: Destination?
    }

    /// The URL; where the settings are not known, only the path behind it.
    let url: String

    /// The URL as the rule writes it.
    let source: String

    /// The other side, as a failure may name it.
    let name: String

    /// The destination's name; host and port where the step names none, or the step where they are secret.
    let limiterKey: String

    /// nil where the step has a URL of its own.
    let named: Named?

    /// Fills in the URL `template`, and adds parameters.
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
        limiterKey = destination?.place ?? "the server of \(scope.ruleID)/\(scope.stepID)"
        named = nil
    }

    /// Fills in the name of a destination and the path behind its URL, and adds parameters.
    ///
    /// - Throws: `StepFailure` where the settings define no such destination, or the data of a package must not choose it.
    init(
        to template: Template,
        path: Template?,
        adding parameters: [(name: String, value: String)],
        among destinations: Destinations?,
        in scope: Scope
    ) throws(StepFailure) {
        let name = try template.text(in: scope, for: .destination)
        // Without its package, a dry run does not know which one it will be.
        let isAssumed = template.literal == nil && scope.event.package == nil
        let known = isAssumed ? nil : destinations
        if template.literal == nil, let fault = known?.names.faultOfSelection(name) { throw .final(fault) }
        let destination = try known?.destination(name)
        let path = try path.map { path throws(StepFailure) in
            let text = try path.text(in: scope, for: .urlPath)
            try EncodingContext.checkURLPath(text, source: path.source)
            return text
        }
        let base = (destination?.url ?? "") + (path ?? "")
        url = RequestURL.adding(parameters, to: base)
        if destination != nil { _ = try RequestURL(url, source: destination?.url ?? "") }
        source = destination?.url ?? template.source
        self.name = "'\(name)'"
        limiterKey = name
        named = Named(name: name, destination: destination)
    }
}
