/// Why a step did not do what it should.
public struct StepFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What happened and what to do, for the operator: lower case, no full stop, no secrets.
    public let reason: String

    /// Whether the same attempt, made later, may succeed.
    public let isWorthRetrying: Bool

    /// How long the other side asks to be left alone.
    public let retryAfter: Duration?

    /// What the attempt gave before it failed, such as the answer of a server.
    public let output: JSON?

    /// A failure that a later attempt may mend, unless the caller says otherwise.
    public init(_ reason: String, isWorthRetrying: Bool = true, retryAfter: Duration? = nil, output: JSON? = nil) {
        self.reason = reason
        self.isWorthRetrying = isWorthRetrying
        self.retryAfter = retryAfter
        self.output = output
    }

    /// A failure that no later attempt can mend.
    public static func final(_ reason: String, output: JSON? = nil) -> StepFailure {
        StepFailure(reason, isWorthRetrying: false, output: output)
    }

    /// The reason, for logs and the ledger.
    public var description: String { reason }
}
