import CountersignCore
import Crypto

/// Copies a stopped store into an empty one, and compares both row by row.
///
/// It may be killed at any moment: the next copy of the same store goes on where it was, and until one is finished nobody
/// takes the target for a store.
package struct StoreCopier: Sendable {
    /// How far a copy is.
    package struct Progress: Sendable, Equatable {
        /// What is done.
        package enum Phase: Sendable {
            case copying
            case comparing
        }

        /// What is done now.
        package let phase: Phase

        /// How many rows are done.
        package let done: Int

        /// How many rows there are.
        package let total: Int
    }

    private let source: any StoreSource
    private let target: any StoreTarget
    private let progress: @Sendable (Progress) -> Void

    /// - Parameters:
    ///   - source: The store that was stopped.
    ///   - target: The empty store, or one with a part of a copy.
    ///   - progress: Called after each page.
    package init(
        from source: any StoreSource,
        to target: any StoreTarget,
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) {
        (self.source, self.target, self.progress) = (source, target, progress)
    }

    /// Copies all, or what is left of an interrupted copy; does nothing where the target is such a copy already.
    ///
    /// - Throws: `StoreCopyError`, `StoreError`; then the target is no store yet, unless it was one.
    package func copy() async throws -> StoreCopy {
        try await source.expectStopped()
        let header = try await source.header()
        let counts = try await counts(of: source)
        var isResumed = false
        switch try await target.contents() {
        case .empty: break
        case .incomplete(let identity):
            guard identity == header.identity else {
                throw StoreCopyError.partOfOther(
                    store: target.name,
                    found: identity,
                    wanted: header.identity,
                    advice: target.adviceToEmpty
                )
            }
            isResumed = true
        case .whole(let identity):
            return try await recognize(identity, header, counts)
        }
        try await target.begin(header.identity)
        try await transfer(counts)
        var copy = StoreCopy(identity: header.identity, start: isResumed ? .resumed : .anew)
        do {
            try await compare(counts, into: &copy)
        } catch StoreCopyError.differs where isResumed {
            // The source was used since the copy was interrupted.
            try await target.clear()
            try await transfer(counts)
            copy = StoreCopy(identity: header.identity, start: .anew)
            try await compare(counts, into: &copy)
        }
        try await source.expectStopped()
        try await target.finish(header)
        return copy
    }

    /// Makes sure that a target that can be used already is a copy of the source.
    private func recognize(
        _ identity: String,
        _ header: StoreHeader,
        _ counts: [StoreTable: Int]
    ) async throws -> StoreCopy {
        let refusal = StoreCopyError.notEmpty(store: target.name, advice: target.adviceToEmpty)
        guard identity == header.identity, try await self.counts(of: target) == counts else { throw refusal }
        var copy = StoreCopy(identity: identity, start: .finished)
        do {
            try await compare(counts, into: &copy)
        } catch StoreCopyError.differs {
            throw refusal
        }
        return copy
    }

    private func counts(of store: any StoreSource) async throws -> [StoreTable: Int] {
        var counts: [StoreTable: Int] = [:]
        for table in StoreTable.allCases { counts[table] = try await store.count(of: table) }
        return counts
    }

    private func transfer(_ counts: [StoreTable: Int]) async throws {
        let total = counts.values.reduce(0, +)
        var done = 0
        for table in StoreTable.allCases {
            // Texts are in an order of each store's own, so they begin again.
            var key = table.isNumbered ? try await target.lastKey(of: table) : nil
            if key != nil { done += try await target.count(of: table) }
            while case let rows = try await source.page(of: table, after: key), let last = rows.last {
                try await target.write(rows, to: table)
                FailPoint.whileCopying.reach()
                key = last.key
                done += rows.count
                progress(Progress(phase: .copying, done: done, total: total))
            }
        }
    }

    /// Reads both stores side by side.
    ///
    /// - Throws: `StoreCopyError.differs` at the first row that is not the same in both.
    private func compare(_ counts: [StoreTable: Int], into copy: inout StoreCopy) async throws {
        let total = counts.values.reduce(0, +)
        var digest = SHA256()
        for table in StoreTable.allCases {
            digest.update(data: Array("\(table.rawValue)\n".utf8))
            if table.isNumbered {
                try await compareNumbered(table, of: total, into: &copy, &digest)
            } else {
                try await compareNamed(table, into: &copy, &digest)
            }
        }
        copy.hash = Array(digest.finalize())
    }

    private func compareNumbered(
        _ table: StoreTable,
        of total: Int,
        into copy: inout StoreCopy,
        _ digest: inout SHA256
    ) async throws {
        var (here, there) = (RowReader(source, table), RowReader(target, table))
        while true {
            let (row, copied) = (try await here.next(), try await there.next())
            guard row == copied else { throw difference(at: (row ?? copied)?.key, in: table) }
            guard let row else { return }
            digest.update(data: SHA256.hash(row))
            copy.add(row, of: table)
            if copy.total.isMultiple(of: 500) {
                progress(Progress(phase: .comparing, done: copy.total, total: total))
            }
        }
    }

    /// Compares rows that each store has in an order of its own.
    private func compareNamed(_ table: StoreTable, into copy: inout StoreCopy, _ digest: inout SHA256) async throws {
        var hashes: [StoreValue: [UInt8]] = [:]
        var reader = RowReader(source, table)
        while let row = try await reader.next() {
            hashes[row.key] = SHA256.hash(row)
            copy.add(row, of: table)
        }
        var missing = Set(hashes.keys)
        reader = RowReader(target, table)
        while let row = try await reader.next() {
            guard missing.remove(row.key) != nil, hashes[row.key] == SHA256.hash(row) else {
                throw difference(at: row.key, in: table)
            }
        }
        if let key = missing.first { throw difference(at: key, in: table) }
        for (_, hash) in hashes.sorted(by: { ($0.key.bytes ?? []).lexicographicallyPrecedes($1.key.bytes ?? []) }) {
            digest.update(data: hash)
        }
    }

    private func difference(at key: StoreValue?, in table: StoreTable) -> StoreCopyError {
        .differs(store: target.name, row: "row \(key?.description ?? "") of \(table.rawValue)")
    }
}

/// Gives the rows of a table one by one.
private struct RowReader {
    private let store: any StoreSource
    private let table: StoreTable
    private var page: [StoreRow] = []
    private var place = 0

    init(_ store: any StoreSource, _ table: StoreTable) {
        (self.store, self.table) = (store, table)
    }

    mutating func next() async throws -> StoreRow? {
        if place == page.count {
            page = try await store.page(of: table, after: page.last?.key)
            place = 0
        }
        guard place < page.count else { return nil }
        defer { place += 1 }
        return page[place]
    }
}

extension SHA256 {
    /// The hash of a row: of each value with its kind and length, so that different rows are different bytes.
    fileprivate static func hash(_ row: StoreRow) -> [UInt8] {
        var hash = SHA256()
        for value in row.values {
            switch value {
            case .null: hash.update(data: [0])
            case .integer(let number): hash.add(1, number, [])
            case .text(let bytes): hash.add(2, Int64(bytes.count), bytes)
            case .bytes(let bytes): hash.add(3, Int64(bytes.count), bytes)
            }
        }
        return Array(hash.finalize())
    }

    private mutating func add(_ kind: UInt8, _ number: Int64, _ bytes: [UInt8]) {
        update(data: [kind] + withUnsafeBytes(of: number.bigEndian) { Array($0) })
        update(data: bytes)
    }
}
