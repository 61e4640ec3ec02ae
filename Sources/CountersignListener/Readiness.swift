import CountersignCore

/// Whether the program can receive callbacks and act on them.
package struct Readiness: Sendable, Equatable {
    /// How one part stands, in words that unknownVariables may read.
    package enum Part: Sendable, Equatable {
        case ready(String)
        case failing(String)

        /// A store that stores events.
        package static let writable = Part.ready("writable")

        /// A store that does not.
        package static let cannotWrite = Part.failing("cannot write")
    }

    /// Whether events can be stored.
    package let store: Part

    /// Whether there are active rules.
    package let rules: Part

    /// The readiness of both parts; the program is ready where both are.
    package init(store: Part, rules: Part) {
        self.store = store
        self.rules = rules
    }

    var isReady: Bool { store.isReady && rules.isReady }

    var json: JSON { ["store": .string(store.words), "rules": .string(rules.words)] }
}

extension Readiness.Part {
    var isReady: Bool {
        if case .ready = self { true } else { false }
    }

    fileprivate var words: String {
        switch self {
        case .ready(let words), .failing(let words): words
        }
    }
}
