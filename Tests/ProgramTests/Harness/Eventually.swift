/// What was waited for did not come about in time.
struct NeverCame: Error, CustomStringConvertible {
    let what: String
    var description: String { "\(what) did not come about in time" }
}

/// Looks again and again until `find` gives a value: for changes in another process that no event tells of.
///
/// - Throws: `NeverCame` after a bound that only a hanging program reaches.
func eventually<Value>(
    _ what: String,
    within bound: Duration = .seconds(30),
    _ find: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let end = clock.now + bound
    while clock.now < end {
        if let value = try await find() { return value }
        try await clock.sleep(for: .milliseconds(20))
    }
    throw NeverCame(what: what)
}

/// Looks again and again until `holds` does.
func eventually(
    _ what: String,
    within bound: Duration = .seconds(30),
    holds: () async throws -> Bool
) async throws {
    let _: Void = try await eventually(what, within: bound) { try await holds() ? () : nil }
}
