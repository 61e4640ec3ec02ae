import Foundation

/// The names and values of a query or of a posted form (application/x-www-form-urlencoded).
package struct FormFields: Sendable {
    private let fields: [(name: String, value: String)]

    /// Fields as they are behind the `?` of a URL or in the body of a form.
    package init(_ text: some StringProtocol) {
        fields = text.split(separator: "&")
            .map { field in
                let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
            }
    }

    /// The first value of this name; nil where there is none, or an empty one.
    package subscript(name: String) -> String? {
        fields.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// Those that have a value, without the white space around it, as people leave and paste it.
    var trimmed: FormFields {
        FormFields(
            fields: fields.map { ($0.name, $0.value.trimmingCharacters(in: .whitespacesAndNewlines)) }
                .filter { !$0.1.isEmpty }
        )
    }

    /// The fields but those of this name.
    func without(_ name: String) -> FormFields { FormFields(fields: fields.filter { $0.name != name }) }

    private init(fields: [(String, String)]) {
        self.fields = fields
    }

    /// The names in their order.
    var names: [String] { fields.map(\.name) }

    private static func decoded(_ text: some StringProtocol) -> String {
        let spaced = text.replacingOccurrences(of: "+", with: " ")
        return spaced.removingPercentEncoding ?? spaced
    }
}
