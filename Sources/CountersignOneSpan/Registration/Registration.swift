import CountersignModel

/// What OneSpan Sign was told about callbacks: where to, with which key, which events.
package struct Registration: Sendable, Equatable {
    /// Which of an account's registrations is meant.
    package enum Slot: Sendable, Equatable, CustomStringConvertible {
        case account
        /// That of a connector, by its origin.
        case connector(String)

        var path: [String] {
            switch self {
            case .account: ["api", "callback"]
            case .connector(let origin): ["api", "callback", "connectors", origin]
            }
        }

        package var description: String {
            switch self {
            case .account: "the account"
            case .connector(let origin): "the connector '\(origin)'"
            }
        }
    }

    /// Nil where nothing is registered.
    package let url: String?

    /// The callback key; nil where callbacks come without one.
    package let key: String?

    package let events: Set<String>

    package init(url: String?, key: String?, events: Set<String>) {
        self.url = url
        self.key = key
        self.events = events
    }

    init(json: JSON) {
        func text(_ key: String) -> String? { json[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        self.init(
            url: text("url"),
            key: text("key"),
            events: Set(json["events"]?.array?.compactMap(\.string) ?? [])
        )
    }

    var json: JSON {
        ["url": JSON(url), "key": JSON(key), "events": .array(events.sorted().map { .string($0) })]
    }
}

extension OneSpanClient {
    /// What is registered in `slot`.
    ///
    /// - Throws: `APIFailure`.
    package func registration(of slot: Registration.Slot) async throws(APIFailure) -> Registration {
        do throws(APIFailure) {
            return Registration(json: try await get(slot.path))
        } catch {
            // An account that never registered anything.
            if error.status == 404 { return Registration(url: nil, key: nil, events: []) }
            throw error
        }
    }

    /// Replaces what is registered in `slot`, and gives what is registered then.
    ///
    /// - Throws: `APIFailure`.
    package func register(
        _ registration: Registration,
        in slot: Registration.Slot
    ) async throws(APIFailure) -> Registration {
        _ = try await post(slot.path, registration.json)
        return try await self.registration(of: slot)
    }
}
