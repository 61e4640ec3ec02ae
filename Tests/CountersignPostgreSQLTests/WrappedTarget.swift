import CountersignStore

/// A target at which a copy ends after some pages.
final class InterruptedTarget: WrappedTarget, @unchecked Sendable {
    private var pages: Int

    init(_ target: any StoreTarget, pages: Int) {
        self.pages = pages
        super.init(target)
    }

    override func write(_ rows: [StoreRow], to table: StoreTable) async throws {
        pages -= 1
        guard pages >= 0 else { throw CancellationError() }
        try await super.write(rows, to: table)
    }
}

/// A target that alters a row.
final class AlteringTarget: WrappedTarget, @unchecked Sendable {
    override func write(_ rows: [StoreRow], to table: StoreTable) async throws {
        let place = StoreTable.events.place(of: "duplicates") ?? 0
        let rows = rows.map { row in
            guard table == .events, row.key == .integer(3) else { return row }
            var values = row.values
            values[place] = .integer(99)
            return StoreRow(values)
        }
        try await super.write(rows, to: table)
    }
}

/// A target that passes everything on.
class WrappedTarget: StoreTarget, @unchecked Sendable {
    private let target: any StoreTarget

    init(_ target: any StoreTarget) {
        self.target = target
    }

    var name: String { target.name }
    var adviceToEmpty: String { target.adviceToEmpty }

    func expectStopped() async throws { try await target.expectStopped() }

    func header() async throws -> StoreHeader { try await target.header() }

    func count(of table: StoreTable) async throws -> Int { try await target.count(of: table) }

    func page(of table: StoreTable, after key: StoreValue?) async throws -> [StoreRow] {
        try await target.page(of: table, after: key)
    }

    func contents() async throws -> TargetContents { try await target.contents() }

    func begin(_ identity: String) async throws { try await target.begin(identity) }

    func lastKey(of table: StoreTable) async throws -> StoreValue? { try await target.lastKey(of: table) }

    func write(_ rows: [StoreRow], to table: StoreTable) async throws { try await target.write(rows, to: table) }

    func clear() async throws { try await target.clear() }

    func finish(_ header: StoreHeader) async throws { try await target.finish(header) }

    func close() async { await target.close() }
}
