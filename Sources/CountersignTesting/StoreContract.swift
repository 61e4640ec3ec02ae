import CountersignCore
package import CountersignStore
import Foundation
import Testing

/// What every store promises, sentence by sentence; each back-end's tests run all of it.
package enum StoreContract {
    /// One promise, checked on a store that is new and empty.
    ///
    /// The checks spell out `async throws`: the compiler does not see a `try` that is only inside `#expect`.
    package struct Clause: Sendable, CustomTestStringConvertible {
        /// The promise, as a sentence.
        package let sentence: String

        /// Checks the promise with expectations of Swift Testing; throws what the store throws.
        package let check: @Sendable (any Store) async throws -> Void

        /// A promise and its check, which gets a store of its own.
        package init(_ sentence: String, _ check: @escaping @Sendable (any Store) async throws -> Void) {
            self.sentence = sentence
            self.check = check
        }

        /// The sentence, which is the name of the test case in reports.
        package var testDescription: String { sentence }
    }

    /// All promises, grouped by the part of the store that they are about.
    package static let clauses =
        inbox + archive + overview + dispatching + claiming + working + mending + singletons + circuits + homes
        + unverified

    /// When the checks begin.
    static let start = Date(milliseconds: 1_530_389_095_384)

    /// So many seconds after the beginning.
    static func after(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }
}
