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
                .array(timeline.runs.map { RunDetails(run: $0.run, records: $0.records).json })
            },
        ]
    )

    /// The timeline as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }
}
