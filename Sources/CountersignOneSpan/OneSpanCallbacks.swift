package import CountersignCore

/// Reads the callbacks of OneSpan Sign: one flat JSON object a request.
package struct OneSpanCallbacks: CallbackReader {
    /// A reader, which has no state.
    package init() {}

    /// Reads a body as one event.
    ///
    /// - Throws: `UnreadableBody` where it is not a JSON object with a `name`, or a callback has a name that is
    ///   reserved for Countersign's own events.
    package func read(_ body: [UInt8], origin: Event.Origin) throws(UnreadableBody) -> Delivery {
        let payload: JSON
        do {
            payload = try JSON(parsing: body, limits: JSON.Limits(depth: 64, keys: 1_000))
        } catch {
            throw UnreadableBody(
                body: body,
                reason: "the body is not valid JSON: \(error); \(Self.expectation)"
            )
        }
        let name: String
        do throws(Fault) {
            name = try Self.name(in: payload, body)
        } catch {
            throw UnreadableBody(body: body, reason: "\(error.sentence); \(Self.expectation)")
        }
        // Else who knows the callback key could raise an alert as if the program itself had.
        guard origin != .callback || !name.hasPrefix(EventCatalogue.ownPrefix) else {
            throw UnreadableBody(body: body, reason: Self.refusal(of: name))
        }
        return Delivery(
            name: name,
            payload: payload,
            body: body,
            origin: origin,
            deduplicationKey: DeduplicationKey.bytes(of: payload),
            stateKey: payload.packageID.flatMap { StateKey.bytes(of: name, package: $0) }
        )
    }

    private static let expectation =
        #"OneSpan Sign sends one object such as {"name":"PACKAGE_COMPLETE","packageId":"…"}"#

    private static func refusal(of name: String) -> String {
        """
        the event '\(String(name.prefix(100)).printable)' is not accepted as a callback: names that begin with \
        '\(EventCatalogue.ownPrefix)' are reserved for events raised by rules and by Countersign itself; \
        use 'countersign ingest' if this is intended
        """
    }

    private struct Fault: Error {
        let sentence: String
    }

    private static func name(in payload: JSON, _ body: [UInt8]) throws(Fault) -> String {
        guard case .object(let object) = payload else {
            throw Fault(sentence: "found \(payload.kind) instead of an object \(place(in: body))")
        }
        switch object["name"] {
        case .string("")?: throw Fault(sentence: "the field 'name' of the object \(place(in: body)) is empty")
        case .string(let name)?: return name
        case let other?:
            throw Fault(sentence: "the field 'name' of the object \(place(in: body)) is \(other.kind), not a string")
        case nil: throw Fault(sentence: "the object \(place(in: body)) has no field 'name'")
        }
    }

    /// Where the value of the body begins.
    private static func place(in body: [UInt8]) -> String {
        let space = body.prefix { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let line = space.count { $0 == 0x0A } + 1
        let lineStart = space.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return "at line \(line), column \(space.count - lineStart + 1)"
    }
}
