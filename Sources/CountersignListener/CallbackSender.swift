import CountersignCore

/// Who sent a callback, as far as that is known.
struct CallbackSender: Sendable {
    /// The account whose callback it is; empty for the only one.
    let account: String

    /// The name of the proof, for the log.
    let id: CallbackKey.ID

    /// What the sender has yet to be verified by, and why that was not possible; nil for one who was.
    let unverified: (proof: SenderProof, reason: String)?

    init(account: String, id: CallbackKey.ID) {
        self.account = account
        self.id = id
        unverified = nil
    }

    /// A sender who has yet to be verified.
    init(account: String, proof: SenderProof, reason: String) {
        self.account = account
        id = "unverified"
        unverified = (SenderProof(verifier: proof.verifier, token: proof.token, account: account), reason)
    }
}
