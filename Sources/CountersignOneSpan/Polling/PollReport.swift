package import CountersignCore
package import CountersignStore
package import Foundation

/// What a poll came to.
package struct PollReport: Sendable, Equatable {
    /// An event for a state of which no callback came.
    package struct Recovery: Sendable, Equatable {
        /// The name of the event, such as `PACKAGE_COMPLETE`.
        package let name: String

        /// The package whose state was found.
        package let packageID: String

        /// The number under which it is stored; nil in a dry run.
        package let event: Event.ID?

        /// An event that was recovered; `event` is nil in a dry run.
        package init(name: String, packageID: String, event: Event.ID?) {
            self.name = name
            self.packageID = packageID
            self.event = event
        }
    }

    /// Packages that were updated since this time were looked at.
    package let since: Date

    /// How many packages OneSpan Sign listed.
    package let packages: Int

    /// The events that no callback had reported, in the order in which they were found.
    package let recoveries: [Recovery]

    /// The number of the poller: of those who share the store one at a time polls, and each has the next number.
    package let term: Int

    /// A report about the packages that were updated since `since`.
    package init(since: Date, packages: Int, recoveries: [Recovery], term: Int) {
        self.since = since
        self.packages = packages
        self.recoveries = recoveries
        self.term = term
    }
}

/// How polling stands, kept in the store.
package struct PollState: Sendable, Equatable {
    /// The time from which on packages are watched at all.
    package var began: Date

    /// When the last poll that finished began: what was updated before was seen by it.
    package var watermark: Date?

    /// When it finished.
    package var finishedAt: Date?

    /// How many events all polls have recovered.
    package var recovered: Int

    /// The name of the note.
    fileprivate static func key(of account: String) -> String { account.isEmpty ? "poll" : "poll \(account)" }

    init(began: Date) {
        self.began = began
        recovered = 0
    }

    /// Reads what `json` holds; nil where there is none, or it has no valid `began`.
    package init?(json: JSON?) {
        func date(_ key: String) -> Date? { json?[key]?.string.flatMap { Date(rfc3339: $0) } }
        guard let began = date("began") else { return nil }
        self.began = began
        watermark = date("watermark")
        finishedAt = date("finished_at")
        recovered = json?["recovered"]?.number?.integer ?? 0
    }

    /// The form in which the store keeps it; times as RFC 3339.
    package var json: JSON {
        [
            "began": .string(began.rfc3339), "watermark": JSON(watermark?.rfc3339),
            "finished_at": JSON(finishedAt?.rfc3339), "recovered": JSON(recovered),
        ]
    }
}

extension Archive {
    /// How polling of an account stands; nil before the first poll.
    package func pollState(of account: String = "") async throws -> PollState? {
        PollState(json: try await value(forKey: PollState.key(of: account)))
    }
}

extension KeyValueStore {
    func keep(_ state: PollState, of account: String) async throws {
        try await set(state.json, forKey: PollState.key(of: account))
    }
}
