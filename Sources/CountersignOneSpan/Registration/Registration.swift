import CountersignCore

/// What OneSpan Sign was reported about callbacks: where to, with which key, which events.
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

        /// The slot as part of a sentence.
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

    /// The names of the events that OneSpan Sign posts.
    package let events: Set<String>

    /// A registration; nil for `url` means that nothing is registered.
    package init(url: String?, key: String?, events: Set<String>) {
        self.url = url
        self.key = key
        self.events = events
    }

    /// Why no callback can arrive, when OneSpan Sign posts to this registration and `path` is served with `keys`; empty where
    /// one can.
    ///
    /// The host is not compared: a proxy may be before the server. A proxy that rewrites paths makes the first sentence
    /// a guess, which it says. No keys (nil) means that none is asked for.
    package func mismatches(path: String, keys: [String]?) -> [String] {
        var sentences: [String] = []
        if let url, let served = Self.path(of: url), served != path {
            sentences.append(
                "its path is '\(served)', and 'callback.path' is '\(path)': callbacks get 404 unless a proxy "
                    + "rewrites the path"
            )
        }
        if let keys, !keys.contains(where: { $0 == key }) {
            sentences.append("its key is not one of the configured keys, so every callback is refused")
        }
        return sentences
    }

    /// The path of a URL as a request carries it; nil where it is no URL.
    private static func path(of url: String) -> String? {
        guard let rest = url.firstRange(of: "://").map({ url[$0.upperBound...] }) else { return nil }
        let path = rest.drop { !"/?#".contains($0) }.prefix { $0 != "?" && $0 != "#" }
        return path.isEmpty ? "/" : String(path)
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
