import CountersignCore
package import Foundation

/// Checks the JSON Web Tokens of an issuer (RFC 7519, RFC 9068).
package struct TokenIssuer: TokenChecking {
    private let keys: IssuerKeys
    private let expectation: TokenClaims.Expectation

    /// - Parameters:
    ///   - keys: The keys of the issuer, shared by all who check its tokens.
    ///   - audience: Whom the tokens have to be for.
    ///   - scope: What they have to allow; empty where that does not matter.
    package init(keys: IssuerKeys, audience: String, scope: Set<String>) {
        self.keys = keys
        expectation = TokenClaims.Expectation(issuer: keys.issuer, audience: audience, scope: scope)
    }

    /// The URL of the issuer.
    package var name: String { keys.issuer }

    /// Checks what the token says, and by whom it is signed.
    package func check(_ token: String, at time: Date) async -> TokenResult {
        let signed: SignedToken
        do throws(SignedToken.Malformed) {
            signed = try SignedToken(token)
        } catch {
            return .invalid(error.reason)
        }
        // What a token says against itself is believed without asking its issuer.
        if let fault = signed.claims.fault(expectation, at: time) { return .invalid(fault) }
        switch await keys.lookup(signed) {
        case .found(let keys):
            return keys.contains { $0.verifies(signed) }
                ? .valid(sender: "token of \(signed.claims.sender)") : .invalid("has a wrong signature")
        case .unknown:
            let key = signed.keyID.map { "with the key '\($0.cut(to: 80).printable)'" } ?? "without the id of a key"
            return .invalid("is signed \(key), which its issuer does not publish")
        case .unreachable(let reason): return .undecided(reason)
        }
    }
}
