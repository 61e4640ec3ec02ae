package import Foundation

/// A bearer token (RFC 6750).
package struct AccessToken: Sendable, Equatable {
    /// The token as it is sent.
    package let text: String

    /// When it stops being accepted; nil where its server does not say, and then it is used until it is rejected.
    package let end: Date?

    /// A token that ends at `end`.
    package init(_ text: String, end: Date?) {
        self.text = text
        self.end = end
    }
}
