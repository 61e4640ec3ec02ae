import HTTPTypes

/// What somebody may do in the admin pages and the API; each role may do what those before it may.
package enum AdminRole: String, CaseIterable, Comparable, Sendable {
    /// Looks at everything, payloads included, and changes nothing.
    case view

    /// Retries, discards, replays, polls, pauses: what is done about events and runs that are there.
    case operate

    /// Activates rules, which execute programs on the machine.
    case administer

    /// The lesser role comes first.
    package static func < (first: AdminRole, second: AdminRole) -> Bool { first.rank < second.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// What is asked for by a method that could change something, and changes nothing: a payload is tried against the rules,
    /// rule sets are compared.
    private static let looks: Set<String> = ["/rules/dry-run", "/api/v1/dry-run", "/api/v1/diff"]

    /// Signing in and out is up to everybody.
    private static let sessions: Set<String> = ["/login", "/logout"]

    /// What a request needs; nil where it is part of signing in or out.
    ///
    /// What is not named here and changes something needs `operate`, so that nothing that is added is open by mistake.
    static func needed(for method: HTTPRequest.Method, path: String) -> AdminRole? {
        if sessions.contains(path) { return nil }
        if [.get, .head].contains(method) || looks.contains(path) { return .view }
        return path == "/api/v1/rules" ? .administer : .operate
    }
}
