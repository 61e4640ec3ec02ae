package import CountersignCore

/// Where a condition finds a value.
package struct ConditionPath: Sendable, Hashable, CustomStringConvertible {
    /// What the path starts in.
    package enum Root: Sendable {
        /// The payload; for a step's `if`, a map of `event` and `steps`; for a test of an item, the item.
        case subject
        /// The package, as OneSpan Sign tells it.
        case package
        /// The signer whom `sessionUser` names.
        case signer
    }

    package let root: Root
    package let path: JSONPath

    package init(_ path: JSONPath, in root: Root = .subject) {
        self.root = root
        self.path = path
    }

    package var description: String {
        switch root {
        case .subject: "\(path)"
        case .package: "package.\(path)"
        case .signer: "signer.\(path)"
        }
    }
}
