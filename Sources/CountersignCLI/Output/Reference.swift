package import CountersignActions
import CountersignCore
import CountersignRules
import CountersignServer

/// The reference of what rules and settings can say, as Markdown; made from the declarations, so it is never behind.
package struct Reference {
    private let registry: ActionRegistry

    /// The reference with the actions of this registry.
    package init(registry: ActionRegistry) {
        self.registry = registry
    }

    /// A part of the reference, under its heading.
    package struct Section {
        /// The name by which `countersign reference` finds the part, such as `system-events`.
        package let name: String

        /// The part in Markdown, without the heading.
        package let text: String
    }

    /// The names of the parts, in the order of the README.
    static let parts = Reference(registry: ActionRegistry([])).sections.map(\.name)

    /// The parts in the order of the README.
    package var sections: [Section] {
        [
            Section(name: "operators", text: Operators.reference),
            Section(name: "actions", text: registry.declarations.map(text).joined(separator: "\n")),
            Section(name: "filters", text: filters),
            Section(name: "settings", text: settings),
            Section(name: "events", text: events),
            Section(name: "system-events", text: systemEvents),
            Section(name: "metrics", text: metrics),
        ]
    }

    private func text(_ action: ActionDeclaration) -> String {
        var lines = ["#### `\(action.name)`", "", action.summary, ""]
        lines += ["| option | type | default | meaning |", "|---|---|---|---|"]
        lines += action.fields.flatMap { rows($0, under: "", main: action.mainField) }
        if !action.alternatives.isEmpty {
            let groups = action.alternatives.map { keys in keys.map { "`\($0)`" }.joined(separator: ", ") }
            lines += ["", "At most one of " + groups.joined(separator: "; at most one of ") + "."]
        }
        for keys in action.exactlyOneOf {
            lines += ["", "Exactly one of " + keys.map { "`\($0)`" }.joined(separator: ", ") + "."]
        }
        if !action.outputs.isEmpty {
            lines += [
                "",
                "Outputs: " + action.outputs.map { "`\($0.name)` (\(lowered($0.summary)))" }.joined(separator: ", ")
                    + ".",
            ]
        }
        lines += action.notes.flatMap { ["", $0] }
        for example in action.examples {
            lines += ["", example.summary, "", "```yaml", "- " + example.yaml.replacing("\n", with: "\n  "), "```"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func rows(_ field: FieldDeclaration, under prefix: String, main: String?) -> [String] {
        let key = prefix + field.key
        let name = "`\(key)`" + (field.key == main ? " (main)" : "")
        let fallback = field.defaultText.map { "`\($0)`" } ?? (field.isRequired ? "required" : "")
        let summary = field.summary.replacing("|", with: "\\|")
        let row = "| \(name) | \(field.kind.words) | \(fallback) | \(summary) |"
        switch field.kind {
        case .group(let fields), .oneOf(let fields):
            return [row] + fields.flatMap { rows($0, under: key + ".", main: nil) }
        case .groups(let fields), .entries(_, let fields):
            return [row] + fields.flatMap { rows($0, under: key + ".NAME.", main: nil) }
        case .maps(let fields, _): return [row] + fields.flatMap { rows($0, under: key + "[].", main: nil) }
        default: return [row]
        }
    }

    private var filters: String {
        let rows = Filter.all.map { filter in
            let example = filter.example
            return "| `\(filter.name)` | \(filter.summary) | `\(example.template.replacing("|", with: "\\|"))` on "
                + "`\(example.message.text)` gives `\(example.result)` |\n"
        }
        return "| filter | what it does | example |\n|---|---|---|\n" + rows.joined()
    }

    private var settings: String {
        let variables = Dictionary(
            uniqueKeysWithValues: SettingsDeclaration.leaves.map { ($0.key, "`\($0.variable)`") }
        )
        let rows = SettingsDeclaration.all.flatMap { leaves($0, under: "") }
            .map { key, field in
                let fallback = field.defaultText.map { "`\($0)`" } ?? ""
                return
                    "| `\(key)` | \(variables[key] ?? "") | \(fallback) | \(field.summary.replacing("|", with: "\\|")) |\n"
            }
        return "| setting | environment | default | meaning |\n|---|---|---|---|\n" + rows.joined()
    }

    private var events: String {
        let rows = EventCatalogue.entries.map { entry in
            let fields = entry.extraFields.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(entry.name)` | \(entry.group.words) | \(entry.meaning) | \(fields) |\n"
        }
        return "| event | about | when it is sent | additional fields |\n|---|---|---|---|\n" + rows.joined()
    }

    private var systemEvents: String {
        let rows = SystemEvent.allCases.map { systemEvent in
            let fields = systemEvent.fields.map { "`\($0.name)` (\($0.meaning))" }.joined(separator: ", ")
            return "| `\(systemEvent.name)` | \(systemEvent.summary) | \(fields) |\n"
        }
        let ruleEvents = RuleEvent.allCases.map { event in
            let fields = event.fields.map { "`\($0.name)` (\($0.meaning))" }.joined(separator: ", ")
            return "| `\(event.name)` | \(event.summary) | \(fields) |\n"
        }
        return "| event | when | fields beside `name` and `createdDate` |\n|---|---|---|\n"
            + (rows + ruleEvents).joined()
    }

    private var metrics: String {
        let rows = MetricCatalogue.all.map { metric in
            let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.summary) |\n"
        }
        return "| metric | kind | labels | meaning |\n|---|---|---|---|\n" + rows.joined()
    }

    private func leaves(_ field: FieldDeclaration, under prefix: String) -> [(String, FieldDeclaration)] {
        let key = prefix + field.key
        return switch field.kind {
        case .group(let fields), .oneOf(let fields): fields.flatMap { leaves($0, under: key + ".") }
        case .groups(let fields), .entries(_, let fields): fields.flatMap { leaves($0, under: key + ".NAME.") }
        case .maps(let fields, _): [(key, field)] + fields.flatMap { leaves($0, under: key + "[].") }
        default: [(key, field)]
        }
    }

    /// A sentence made fit for the middle of another one.
    private func lowered(_ sentence: String) -> String {
        let text = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}

extension EventCatalogue.Group {
    fileprivate var words: String {
        switch self {
        case .packageStatus: "a package's status"
        case .packageAction: "callback"
        case .signing: "signing"
        case .exception: "failure"
        }
    }
}

extension OptionKind {
    /// What the option may hold, for a table.
    fileprivate var words: String {
        switch self {
        case .template: "text with `${…}`"
        case .shellScript: "shell script"
        case .arguments: "list of texts with `${…}`"
        case .templates: "map of texts with `${…}`"
        case .templateList: "text with `${…}`, or a list of them"
        case .json: "any value with `${…}`"
        case .jsonObject: "map of values with `${…}`"
        case .ownEvent: "name beginning with `X_`"
        case .text: "text"
        case .form(let form): form.words
        case .destination: "name of a destination"
        case .oneOf: "map with one of these"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .duration: "duration"
        case .size: "size"
        case .integer(let range): "number, \(range.lowerBound) to \(range.upperBound)"
        case .integers: "list of numbers"
        case .texts: "list of texts"
        case .forms(let form): "list, each \(form.words)"
        case .maps(_, let words):
            (words.map { "`\($0)`" } + ["list of maps"]).joined(separator: ", ")
        case .boolean: "`true` or `false`"
        case .entries: "map of texts with `${…}`, or of maps"
        case .group, .groups: "map"
        }
    }
}
