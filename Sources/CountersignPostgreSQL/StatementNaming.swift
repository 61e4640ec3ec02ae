import Synchronization

/// Whether the connections of a store prepare statements under names.
///
/// A pooler that gives each transaction to another session of the server loses them. It can be told from a server: it makes
/// up the number of the process by which a client cancels its calls. Trying a name says less, since the next transaction may
/// get the same session by chance.
final class StatementNaming: Sendable {
    private let preparation: ConnectionOptions.Preparation

    /// Whether a name was lost on a way that looked like a server's.
    private let isLost = Atomic(false)

    init(_ preparation: ConnectionOptions.Preparation) {
        self.preparation = preparation
    }

    /// Whether a connection uses names; `isPooled` says whether a pooler answers it.
    func usesNames(isPooled: Bool) -> Bool {
        switch preparation {
        case .auto: !isPooled && !isLost.load(ordering: .relaxed)
        case .named: true
        case .unnamed: false
        }
    }

    /// Takes note of a refusal; true where it is about a name, and everything goes on without names from now on.
    func giveUp(after code: String) -> Bool {
        guard preparation == .auto, Self.isAboutName(code) else { return false }
        isLost.store(true, ordering: .relaxed)
        return true
    }

    /// Whether a name is not known, or known for something else.
    static func isAboutName(_ code: String) -> Bool { code == "26000" || code == "42P05" }
}
