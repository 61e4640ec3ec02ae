/// What a rule keeps state for: the events that have the values in common which `per` names.
///
/// It is what a store locks while it decides: two decisions about one key come one behind the other.
package struct StateKey: Sendable, Hashable, Comparable {
    /// The rule that keeps the state.
    package let ruleID: String

    /// The values that `per` names, as the text of a JSON array, such as `["P1"]`; `[]` for one key of the whole rule.
    package let text: String

    /// The key of a rule with the values `text`, a JSON array.
    package init(ruleID: String, text: String) {
        self.ruleID = ruleID
        self.text = text
    }

    /// The key of a rule for these values; an absent value is null, which is a value of its own.
    package init(ruleID: String, values: [JSON?]) {
        self.init(ruleID: ruleID, text: JSON.array(values.map { $0 ?? .null }).text)
    }

    /// The order in which keys are locked, the same everywhere.
    package static func < (left: StateKey, right: StateKey) -> Bool {
        (left.ruleID, left.text) < (right.ruleID, right.text)
    }
}

extension StateKey: CustomStringConvertible {
    /// The values for people: a single text without quotation marks.
    package var description: String {
        guard let values = (try? JSON(parsing: text))?.array else { return text }
        guard values.count == 1, let value = values.first?.string else { return values.isEmpty ? "rule" : text }
        return value
    }
}
