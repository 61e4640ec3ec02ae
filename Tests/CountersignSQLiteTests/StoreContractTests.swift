import CountersignSQLite
import CountersignStore
import CountersignTesting
import Testing

/// A way to keep a store.
enum BackEnd: CaseIterable {
    case sqlite
    case memory

    func open(in folder: TemporaryFolder) throws -> any Store {
        switch self {
        case .sqlite: try SQLiteStore.open(path: folder.path("store.db"))
        case .memory: MemoryStore()
        }
    }
}

@Suite struct StoreContractTests {
    @Test(arguments: BackEnd.allCases, StoreContract.clauses)
    func `a store keeps its promises`(backEnd: BackEnd, clause: StoreContract.Clause) async throws {
        let folder = try TemporaryFolder()
        let store = try backEnd.open(in: folder)
        try await clause.check(store)
        await store.close()
    }

    @Test(arguments: BackEnd.allCases, StoreContract.stateful)
    func `a store keeps its promises about rules with state`(
        backEnd: BackEnd,
        clause: StoreContract.Clause
    ) async throws {
        let folder = try TemporaryFolder()
        let store = try backEnd.open(in: folder)
        try await clause.check(store)
        await store.close()
    }

    @Test(arguments: BackEnd.allCases, ClusterContract.clauses + ClusterContract.stateful)
    func `a store keeps its promises to two handles`(backEnd: BackEnd, clause: ClusterContract.Clause) async throws {
        let folder = try TemporaryFolder()
        let store = try backEnd.open(in: folder)
        try await clause.check(store, store)
        await store.close()
    }
}
