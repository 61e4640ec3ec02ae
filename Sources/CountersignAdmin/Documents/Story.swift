import CountersignModel
import CountersignStore
import Foundation

/// All that is known of one package.
struct Story: Sendable {
    /// More events of one package are left out; nobody reads them.
    static let longest = 500

    let id: String

    /// The oldest first.
    let events: [StoredEvent]

    /// In the order of making.
    let runs: [ClaimedRun]

    var json: JSON {
        [
            "id": .string(id), "events": .array(events.map(\.json)),
            "runs": .array(runs.map { $0.run.json(records: $0.records) }),
        ]
    }
}

extension AdminDesk {
    /// All that is known of the package `id`; nil when no event is about it.
    func story(of id: String) async throws -> Story? {
        let events = try await store.events(EventQuery(packageID: id, limit: Story.longest))
        guard !events.isEmpty else { return nil }
        var runs: [ClaimedRun] = []
        for run in try await store.runs(of: events.map { $0.event.id }) {
            if let run = try await store.run(run.id) { runs.append(run) }
        }
        return Story(id: id, events: events.reversed(), runs: runs)
    }
}

extension PackageSummary {
    var json: JSON {
        let runs = Run.State.allCases.compactMap { state in
            self.runs[state].map { JSONObject.Member(key: state.rawValue, value: JSON($0)) }
        }
        return [
            "id": .string(id), "name": JSON(name), "events": JSON(events), "first_at": .string(firstAt.rfc3339),
            "last_at": .string(lastAt.rfc3339), "last_event": .string(lastEvent),
            "runs": .object(JSONObject(runs)),
        ]
    }
}
