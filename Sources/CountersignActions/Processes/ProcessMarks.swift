import Foundation
import Synchronization

/// What tells a program that we started from all others on the machine: a variable that its descendants inherit.
struct ProcessMarks: Sendable {
    static let variable = "COUNTERSIGN_PROCESS"

    private final class Counter: Sendable {
        let count = Atomic(0)
    }

    private let prefix: String
    private let counter = Counter()

    init(owner: String) {
        prefix = Self.prefix(of: owner)
    }

    /// A mark that no other program has, alive or dead.
    func next() -> String {
        let number = counter.count.wrappingAdd(1, ordering: .relaxed).newValue
        return "\(prefix)\(getpid()).\(number)"
    }

    /// What the marks of all programs of an owner begin with.
    static func prefix(of owner: String) -> String { "\(owner)#" }
}
