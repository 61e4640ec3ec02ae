package import CountersignCore
import CountersignEngine
package import CountersignRules
package import Foundation

/// A request to compare two rule sets on the stored events.
package struct DiffRequest: Sendable {
    /// The rules as they are; nil for the active ones.
    package let old: RuleSources?

    /// The edited rules.
    package let new: RuleSources

    /// Only events that were received at this time or later; nil for all.
    package let since: Date?

    /// How many added and removed runs are given as examples for each rule.
    package let examples: Int

    /// A request to compare `new` with `old`.
    package init(old: RuleSources?, new: RuleSources, since: Date?, examples: Int) {
        self.old = old
        self.new = new
        self.since = since
        self.examples = examples
    }

    /// What a server is sent.
    package static let shape = Shape<DiffRequest>(
        "DiffRequest",
        [
            .optional("old", .nullable(.named("RuleFiles"))) { $0.old?.json },
            .always("new", .named("RuleFiles")) { $0.new.json },
            .optional("since", .nullable(.dateTime)) { JSON($0.since?.rfc3339) },
            .always("examples", .integer(minimum: 0, maximum: 1_000)) { JSON($0.examples) },
        ]
    )

    /// Rule files: the path of each from the folder, and its text.
    static let files = Schema.object([
        ("folder", .string), ("label", .string), ("files", .array(.array(.string))),
    ])

    /// The request as JSON.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        try Document(json, "a comparison").expectOnly(["old", "new", "since", "examples"])
        func sources(_ key: String) throws(OperationError) -> RuleSources? {
            guard let value = json[key], value != .null else { return nil }
            guard let sources = RuleSources(json: value) else {
                throw OperationError(.invalid, "'\(key)' does not hold rule files")
            }
            return sources
        }
        guard let new = try sources("new") else { throw OperationError(.invalid, "'new' must hold rule files") }
        let since = json["since"].flatMap { $0 == .null ? nil : $0 }
        let time = since?.string.flatMap { Date(rfc3339: $0) }
        guard since == nil || time != nil else { throw OperationError(.invalid, "'since' must be a time (RFC 3339)") }
        guard let examples = json["examples"]?.number?.integer, (0...1_000).contains(examples) else {
            throw OperationError(.invalid, "'examples' must be a number from 0 to 1000")
        }
        self.init(old: try sources("old"), new: new, since: time, examples: examples)
    }
}
