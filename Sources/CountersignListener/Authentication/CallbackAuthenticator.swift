package import CountersignCore
package import Foundation

/// Knows who may post callbacks: whoever meets all requirements of one alternative.
package struct CallbackAuthenticator: Sendable {
    /// What is in the place of a proof's name where none is asked for.
    package static let anonymous: CallbackKey.ID = "none"

    /// nil where everybody may post.
    private let alternatives: [[CallbackRequirement]]?

    /// What the answer to a refused request names as the ways to authenticate.
    let schemes: Set<String>

    /// Whoever meets all requirements of one alternative may post; nobody without an alternative.
    package init(alternatives: [[CallbackRequirement]]) {
        self.alternatives = alternatives.filter { !$0.isEmpty }
        schemes = Set(
            alternatives.joined()
                .compactMap { requirement in
                    switch requirement {
                    case .key: "Basic"
                    case .bearer: "Bearer"
                    case .header, .networks, .certificate: nil
                    }
                }
        )
    }

    /// Whoever sends one of these keys may post; without any key nobody.
    package init(keys: [CallbackKey]) {
        self.init(alternatives: [[.key(KeyRing(keys))]])
    }

    private init() {
        alternatives = nil
        schemes = []
    }

    /// Everybody may post; only for a network that nobody else can reach.
    package static let everybody = CallbackAuthenticator()

    /// Everything that can check tokens, by its name.
    package var tokenCheckers: [any TokenChecking] {
        (alternatives ?? []).joined()
            .compactMap { if case .bearer(let checker) = $0 { checker } else { nil } }
    }

    /// What is known of a sender.
    package enum Decision: Sendable {
        /// May post; with the name of the proof.
        case accepted(CallbackKey.ID)
        /// May not post, for these reasons.
        case refused(String)
        /// It depends on a token.
        case pending(TokenCheck)
    }

    /// Decides about a request, without asking anybody.
    package func decide(_ request: RequestCredentials) -> Decision {
        guard let alternatives else { return .accepted(Self.anonymous) }
        var check = TokenCheck()
        for (index, alternative) in alternatives.enumerated() {
            let findings = alternative.map { $0.look(at: request) }
            let unmet = findings.compactMap { if case .unmet(let reason) = $0 { reason } else { nil } }
            let proof = findings.compactMap { if case .met(let name) = $0 { name } else { nil } }
            let token = findings.lazy
                .compactMap { if case .token(let token, let checker) = $0 { (token, checker) } else { nil } }
                .first
            switch (unmet.first, token) {
            case (let reason?, _): check.refusals.append((index, reason))
            case (nil, let (token, checker)?):
                check.candidates.append(.init(index: index, token: token, checker: checker, proof: proof))
            case (nil, nil): return .accepted(proof.joined(separator: ", "))
            }
        }
        check.isOnly = alternatives.count == 1
        return check.candidates.isEmpty ? .refused(check.reasons) : .pending(check)
    }
}

/// A decision that depends on a token.
package struct TokenCheck: Sendable {
    struct Candidate: Sendable {
        let index: Int
        let token: String
        let checker: any TokenChecking

        /// The names of what else is met.
        let proof: [String]
    }

    /// Alternatives of which all is met but for the token.
    var candidates: [Candidate] = []

    /// Why each of the others is not met.
    var refusals: [(index: Int, reason: String)] = []

    /// Whether there is one alternative, which need not be named.
    var isOnly = false

    /// What is known at last.
    package enum Outcome: Sendable {
        case accepted(CallbackKey.ID)
        case refused(String)
        /// Whoever issued the token cannot be reached, for a reason.
        case unverified(SenderProof, reason: String)
    }

    /// Finds out whether one of the tokens is valid.
    package func outcome(at time: Date) async -> Outcome {
        var result = self
        var undecided: (proof: SenderProof, reason: String)?
        for candidate in candidates {
            switch await candidate.checker.check(candidate.token, at: time) {
            case .valid(let sender): return .accepted((candidate.proof + [sender]).joined(separator: ", "))
            case .invalid(let reason): result.refusals.append((candidate.index, "the token \(reason)"))
            case .undecided(let reason):
                let proof = SenderProof(verifier: candidate.checker.name, token: candidate.token)
                undecided = undecided ?? (proof, reason)
            }
        }
        if let undecided { return .unverified(undecided.proof, reason: undecided.reason) }
        return .refused(result.reasons)
    }

    /// Why no alternative is met.
    var reasons: String {
        let sorted = refusals.sorted { $0.index < $1.index }
        if isOnly || sorted.count == 1, let only = sorted.first { return only.reason }
        return sorted.isEmpty
            ? "no way to authenticate is set up"
            : sorted.map { "alternative \($0.index + 1): \($0.reason)" }.joined(separator: "; ")
    }
}
