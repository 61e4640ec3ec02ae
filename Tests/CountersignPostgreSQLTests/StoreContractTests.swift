import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Testing

@Suite struct StoreContractTests {
    @Test(arguments: StoreContract.clauses)
    func `a store on a PostgreSQL server keeps its promises`(clause: StoreContract.Clause) async throws {
        let place = try TestStore()
        let store = try place.open()
        try await clause.check(store)
        await store.close()
        try place.remove()
    }

    @Test(arguments: ClusterContract.clauses)
    func `a store on a PostgreSQL server keeps its promises to two handles`(clause: ClusterContract.Clause) async throws
    {
        let place = try TestStore()
        let (one, two) = (try place.open(), try place.open())
        try await clause.check(one, two)
        await one.close()
        await two.close()
        try place.remove()
    }
}
