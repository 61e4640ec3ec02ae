/// A token that could not be verified when it arrived, since whoever issued it could not be reached.
package struct SenderProof: Sendable, Equatable {
    /// Who can verify it: the URL of an issuer, or of an introspection endpoint, as the settings have it.
    package let verifier: String

    /// The token as it was sent, a secret while it is valid.
    package let token: String

    /// The account whose callback it came with; empty for the only one.
    package let account: String

    /// A token that `verifier` is to verify.
    package init(verifier: String, token: String, account: String = "") {
        self.verifier = verifier
        self.token = token
        self.account = account
    }

    /// The form in which stores keep it.
    package var json: JSON {
        ["verifier": .string(verifier), "token": .string(token), "account": .string(account)]
    }

    /// Reads what `json` wrote; nil for anything else.
    package init?(json: JSON) {
        guard let verifier = json["verifier"]?.string, let token = json["token"]?.string else { return nil }
        self.init(verifier: verifier, token: token, account: json["account"]?.string ?? "")
    }
}
