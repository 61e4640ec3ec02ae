package import CountersignCore
package import CountersignOneSpan

/// A request to tell OneSpan Sign where callbacks go, and which.
package struct RegistrationRequest: Sendable {
    /// Which of the account's registrations is meant.
    package let slot: Registration.Slot

    /// The URL for callbacks; nil for the registered one.
    package let url: String?

    /// The callback key with its name; nil where callbacks come without one.
    package let key: CallbackKey?

    /// The events that the rules need.
    package let events: Set<String>

    /// The path at which this deployment serves callbacks.
    package let path: String

    /// A registration of `events` in `slot`.
    package init(slot: Registration.Slot, url: String?, key: CallbackKey?, events: Set<String>, path: String) {
        self.slot = slot
        self.url = url
        self.key = key
        self.events = events
        self.path = path
    }
}

/// What a registration is, and what it would become.
package struct RegistrationChange: Sendable {
    /// Which of the account's registrations is meant.
    package let slot: Registration.Slot

    /// What is registered.
    package let today: Registration

    /// What should be registered.
    package let wanted: Registration

    /// The name of the callback key that is wanted; nil where callbacks come without one.
    package let keyName: String?

    /// Why no callback could arrive with what is wanted; empty where one can.
    package let mismatches: [String]

    /// Whether there is anything to change.
    package var isNeeded: Bool { today != wanted }

    /// The change from what is registered to what is asked for.
    ///
    /// - Throws: `OperationError` where the request names no URL and none is registered, or no rule needs an event.
    package init(_ request: RegistrationRequest, today: Registration) throws(OperationError) {
        guard let url = request.url ?? today.url else {
            throw OperationError(
                .invalid,
                "nothing is registered yet; give --url https://…, the public URL of this server"
            )
        }
        slot = request.slot
        self.today = today
        wanted = Registration(url: url, key: request.key?.value, events: request.events)
        keyName = request.key?.id
        mismatches = wanted.mismatches(path: request.path, keys: nil)
    }

    /// The change as `--json` prints it; of keys only whether they are the same.
    package static let shape = Shape<RegistrationChange>(
        "RegistrationChange",
        [
            .always("target", .string) { .string("\($0.slot)") },
            .text("current_url") { $0.today.url },
            .text("desired_url") { $0.wanted.url },
            .text("desired_key") { $0.keyName },
            .always("key_is_same", .boolean) { .bool($0.today.key == $0.wanted.key) },
            .always("current_events", .array(.string)) { .array($0.today.events.sorted().map { .string($0) }) },
            .always("desired_events", .array(.string)) { .array($0.wanted.events.sorted().map { .string($0) }) },
            .always("mismatches", .array(.string)) { .array($0.mismatches.map { .string($0) }) },
            .always("changes", .boolean) { .bool($0.isNeeded) },
        ]
    )

    /// The change as JSON.
    package var json: JSON { Self.shape.json(self) }
}

/// Reads and changes registrations at OneSpan Sign.
package struct Registrar: Sendable {
    private let client: OneSpanClient

    /// - Parameter client: The way to OneSpan Sign.
    package init(_ client: OneSpanClient) {
        self.client = client
    }

    /// What would change.
    ///
    /// - Throws: `OperationError`.
    package func plan(_ request: RegistrationRequest) async throws(OperationError) -> RegistrationChange {
        let today: Registration
        do throws(APIFailure) {
            today = try await client.registration(of: request.slot)
        } catch {
            throw OperationError(.noAnswer, "\(error)")
        }
        return try RegistrationChange(request, today: today)
    }

    /// Registers what is wanted, and returns what OneSpan Sign has registered then.
    ///
    /// - Throws: `OperationError` where OneSpan Sign refuses.
    package func perform(_ change: RegistrationChange) async throws(OperationError) -> Registration {
        do throws(APIFailure) {
            return try await client.register(change.wanted, in: change.slot)
        } catch {
            throw OperationError(.noAnswer, "\(error.explainingRegistration(at: client.baseURL))")
        }
    }
}
