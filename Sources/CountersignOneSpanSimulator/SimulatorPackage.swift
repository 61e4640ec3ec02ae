import CountersignCore
import Foundation

/// A package of the simulator: what was sent to whom, and how far it has come.
struct SimulatorPackage {
    /// The vendor's words for where a package stands.
    enum Status: String {
        case draft = "DRAFT"
        case sent = "SENT"
        case completed = "COMPLETED"
        case archived = "ARCHIVED"
        case declined = "DECLINED"
        case optedOut = "OPTED_OUT"
        case expired = "EXPIRED"
    }

    struct Document {
        let id: String
        let name: String
    }

    struct Signer {
        let role: String
        let id: String
        var email: String
        var firstName: String
        var lastName: String
        var hasSigned = false
        var isLocked = false
    }

    /// What can be done with a package, by its sender or by a signer.
    enum Transition {
        case send
        case edit
        case complete
        case archive
        case trash
        case restore
        case expire
        case sign
        case decline(reason: String)
        case optOut(reason: String)
        case lock
        case attach(name: String)
        case support(name: String)
        case update(JSON)
        case correct(role: String, JSON)
        case bounce(kind: String)
    }

    /// Why something cannot be done.
    struct Refusal: Error {
        let sentence: String
    }

    let id: String
    var name: String
    let created: Date
    var data: JSON
    let documents: [Document]

    /// Whether packages are made from it, so that it is never sent itself.
    var isTemplate = false

    /// Whether it is completed with the last signature; otherwise its sender completes it.
    var isAutocompleted = true

    /// Until when it can be signed, as whoever made it wrote it; nil for no end.
    var due: String?
    var signers: [Signer]
    var status = Status.draft
    var updated: Date
    var completed: Date?
    var isTrashed = false
    var attachments: [String] = []
    var supporting: [String] = []

    /// The reason that a signer gave.
    var reason: String?

    /// The signer whose turn it is; the last one once all have signed.
    private var turn: Int { signers.firstIndex { !$0.hasSigned } ?? signers.count - 1 }

    /// Does it, and gives the callbacks that the vendor sends for it.
    mutating func apply(_ transition: Transition, at now: Date) throws(Refusal) -> [SimulatorNotice] {
        let notices = try act(transition, at: now)
        updated = now
        return notices
    }

    private mutating func act(_ transition: Transition, at now: Date) throws(Refusal) -> [SimulatorNotice] {
        switch transition {
        case .send: return try send(at: now)
        case .edit:
            // That an expired package comes back to the drafts without a callback is inferred.
            guard status != .expired else {
                status = .draft
                return []
            }
            return [try move(from: .sent, to: .draft, "PACKAGE_DEACTIVATE", at: now)]
        case .complete: return try complete(at: now)
        case .update(let fields):
            update(fields)
            return []
        case .correct(let role, let json):
            try correct(role, json)
            return []
        case .support(let name):
            supporting.append(name)
            return []
        case .archive: return [try move(from: .completed, to: .archived, "PACKAGE_ARCHIVE", at: now)]
        case .expire:
            let notice = try move(from: .sent, to: .expired, "PACKAGE_EXPIRE", at: now)
            if end.map({ $0 > now }) ?? true { due = now.rfc3339 }
            return [notice]
        case .trash:
            isTrashed = true
            return [notice("PACKAGE_TRASH", now)]
        case .restore:
            isTrashed = false
            return [notice("PACKAGE_RESTORE", now)]
        case .sign: return try sign(at: now)
        case .decline(let reason):
            try expect([.sent])
            (status, self.reason) = (.declined, reason)
            return [notice("PACKAGE_DECLINE", now, by: signers[turn].id, message: reason)]
        case .optOut(let reason):
            try expect([.sent])
            (status, self.reason) = (.optedOut, reason)
            return [notice("PACKAGE_OPT_OUT", now, by: signers[turn].id, message: reason)]
        case .lock:
            try expect([.sent])
            signers[turn].isLocked = true
            return [notice("SIGNER_LOCKED", now, by: signers[turn].id)]
        case .attach(let name):
            try expect([.sent])
            attachments.append(name)
            return [notice("PACKAGE_ATTACHMENT", now, by: signers[turn].id, message: name)]
        case .bounce(let kind):
            return [notice("EMAIL_BOUNCE", now, by: signers[turn].id, message: kind)]
        }
    }

    /// Gives the package another status, and the callback that tells of it.
    mutating func move(
        from old: Status,
        to new: Status,
        _ event: String,
        at now: Date
    ) throws(Refusal) -> SimulatorNotice {
        try expect([old])
        status = new
        return notice(event, now)
    }

    private mutating func sign(at now: Date) throws(Refusal) -> [SimulatorNotice] {
        try expect([.sent])
        let signer = signers[turn]
        guard !signer.isLocked else { throw Refusal(sentence: "the signer \(signer.email) is locked; unlock the role") }
        signers[turn].hasSigned = true
        // The consent comes first, and a moment lies between two signatures, as in the published payloads.
        let signed = ["default-consent"] + documents.map(\.id)
        var notices = signed.enumerated()
            .map { number, document in
                notice("DOCUMENT_SIGNED", now.addingTimeInterval(Double(number) / 1_000), by: signer.id, of: document)
            }
        let end = now.addingTimeInterval(Double(signed.count) / 1_000)
        notices.append(notice("SIGNER_COMPLETE", end, by: signer.id))
        guard signers.allSatisfy(\.hasSigned) else { return notices }
        guard isAutocompleted else { return notices + [notice("PACKAGE_READY_FOR_COMPLETE", end)] }
        status = .completed
        completed = now
        return notices + [notice("PACKAGE_COMPLETE", end)]
    }

    /// The notice of its being made.
    var creation: SimulatorNotice { notice("PACKAGE_CREATE", created) }

    func notice(
        _ event: String,
        _ date: Date,
        by user: String = Self.sender,
        of document: String? = nil,
        message: String? = nil
    ) -> SimulatorNotice {
        SimulatorNotice(event: event, package: id, user: user, document: document, message: message, date: date)
    }

    func expect(_ statuses: [Status]) throws(Refusal) {
        guard statuses.contains(status) else {
            throw Refusal(sentence: "the package is \(status.rawValue); for this it must be \(statuses[0].rawValue)")
        }
    }

    /// The id of the account's one sender: 12 characters, as the vendor's are.
    static let sender = "owner"
}

extension SimulatorPackage {
    /// How far the signing of the whole package (an empty id) or of a signer has come, in the words of the vendor's SDKs; nil
    /// where there is no such signer.
    func signingStatus(of signer: String) -> String? {
        let meant = signer.isEmpty ? signers : signers.filter { $0.id == signer }
        guard !meant.isEmpty else { return nil }
        switch status {
        case .completed: return "COMPLETE"
        case .archived: return "ARCHIVED"
        case .sent: return meant.allSatisfy(\.hasSigned) ? "SIGNING_COMPLETE" : "SIGNING_PENDING"
        case .draft, .declined, .optedOut, .expired: return "INACTIVE"
        }
    }

    /// The package as `GET /api/packages/{id}` gives it.
    var json: JSON {
        [
            "id": .string(id), "name": .string(name), "status": .string(status.rawValue),
            "created": .string(created.rfc3339), "updated": .string(updated.rfc3339),
            "completed": JSON(completed?.rfc3339), "due": JSON(due), "trashed": .bool(isTrashed),
            "autocomplete": .bool(isAutocompleted), "type": .string(isTemplate ? "TEMPLATE" : "PACKAGE"), "data": data,
            "sender": ["id": .string(Self.sender), "email": "sender@example.com"],
            "roles": .array(signers.map(\.json)),
            "documents": .array(documents.map { ["id": .string($0.id), "name": .string($0.name)] }),
            "messages": .array(reason.map { [["content": .string($0)]] } ?? []),
        ]
    }
}

extension SimulatorPackage.Signer {
    /// The role as `GET /api/packages/{id}/roles/{role}` gives it.
    var json: JSON {
        [
            "id": .string(role), "name": .string(role), "locked": .bool(isLocked),
            "signers": [
                [
                    "id": .string(id), "email": .string(email), "firstName": .string(firstName),
                    "lastName": .string(lastName), "company": "Example Ltd",
                ]
            ],
        ]
    }
}

/// Something that the vendor tells by callback.
struct SimulatorNotice {
    let event: String
    let package: String
    let user: String
    let document: String?
    let message: String?
    let date: Date

    /// The body of the callback.
    var body: JSON {
        [
            "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": .string(event),
            "sessionUser": .string(user), "packageId": .string(package), "message": JSON(message),
            "documentId": JSON(document), "createdDate": .string(date.rfc3339),
        ]
    }
}
