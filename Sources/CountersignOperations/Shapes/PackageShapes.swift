package import CountersignCore
package import CountersignStore
import Foundation

/// The documents about packages.
extension PackageSummary {
    /// A package of a list; `runs` has a number for each state in which it has runs.
    package static let shape = Shape<PackageSummary>(
        "Package",
        [
            .always("id", .string) { .string($0.id) },
            .text("name") { $0.name },
            .always("events", .count) { JSON($0.events) },
            .always("first_at", .dateTime) { .string($0.firstAt.rfc3339) },
            .always("last_at", .dateTime) { .string($0.lastAt.rfc3339) },
            .always("last_event", .string) { .string($0.lastEvent) },
            .always("runs", .any) { summary in
                .object(
                    JSONObject(
                        Run.State.allCases.compactMap { state in
                            summary.runs[state].map { JSONObject.Member(key: state.rawValue, value: JSON($0)) }
                        }
                    )
                )
            },
        ]
    )

    /// The package as the API and `--json` list it.
    package var json: JSON { Self.shape.json(self) }
}

extension PackageTimeline {
    /// The document of one package: its events, and its runs with their attempts.
    package static let shape = Shape<PackageTimeline>(
        "Timeline",
        [
            .always("id", .string) { .string($0.packageID) },
            .always("events", .array(.named("Event"))) { .array($0.events.map(\.json)) },
            .always("has_earlier_events", .boolean) { .bool($0.hasEarlier) },
            .always("runs", .array(.named("RunWithSteps"))) { timeline in
                .array(timeline.runs.map(\.json))
            },
            .always("pending", .array(.named(PendingItem.shape.name))) { .array($0.pending.map(\.json)) },
        ]
    )

    /// The timeline as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }
}

extension PackageSummary {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a package")
        var runs: [Run.State: Int] = [:]
        for member in try document.value("runs", \.object).members {
            guard let state = Run.State(rawValue: member.key), let count = member.value.number?.integer else {
                throw document.mismatch("runs")
            }
            runs[state] = count
        }
        self.init(
            id: try document.text("id"),
            name: try document.optionalText("name"),
            events: try document.count("events"),
            firstAt: try document.time("first_at"),
            lastAt: try document.time("last_at"),
            lastEvent: try document.text("last_event"),
            runs: runs
        )
    }
}

extension PackagePage {
    /// A list of packages, and where the next one begins.
    package static let shape = Shape<PackagePage>(
        "PackageList",
        [
            .always("packages", .array(.named("Package"))) { .array($0.packages.map(\.json)) },
            .always("next", .nullable(.packagePlace)) { JSON($0.next?.text) },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of packages")
        self.init(
            packages: try document.list("packages") { json throws(OperationError) in try PackageSummary(json: json) },
            next: try document.optional("next") { $0.string.flatMap { PackagePosition(text: $0) } }
        )
    }
}

extension PackageTimeline {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a timeline")
        self.init(
            packageID: try document.text("id"),
            events: try document.list("events") { json throws(OperationError) in try StoredEvent(json: json) },
            hasEarlier: try document.flag("has_earlier_events"),
            runs: try document.list("runs") { json throws(OperationError) in try RunDetails(json: json) },
            pending: try document.list("pending") { json throws(OperationError) in try PendingItem(json: json) }
        )
    }
}
