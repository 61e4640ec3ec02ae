package import CountersignCore
package import CountersignStore
import Foundation

/// The documents about packages.
extension PackageSummary {
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

    package var json: JSON { Self.shape.json(self) }
}

extension PackageTimeline {
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

    package var json: JSON { Self.shape.json(self) }
}
