/// The names of the destinations that the settings define.
public struct DestinationNames: Sendable, Equatable {
    /// The names of all, in the order of the alphabet.
    public let all: [String]

    /// Those that the data of a package may choose.
    public let selectable: [String]

    /// The names of some destinations, each with whether it is selectable.
    package init(_ names: [String: Bool]) {
        all = names.keys.sorted()
        selectable = names.filter(\.value).keys.sorted()
    }

    /// Why `name` is not the name of a destination, as a sentence; nil where it is one.
    package func fault(of name: String) -> String? {
        guard !all.contains(name) else { return nil }
        guard !all.isEmpty else {
            return "there is no destination '\(name)': the settings define none under 'destinations'"
        }
        let rest = Suggestion.nearest(to: name, among: all).map { "did you mean '\($0)'?" }
        return "the settings define no destination '\(name)'; "
            + (rest ?? "there are \(all.map { "'\($0)'" }.joined(separator: ", "))")
    }

    /// Why a package must not choose `name`, as a sentence; nil where it may.
    package func faultOfSelection(_ name: String) -> String? {
        guard !selectable.contains(name) else { return nil }
        let list = selectable.map { "'\($0)'" }.joined(separator: ", ")
        return
            "'\(name.onOneLine.cut(to: 100))' is not a destination that the data of a package may choose; those with "
            + "'selectable: true' are: \(list.isEmpty ? "none" : list)"
    }

    /// Whether `text` can be the name of a destination.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
}
