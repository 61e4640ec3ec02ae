import CountersignCore
import Foundation

/// What the sender changes.
extension SimulatorPackage {
    /// When it expires; nil where it does not.
    var end: Date? { due.flatMap { Date(outside: $0) } }

    /// Hands it to its signers.
    mutating func send(at now: Date) throws(Refusal) -> [SimulatorNotice] {
        guard !isTemplate else { throw Refusal(sentence: "a template cannot be sent; clone it") }
        if let end, end <= now { throw Refusal(sentence: "the expiry \(end.rfc3339) is in the past") }
        return [try move(from: .draft, to: .sent, "PACKAGE_ACTIVATE", at: now)]
    }

    /// Completes what all have signed, and its sender had to review.
    mutating func complete(at now: Date) throws(Refusal) -> [SimulatorNotice] {
        try expect([.sent])
        guard signers.allSatisfy(\.hasSigned) else { throw Refusal(sentence: "not all signers have signed") }
        (status, completed) = (.completed, now)
        return [notice("PACKAGE_COMPLETE", now)]
    }

    /// Takes over the fields that `PUT /api/packages/{id}` gives.
    mutating func update(_ fields: JSON) {
        if let name = fields["name"]?.string { self.name = name }
        if let due = fields["due"] { self.due = due.string }
        if let data = fields["data"], data.object != nil { self.data = data }
    }

    /// Takes over the first signer of a role that `PUT /api/packages/{id}/roles/{role}` gives.
    mutating func correct(_ role: String, _ json: JSON) throws(Refusal) {
        try expect([.draft, .sent])
        guard let index = signers.firstIndex(where: { $0.role == role }) else {
            throw Refusal(sentence: "there is no role \(role)")
        }
        guard !signers[index].hasSigned else { throw Refusal(sentence: "the signer has signed") }
        let signer = json["signers"]?.array?.first ?? .null
        signers[index].email = signer["email"]?.string ?? signers[index].email
        signers[index].firstName = signer["firstName"]?.string ?? signers[index].firstName
        signers[index].lastName = signer["lastName"]?.string ?? signers[index].lastName
    }
}
