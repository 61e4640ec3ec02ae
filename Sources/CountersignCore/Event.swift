import Crypto
public import Foundation

/// Something that happened to a package, as it was told to us and stored.
public struct Event: Sendable {
    /// The number of an event in its store, given in the order of storing, from 1.
    public struct ID: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        /// The number itself, as the store counts.
        public let rawValue: Int64

        /// An event with this number; whether there is one, only the store knows.
        public init(rawValue: Int64) { self.rawValue = rawValue }

        /// The number in digits.
        public var description: String { String(rawValue) }
    }

    /// How an event arrived.
    public enum Origin: String, Sendable, CaseIterable {
        /// Posted by the vendor to the callback path.
        case callback
        /// Found out by asking the vendor.
        case poll
        /// Handed in by a person.
        case manual
        /// Raised by a rule, or by Countersign itself.
        case rule
    }

    /// The number that the store gave it.
    public let id: ID

    /// The event's name, such as `PACKAGE_COMPLETE`; an open set.
    public let name: String

    /// The whole body as it came, `name` included.
    public let payload: JSON

    /// How it arrived.
    public let origin: Origin

    /// The name of the account that it belongs to; empty where there is one account without a name.
    public let account: String

    /// When the event was stored.
    public let receivedAt: Date

    /// The package that it is about, as OneSpan Sign told it when a rule needed it: null where there is no such package,
    /// nil where nobody has asked.
    public let package: JSON?

    /// The body byte for byte as it came; nil where only its meaning is known, as in a list.
    package let body: [UInt8]?

    /// The bytes to pass on: the body as it came, or the payload where that is not known.
    package var rawBody: [UInt8] { body ?? Array(payload.text.utf8) }

    /// An event as the store knows it.
    public init(
        id: ID,
        name: String,
        payload: JSON,
        origin: Origin,
        receivedAt: Date,
        package: JSON? = nil,
        account: String = ""
    ) {
        self.init(
            id: id,
            name: name,
            payload: payload,
            origin: origin,
            receivedAt: receivedAt,
            package: package,
            body: nil,
            account: account
        )
    }

    /// An event with its body as it came.
    package init(
        id: ID,
        name: String,
        payload: JSON,
        origin: Origin,
        receivedAt: Date,
        package: JSON?,
        body: [UInt8]?,
        account: String = ""
    ) {
        self.account = account
        self.body = body
        self.id = id
        self.name = name
        self.payload = payload
        self.origin = origin
        self.receivedAt = receivedAt
        self.package = package
    }

    /// The event with its package known.
    package func with(package: JSON) -> Event {
        Event(
            id: id,
            name: name,
            payload: payload,
            origin: origin,
            receivedAt: receivedAt,
            package: package,
            body: body,
            account: account
        )
    }

    /// The event as it was before its package was known.
    package var withoutPackage: Event {
        Event(
            id: id,
            name: name,
            payload: payload,
            origin: origin,
            receivedAt: receivedAt,
            package: nil,
            body: body,
            account: account
        )
    }

    /// The payload with `account` in it, where there are accounts: what rules see of an event.
    package var fields: JSON {
        guard !account.isEmpty, var object = payload.object else { return payload }
        object["account"] = .string(account)
        return .object(object)
    }

    /// What tells its package from all others; nil where it is about none.
    package var packageKey: String? { PackageKey.of(payload, in: account) }

    /// The signer whom `sessionUser` names, with the id of the signer's role as `role`; nil where the package has none.
    package var signer: JSON? {
        guard let user = payload["sessionUser"]?.string, let roles = package?["roles"]?.array else { return nil }
        for role in roles {
            guard let signer = role["signers"]?.array?.first(where: { $0["id"]?.string == user }),
                var object = signer.object
            else { continue }
            object["role"] = role["id"]
            object["locked"] = role["locked"]
            return .object(object)
        }
        return nil
    }
}

/// An event in progress into the store.
package struct Delivery: Sendable {
    /// The event's name, such as `PACKAGE_COMPLETE`.
    package let name: String

    /// The body as JSON.
    package let payload: JSON

    /// The body as it came, byte for byte.
    package let body: [UInt8]

    /// How the event arrived.
    package let origin: Event.Origin

    /// The name of the account that it belongs to; empty where there is one account without a name.
    package let account: String

    /// What two deliveries of one event have in common, at most 64 bytes; nil when they cannot be told apart from two events.
    package let deduplicationKey: [UInt8]?

    /// What the callback and the poll of one state of a package have in common; nil for what no poll finds.
    package let stateKey: [UInt8]?

    /// Names this delivery among all others, so that it can be handed to the store again when nobody knows whether the store
    /// has it.
    package let token: UUID

    /// A delivery; its keys decide whether the store takes it for one that it has.
    package init(
        name: String,
        payload: JSON,
        body: [UInt8],
        origin: Event.Origin,
        deduplicationKey: [UInt8]?,
        stateKey: [UInt8]? = nil,
        account: String = "",
        token: UUID = .random()
    ) {
        self.name = name
        self.payload = payload
        self.body = body
        self.origin = origin
        self.account = account
        self.deduplicationKey = deduplicationKey.map(Self.short)
        self.stateKey = stateKey.map(Self.short)
        self.token = token
    }

    /// The same delivery under a token that it had before.
    package func with(token: UUID) -> Delivery {
        Delivery(
            name: name,
            payload: payload,
            body: body,
            origin: origin,
            deduplicationKey: deduplicationKey,
            stateKey: stateKey,
            account: account,
            token: token
        )
    }

    /// The same delivery as one of an account: what the account has in common with others stays apart.
    package func with(account: String) -> Delivery {
        guard !account.isEmpty else { return self }
        return Delivery(
            name: name,
            payload: payload,
            body: body,
            origin: origin,
            deduplicationKey: deduplicationKey.map { Self.key($0, of: account) },
            stateKey: stateKey.map { Self.key($0, of: account) },
            account: account,
            token: token
        )
    }

    private static func key(_ key: [UInt8], of account: String) -> [UInt8] {
        Array(SHA256.hash(data: Array("account \(account)\0".utf8) + key))
    }

    /// What tells its package from all others; nil where it is about none.
    package var packageKey: String? { PackageKey.of(payload, in: account) }

    /// Longer keys are known by their SHA-256: indexes have no room for them, and all stores know an event by the same key.
    private static let longestKey = 64

    private static func short(_ key: [UInt8]) -> [UInt8] {
        key.count <= longestKey ? key : Array(SHA256.hash(data: key))
    }

    /// By what the store recognizes the event: what two deliveries of it have in common, else the token.
    package var recognitionKey: [UInt8] { deduplicationKey ?? token.bytes }

    /// A callback that was made longer than this after a poll tells of another state than the poll found: the vendor's
    /// clock and ours do not agree to the second.
    package static let pollTolerance: TimeInterval = 600

    /// When the vendor made it; nil where it does not say.
    package var createdAt: Date? { payload["createdDate"]?.string.flatMap { Date(outside: $0) } }
}

/// A body that is no event, or not one yet, and why.
package struct UnreadableBody: Error, Sendable {
    /// The body byte for byte, so that a person can look at it.
    package let body: [UInt8]

    /// What is wrong with the body, for the log and the operator.
    package let reason: String

    /// Names this body among all others, so that it is kept once however often it is handed to the store.
    package let token: UUID

    /// What its sender has yet to be verified by; nil for one who was verified.
    package let proof: SenderProof?

    /// A body that cannot be read, and the reason; handed in again, it has the token that it had.
    package init(body: [UInt8], reason: String, token: UUID = .random(), proof: SenderProof? = nil) {
        self.body = body
        self.reason = reason
        self.token = token
        self.proof = proof
    }
}

extension UUID {
    /// Its sixteen bytes.
    package var bytes: [UInt8] { withUnsafeBytes(of: uuid) { Array($0) } }

    /// The one of sixteen bytes; nil for any other number of bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        var id: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &id) { $0.copyBytes(from: bytes) }
        self.init(uuid: id)
    }

    /// A random one (RFC 9562, version 4).
    ///
    /// Foundation's own opens `/dev/urandom` for each, which is a twentieth of the time that a callback takes.
    package static func random() -> UUID {
        var generator = SystemRandomNumberGenerator()
        var words = (generator.next() as UInt64, generator.next() as UInt64)
        var bytes = withUnsafeBytes(of: &words) { Array($0) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return UUID(bytes: bytes) ?? UUID()
    }
}

/// What knows the vendor's callbacks: how a body becomes a delivery.
package protocol CallbackReader: Sendable {
    /// Reads one body.
    func read(_ body: [UInt8], origin: Event.Origin) throws(UnreadableBody) -> Delivery
}

/// A secret that the vendor sends with each callback.
package struct CallbackKey: Sendable {
    /// What a key is called in logs, in the place of its value.
    package typealias ID = String

    /// The name of the key, which may be logged.
    package let id: ID

    /// The secret itself, which is never logged.
    package let value: String

    /// A key; an empty `value` never authenticates anybody.
    package init(id: ID, value: String) {
        self.id = id
        self.value = value
    }
}

extension JSON {
    /// The package that a callback with this payload is about; nil where it names none, or only a null, blanks or what is
    /// no id.
    ///
    /// OneSpan Sign sends a text; a number is read as its digits.
    package var packageID: String? {
        switch self["packageId"] {
        case .string(let text)? where text.contains { !$0.isWhitespace }: text
        case .number(let number)?: number.literal
        default: nil
        }
    }
}
