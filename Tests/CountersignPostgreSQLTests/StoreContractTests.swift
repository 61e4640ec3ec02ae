import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Testing

@Suite struct StoreContractTests {
    @Test(arguments: TestStore.Way.allCases, StoreContract.clauses + StoreContract.stateful)
    func `a store on a PostgreSQL server keeps its promises`(
        way: TestStore.Way,
        clause: StoreContract.Clause
    ) async throws {
        let place = try TestStore(way: way)
        let store = try place.open()
        try await clause.check(store)
        await store.close()
        try place.remove()
    }

    @Test(arguments: TestStore.Way.allCases, ClusterContract.clauses + ClusterContract.stateful)
    func `a store on a PostgreSQL server keeps its promises to two handles`(
        way: TestStore.Way,
        clause: ClusterContract.Clause
    ) async throws {
        let place = try TestStore(way: way)
        let (one, two) = (try place.open(), try place.open())
        try await clause.check(one, two)
        await one.close()
        await two.close()
        try place.remove()
    }
}
