import CountersignCore
import CountersignOperations
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// Documents of the API: what is declared once gives both the JSON and its schema.
struct ShapeTests {
    private struct Pair: Sendable {
        let name: String
        let note: String?
    }

    private static let shape = Shape<Pair>(
        "Pair",
        [.always("name", .string) { .string($0.name) }, .optional("note", .string) { $0.note.map { .string($0) } }]
    )

    @Test func `an optional member is left out where there is none, and the schema does not require it`() {
        #expect(Self.shape.json(Pair(name: "a", note: nil)) == ["name": "a"])
        #expect(Self.shape.json(Pair(name: "a", note: "b")) == ["name": "a", "note": "b"])
        #expect(
            Self.shape.schema.json == [
                "type": "object", "properties": ["name": ["type": "string"], "note": ["type": "string"]],
                "required": ["name"],
            ]
        )
    }

    @Test func `a document of something that holds another has the members of both`() {
        let outer = Shape<[Pair]>("Pairs", Self.shape.members { $0[0] } + [.always("count", .count) { JSON($0.count) }])
        #expect(outer.json([Pair(name: "a", note: nil), Pair(name: "b", note: nil)]) == ["name": "a", "count": 2])
    }

    /// Each document of the store with its schema: the members that are required are there, and no others than declared.
    @Test func `documents of a store have the members that their schemas declare`() async throws {
        let store = MemoryStore()
        let now = Date(milliseconds: 1_530_389_095_384)
        let id = try await store.append(SampleDelivery.numbered(1), at: now).eventID
        let dispatch = Dispatch(
            eventID: id,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet([true])
        )
        try await store.dispatch([dispatch], at: now)
        let stored = try #require(try await store.event(id))
        let row = try #require(try await store.runRows(RunQuery()).first)
        let timeline = try #require(try await PackageTimeline.read("package-1", from: store))
        let summary = try #require(try await store.packages(PackageQuery()).packages.first)
        try expect(stored.json, StoredEvent.shape.schema)
        try expect(row.json, RunRow.shape.schema)
        try expect(RunDetails(row: row, records: []).json, RunDetails.shape.schema)
        try expect(timeline.json, PackageTimeline.shape.schema)
        try expect(summary.json, PackageSummary.shape.schema)
        #expect(row.json["package"] == "package-1" && row.json["event_name"] == "PACKAGE_CREATE")
    }

    @Test func `a run's document says which part it is, what it waits for, and which run took its place`() throws {
        let now = Date(milliseconds: 1_530_389_095_384)
        func run(_ state: Run.State, slot: Int? = nil, supersededBy: Run.ID? = nil) -> Run {
            Run(
                id: Run.ID(rawValue: 7),
                eventID: Event.ID(rawValue: 3),
                ruleID: "r",
                part: "2",
                place: QueuePlace(queue: "crm [1]", happenedAt: now, limit: 1, holdsOnFailure: false, slot: slot),
                supersededBy: supersededBy,
                ruleSet: RuleSetVersion(rawValue: "v"),
                state: state,
                dueAt: now,
                retries: 0,
                createdAt: now,
                finishedAt: nil
            )
        }
        let queued = try Run(json: run(.queued).json)
        #expect(queued.part == "2" && queued.place?.queue == "crm [1]" && queued.waitsInQueue)
        #expect(queued.waiting(\.rfc3339) == "waiting in queue crm [1]")
        #expect(try Run(json: run(.queued, slot: 0).json).waiting(\.rfc3339) == nil)
        #expect(run(.waiting, slot: 0).json["due_at"]?.string == now.rfc3339)
        #expect(try Run(json: run(.waiting, slot: 0).json).waiting(\.rfc3339) == "due \(now.rfc3339)")
        let superseded = try Run(json: run(.discarded, supersededBy: Run.ID(rawValue: 9)).json)
        #expect(superseded.supersededBy == Run.ID(rawValue: 9))
        for state in Run.State.allCases { try expect(run(state).json, Run.shape.schema) }
    }

    private func expect(_ json: JSON, _ schema: Schema) throws {
        let members = Set(try #require(json.object).keys)
        let declared = Set(try #require(schema.json["properties"]?.object).keys)
        let required = Set(try #require(schema.json["required"]?.array).compactMap(\.string))
        #expect(members.isSubset(of: declared) && required.isSubset(of: members), "\(json)")
    }
}
