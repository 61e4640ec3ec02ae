import CountersignCore
import Foundation

/// What a token says, or what an introspection endpoint says about one (RFC 7519, section 4.1; RFC 7662, section 2.2).
struct TokenClaims {
    /// How far the clocks of the issuer and of this machine may be apart.
    static let tolerance: TimeInterval = 60

    private let json: JSON

    init(_ json: JSON) {
        self.json = json
    }

    /// What a token has to say to be accepted.
    struct Expectation: Sendable {
        /// The issuer; nil where only the endpoint that was asked knows it.
        var issuer: String?

        /// Whom the token is for; nil where that does not matter.
        var audience: String?

        /// What it has to allow, each of these words; empty where that does not matter.
        var scope: Set<String> = []

        /// Whether a token without an end is refused.
        var needsEnd = true
    }

    /// Why the claims do not meet an expectation at a time, as the end of a sentence about the token; nil where they do.
    func fault(_ expectation: Expectation, at time: Date) -> String? {
        if let issuer = expectation.issuer, json["iss"]?.string != issuer {
            return "is of the issuer '\(Self.shown(json["iss"]))', not of '\(issuer)'"
        }
        if let audience = expectation.audience, !texts(of: "aud").contains(audience) {
            return "is for the audience '\(Self.shown(json["aud"]))', not for '\(audience)'"
        }
        let lacking = expectation.scope.subtracting(scope)
        if !lacking.isEmpty { return "lacks the scope '\(lacking.sorted().joined(separator: " "))'" }
        return timeFault(expectation, at: time)
    }

    private func timeFault(_ expectation: Expectation, at time: Date) -> String? {
        let now = time.timeIntervalSince1970
        switch (json["exp"], seconds("exp")) {
        case (nil, _) where !expectation.needsEnd: break
        case (_, nil): return "has no expiry time"
        case (_, let end?) where now >= end + Self.tolerance: return "has expired"
        default: break
        }
        guard json["nbf"] != nil else { return nil }
        guard let start = seconds("nbf") else { return "has a start that is not a time" }
        return now < start - Self.tolerance ? "is not valid yet" : nil
    }

    /// Who uses the token, for the log.
    var sender: String {
        let names = ["client_id", "azp", "appid", "sub"].lazy.compactMap { json[$0]?.string }
        return names.first?.cut(to: 100).printable ?? "unnamed"
    }

    /// When it ends; nil where it does not say.
    var end: Date? { seconds("exp").map { Date(timeIntervalSince1970: $0) } }

    /// What it allows: `scope` (RFC 8693), `scp` and `roles` (Microsoft Entra ID).
    private var scope: Set<String> {
        let words = ["scope", "scp", "roles"].flatMap { texts(of: $0) }
        return Set(words.flatMap { $0.split(separator: " ").map(String.init) })
    }

    private func texts(of claim: String) -> [String] {
        switch json[claim] {
        case .string(let text)?: [text]
        case .array(let items)?: items.compactMap(\.string)
        default: []
        }
    }

    private func seconds(_ claim: String) -> TimeInterval? {
        guard case .number(let number)? = json[claim], let seconds = Double(number.literal), seconds.isFinite else {
            return nil
        }
        return seconds
    }

    private static func shown(_ value: JSON?) -> String { (value?.plainText ?? "").cut(to: 100).printable }
}
