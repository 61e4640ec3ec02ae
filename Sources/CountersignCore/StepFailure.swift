/// Why a step did not do what it should.
public struct StepFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What happened and what to do, for the operator: lower case, no full stop, no secrets.
    public let reason: String

    /// Whether the same attempt, made later, may succeed.
    public let isWorthRetrying: Bool

    /// How long the server asks to wait.
    public let retryAfter: Duration?

    /// Whether the other side did not do its part at all, as it would not for any other step.
    ///
    /// It is not there, does not answer in time, or has an error of its own. After several of these in a row it is left
    /// alone for a while.
    public let isOutage: Bool

    /// What the attempt gave before it failed, such as the answer of a server.
    public let output: JSON?

    /// A failure that a later attempt may correct, unless the caller says otherwise.
    public init(
        _ reason: String,
        isWorthRetrying: Bool = true,
        retryAfter: Duration? = nil,
        isOutage: Bool = false,
        output: JSON? = nil
    ) {
        self.reason = reason
        self.isWorthRetrying = isWorthRetrying
        self.retryAfter = retryAfter
        self.isOutage = isOutage
        self.output = output
    }

    /// A failure that no later attempt can correct.
    public static func final(_ reason: String, output: JSON? = nil) -> StepFailure {
        StepFailure(reason, isWorthRetrying: false, output: output)
    }

    /// The reason, for logs and the ledger.
    public var description: String { reason }
}
