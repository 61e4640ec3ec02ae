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

    /// The value that `path` starts in.
    package let root: Root

    /// The path inside the root, without the root's name.
    package let path: JSONPath

    /// A path inside `root`; by default inside the subject.
    package init(_ path: JSONPath, in root: Root = .subject) {
        self.root = root
        self.path = path
    }

    /// The path with its root, such as `package.status`; the root `subject` has no name.
    package var description: String {
        switch root {
        case .subject: "\(path)"
        case .package: "package.\(path)"
        case .signer: "signer.\(path)"
        }
    }
}
