import CountersignPostgreSQL
import CountersignStore
import Testing

@Suite struct ConnectionOptionsTests {
    @Test(arguments: [
        "postgresql://user:hidden@host/db", "postgres://user:hidden@h1:5432,h2:5433/db?sslmode=verify-full",
        "host=h password=hidden dbname=db", "password='hid den' host=h", "postgresql://host/db?password=hidden&user=u",
        "host=h password = 'hid\\'den'", "postgresql://user:hid/den@host/db", "postgresql://user:hi@dden@host/db",
    ])
    func `a password in the address is refused, and never shown`(text: String) throws {
        let address = try #require(StoreAddress(text, in: "/"))
        #expect(!"\(address)".contains("hid") && !"\(address)".contains("den"), "\(address)")
        let refusal = #expect(throws: ConnectionOptions.Refusal.self) { try ConnectionOptions(text) }
        #expect(refusal?.description.contains("hid") == false)
    }

    @Test func `a refused password comes with what to do instead`() {
        let refusal = #expect(throws: ConnectionOptions.Refusal.self) { try ConnectionOptions("postgresql://u:p@h/d") }
        #expect(refusal?.description.contains("postgresql.password_file") == true)
        #expect(refusal?.description.contains("PGPASSFILE") == true)
    }

    @Test(arguments: ["prefer", "allow"])
    func `a mode that falls back to plain text is refused for other hosts`(mode: String) throws {
        #expect(throws: ConnectionOptions.Refusal.self) {
            try ConnectionOptions("postgresql://db.example.com/d?sslmode=\(mode)")
        }
        _ = try ConnectionOptions("postgresql://127.0.0.1/d?sslmode=\(mode)")
    }

    @Test(arguments: ["", "pg_catalog", String(repeating: "x", count: 64)])
    func `a name that no schema can have is refused`(schema: String) {
        #expect(throws: ConnectionOptions.Refusal.self) { try ConnectionOptions("dbname=d", schema: schema) }
    }

    @Test(arguments: ["postgresql://h/d?hots=x", "host=h dbname", "postgresql://[h/d"])
    func `what libpq does not understand is refused`(text: String) {
        #expect(throws: ConnectionOptions.Refusal.self) { try ConnectionOptions(text) }
    }

    @Test func `the address of a database is shown as it was written`() throws {
        for text in ["postgresql://user@h1,h2:5433/db?sslmode=verify-full", "host=/run/postgresql dbname=db user=me"] {
            let address = try #require(StoreAddress(text, in: "/"))
            #expect(address == .postgresql(text) && "\(address)" == text)
        }
    }
}
