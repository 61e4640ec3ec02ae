package import Foundation

/// What became of a bearer token.
package enum TokenResult: Sendable, Equatable {
    /// It proves who sends; with the name of the sender, for the log.
    case valid(sender: String)
    /// It does not, for a reason that is the end of a sentence about the token.
    case invalid(String)
    /// Nobody knows, since whoever issued it cannot be reached; it may be known later.
    case undecided(String)
}

/// What can tell whether a bearer token is valid.
package protocol TokenChecking: Sendable {
    /// The URL of the issuer or of the introspection endpoint, by which it is found again later.
    var name: String { get }

    /// Finds out whether `token` was valid at a time; asks the issuer where that is needed.
    func check(_ token: String, at time: Date) async -> TokenResult
}
