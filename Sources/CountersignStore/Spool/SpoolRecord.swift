package import CountersignCore
package import Foundation

/// A callback as the spool keeps it.
package struct SpoolRecord: Sendable, Equatable {
    /// What it is.
    package enum Content: Sendable, Equatable {
        case event(
            name: String,
            origin: Event.Origin,
            deduplicationKey: [UInt8]?,
            stateKey: [UInt8]?,
            account: String
        )
        /// A body that could not be read as an event, and why; with what its sender has yet to be verified by.
        case unreadable(reason: String, proof: SenderProof?)
    }

    /// Names it among all others, so that the store takes it once.
    package let token: UUID

    /// When it was received, in whole milliseconds.
    package let receivedAt: Date

    /// What it is.
    package let content: Content

    /// The body as it came, byte for byte.
    package let body: [UInt8]

    private init(token: UUID, receivedAt: Date, content: Content, body: [UInt8]) {
        self.token = token
        self.receivedAt = receivedAt
        self.content = content
        self.body = body
    }

    /// An event with the time at which it was received.
    package init(_ delivery: Delivery, at now: Date) {
        self.init(
            token: delivery.token,
            receivedAt: Date(milliseconds: now.milliseconds),
            content: .event(
                name: delivery.name,
                origin: delivery.origin,
                deduplicationKey: delivery.deduplicationKey,
                stateKey: delivery.stateKey,
                account: delivery.account
            ),
            body: delivery.body
        )
    }

    /// A body that could not be read, with the time at which it was received.
    package init(_ body: UnreadableBody, at now: Date) {
        self.init(
            token: body.token,
            receivedAt: Date(milliseconds: now.milliseconds),
            content: .unreadable(reason: body.reason, proof: body.proof),
            body: body.body
        )
    }

    /// By what another delivery of the same event is recognized.
    var key: [UInt8] {
        if case .event(_, _, let key?, _, _) = content { key } else { token.bytes }
    }

    /// What it is to the store: a delivery, or a body to quarantine, as is an event whose body cannot be read any more.
    package var outcome: Result<Delivery, UnreadableBody> {
        switch content {
        case .unreadable(let reason, let proof):
            return .failure(UnreadableBody(body: body, reason: reason, token: token, proof: proof))
        case .event(let name, let origin, let deduplicationKey, let stateKey, let account):
            do {
                let payload = try JSON(parsing: body, limits: JSON.Limits(depth: 512, keys: .max))
                return .success(
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
                )
            } catch {
                return .failure(quarantined(because: "the body in the spool is not valid JSON: \(error)"))
            }
        }
    }

    /// The body for the quarantine.
    package func quarantined(because reason: String) -> UnreadableBody {
        UnreadableBody(body: body, reason: reason, token: token)
    }
}

extension SpoolRecord {
    private static let kinds: [Event.Origin] = [.callback, .poll, .manual, .rule]
    private static let unreadable: UInt8 = 0xFF
    private static let unverified: UInt8 = 0xFE

    func write(to writer: inout SpoolWriter) {
        switch content {
        case .event(let name, let origin, let deduplicationKey, let stateKey, let account):
            writer.write(UInt8(Self.kinds.firstIndex(of: origin) ?? 0))
            writeHead(to: &writer)
            writer.write(Array(name.utf8))
            writer.write(deduplicationKey)
            writer.write(stateKey)
            writer.write(Array(account.utf8))
        case .unreadable(let reason, let proof):
            writer.write(proof == nil ? Self.unreadable : Self.unverified)
            writeHead(to: &writer)
            writer.write(Array(reason.utf8))
            if let proof { writer.write(proof.json.bytes) }
        }
        writer.write(body)
    }

    private func writeHead(to writer: inout SpoolWriter) {
        writer.write(token)
        writer.write(receivedAt.milliseconds)
    }

    /// Reads what `write` wrote; nil where it does not fit.
    init?(from reader: inout SpoolReader) {
        guard let kind: UInt8 = reader.number(), let token = reader.uuid(), let time: Int64 = reader.number(),
            let text = reader.text() ?? nil
        else { return nil }
        let content: Content
        if kind == Self.unreadable || kind == Self.unverified {
            var proof: SenderProof?
            if kind == Self.unverified {
                guard let bytes = reader.text() ?? nil, let json = try? JSON(parsing: bytes) else { return nil }
                proof = SenderProof(json: json)
            }
            content = .unreadable(reason: String(decoding: text, as: UTF8.self), proof: proof)
        } else {
            guard Self.kinds.indices.contains(Int(kind)), let key = reader.text(), let stateKey = reader.text(),
                let account = reader.text() ?? nil
            else { return nil }
            content = .event(
                name: String(decoding: text, as: UTF8.self),
                origin: Self.kinds[Int(kind)],
                deduplicationKey: key,
                stateKey: stateKey,
                account: String(decoding: account, as: UTF8.self)
            )
        }
        guard let body = reader.text() ?? nil else { return nil }
        self.init(token: token, receivedAt: Date(milliseconds: time), content: content, body: body)
    }
}
