package import Foundation

/// Work that one at a time does of those who share a store: what must not be done twice towards OneSpan Sign, or that would
/// be reported twice.
package struct Singleton: RawRepresentable, Sendable, Hashable {
    /// The name under which stores keep who does it: the work, and the account behind a blank where that has a name.
    package let rawValue: String

    /// The singleton that a store keeps under this name.
    package init(rawValue: String) { self.rawValue = rawValue }

    private init(_ work: String, _ account: String) {
        rawValue = account.isEmpty ? work : "\(work):\(account)"
    }

    /// Asking OneSpan Sign for what no callback reported, where there is one account.
    package static let poll = poll(of: "")

    /// Watching whether callbacks still arrive, where there is one account.
    package static let callbackMonitor = callbackMonitor(of: "")

    /// Asking OneSpan Sign for what no callback of the account reported.
    package static func poll(of account: String) -> Singleton { Singleton("poll", account) }

    /// Watching whether callbacks of the account still arrive.
    package static func callbackMonitor(of account: String) -> Singleton { Singleton("callback_monitor", account) }

    /// What it does, for people.
    package var words: String {
        (rawValue.split(separator: ":").first.map { $0.replacing("_", with: " ") } ?? "") + suffix
    }

    /// The account behind it, in brackets; empty where that has no name.
    private var suffix: String { rawValue.split(separator: ":").dropFirst().first.map { " (\($0))" } ?? "" }
}

/// Who does the work of a singleton.
package struct SingletonHold: Sendable, Equatable {
    /// The name of the instance, or what else it is that holds it, for people.
    package let holder: String

    /// The number of the holder: each new one has the next number, from 1 on.
    package let term: Int

    /// When it ends unless it is renewed.
    package let until: Date

    /// Whether it is the asker's own.
    package let isOwn: Bool

    /// The hold of `holder`, the one numbered `term`, until a time.
    package init(holder: String, term: Int, until: Date, isOwn: Bool) {
        self.holder = holder
        self.term = term
        self.until = until
        self.isOwn = isOwn
    }
}

/// What keeps who does the work of each singleton, under leases.
///
/// Each call is one transaction. Where instances share the store, leases are measured by its clock; where one process has it
/// alone, whatever an earlier process held is free.
package protocol SingletonStore: Sendable {
    /// Takes a singleton that is free, or whose lease has expired; the lease that has it already is renewed.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Who has it now.
    func take(_ singleton: Singleton, as holder: String, under lease: Lease, at now: Date) async throws -> SingletonHold

    /// Makes the lease on a singleton last longer; one that has expired is renewed too, as long as nobody else took it.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether the lease still has it.
    func renew(_ singleton: Singleton, under lease: Lease, at now: Date) async throws -> Bool

    /// Gives a singleton back, so that the next one need not wait for the end of the lease.
    ///
    /// - Throws: `StoreError`.
    func giveUp(_ singleton: Singleton, under lease: Lease.ID) async throws
}

/// Why the work of a singleton is not done here.
package enum SingletonError: Error, Equatable, CustomStringConvertible {
    /// Another has it.
    case held(Singleton, SingletonHold)
    /// The lease expired during the work, and another took it.
    case lost(Singleton, term: Int)

    /// What happened, and what to do, as an error message.
    package var description: String {
        switch self {
        case .held(let singleton, let hold):
            "\(singleton.sentence) already, by '\(hold.holder)' (term \(hold.term)); try again when it has finished"
        case .lost(let singleton, let term):
            "\(singleton.sentence) by another instance, which took over when the lease of term \(term) had expired; what was "
                + "found before is stored"
        }
    }
}

extension Singleton {
    /// The beginning of a sentence that says that its work is done.
    fileprivate var sentence: String {
        (rawValue.hasPrefix("poll") ? "OneSpan Sign is being polled" : "callbacks are being monitored") + suffix
    }
}
