package import CountersignCore
package import CountersignOneSpan
package import Foundation

/// A poll that an operator asks for.
package struct PollRequest: Sendable {
    /// The earliest time; nil for where the last poll ended.
    package let since: Date?

    /// Whether only to tell what would be recovered.
    package let isDryRun: Bool

    /// The name of the account; nil for the only one.
    package let account: String?

    /// A poll for what was updated since a time.
    package init(account: String? = nil, since: Date?, isDryRun: Bool) {
        self.account = account
        self.since = since
        self.isDryRun = isDryRun
    }

    /// What a server is sent; without members it polls from where the last poll ended.
    package static let shape = Shape<PollRequest>(
        "PollRequest",
        [
            .optional("since", .nullable(.dateTime)) { JSON($0.since?.rfc3339) },
            .optional("dry_run", .boolean) { .bool($0.isDryRun) },
            .optional("account", .nullable(.string)) { $0.account.map { .string($0) } },
        ]
    )

    /// The request as JSON.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a poll")
        try document.expectOnly(["since", "dry_run", "account"])
        let since = document.any("since").map { $0.string.flatMap { Date(rfc3339: $0) } }
        if case .some(nil) = since { throw OperationError(.invalid, "'since' must be a time (RFC 3339)") }
        let isDryRun = document.any("dry_run").map(\.bool)
        if case .some(nil) = isDryRun { throw OperationError(.invalid, "'dry_run' must be true or false") }
        let account = document.any("account").map(\.string)
        if case .some(nil) = account { throw OperationError(.invalid, "'account' must be the name of an account") }
        self.init(
            account: account ?? nil,
            since: since ?? nil,
            isDryRun: (isDryRun ?? nil) ?? false
        )
    }
}

/// What a poll found, as the API and `--json` give it.
extension PollReport {
    /// From when on packages were looked at, how many there were, the events without a callback, and the poller's number.
    package static let shape = Shape<PollReport>(
        "PollReport",
        [
            .always("since", .dateTime) { .string($0.since.rfc3339) },
            .always("packages", .count) { JSON($0.packages) },
            .always("recovered", .array(.named("Recovery"))) { .array($0.recoveries.map(\.json)) },
            .always("term", .count) { JSON($0.term) },
        ]
    )

    /// The report as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a poll")
        self.init(
            since: try document.time("since"),
            packages: try document.count("packages"),
            recoveries: try document.list("recovered") { json throws(OperationError) in try Recovery(json: json) },
            term: try document.count("term")
        )
    }
}

extension PollReport.Recovery {
    static let shape = Shape<PollReport.Recovery>(
        "Recovery",
        [
            .always("event", .nullable(.id)) { $0.event.map { JSON($0.rawValue) } ?? .null },
            .always("name", .string) { .string($0.name) },
            .always("packageId", .string) { .string($0.packageID) },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "an event")
        self.init(
            name: try document.text("name"),
            packageID: try document.text("packageId"),
            event: try document.optional("event") { $0.number?.integer.map { Event.ID(rawValue: Int64($0)) } }
        )
    }
}

extension PollState {
    /// How polling stands: when the last poll finished, and how many events all polls have recovered.
    package static let shape = Shape<PollState>(
        "PollState",
        [
            .always("began", .dateTime) { .string($0.began.rfc3339) },
            .time("watermark") { $0.watermark?.rfc3339 },
            .time("finished_at") { $0.finishedAt?.rfc3339 },
            .always("recovered", .count) { JSON($0.recovered) },
        ]
    )
}

extension Operations {
    /// How polling stands, as the API gives it; null before the first poll.
    package func pollState(of account: String?) async throws -> JSON {
        try await questions.pollState(of: account ?? "").map { PollState.shape.json($0) } ?? .null
    }
}
