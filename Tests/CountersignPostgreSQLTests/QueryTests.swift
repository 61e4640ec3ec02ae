import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignPostgreSQL
import CountersignTesting
import Foundation
import Logging
import PostgreSQLServer
import Testing

/// Statements of steps, in a real server.
@Suite(.timeLimit(.minutes(2)))
struct QueryTests {
    private func run(_ statement: String, _ values: [String?] = [], at url: String) async throws -> DatabaseAnswer {
        try await PostgreSQLQueries().run(DatabaseQuery(url: url, statement: statement, values: values))
    }

    private func failure(_ statement: String, _ values: [String?] = [], at url: String) async -> StepFailure? {
        do throws(StepFailure) {
            _ = try await PostgreSQLQueries().run(DatabaseQuery(url: url, statement: statement, values: values))
            return nil
        } catch {
            return error
        }
    }

    /// A schema of its own, as rules name a database.
    private func database() throws -> String {
        let server = try PostgreSQLServer.shared()
        let schema = server.newSchema()
        try server.sql("create schema \(schema)")
        return "\(server.text) options='-c search_path=\(schema)'"
    }

    @Test func `a row is written and read again, each value as its type`() async throws {
        let url = try database()
        _ = try await run(
            "create table contracts (id text primary key, pages int, at timestamptz, data jsonb, ok bool)",
            at: url
        )
        let insert = "insert into contracts values ($1, $2, $3, $4, $5)"
        let values = ["p-1", "12", "2026-01-31T09:00:00Z", #"{"a":[1,2]}"#, "true"]
        #expect(try await run(insert, values, at: url) == DatabaseAnswer(rows: [], count: 1))
        #expect(try await run(insert, ["p-2", nil, nil, nil, nil], at: url).count == 1)
        let half = try JSON(parsing: "0.5")
        let found = try await run("select id, pages, data, ok, 0.5::numeric n from contracts order by id", at: url)
        #expect(found.count == 2)
        #expect(found.rows[0] == ["id": "p-1", "pages": 12, "data": ["a": [1, 2]], "ok": true, "n": half])
        #expect(found.rows[1] == ["id": "p-2", "pages": .null, "data": .null, "ok": .null, "n": half])
        let again = await failure(insert, values, at: url)
        #expect(again?.reason.contains("duplicate key value") == true && again?.isWorthRetrying == false)
        #expect(again?.output == ["sqlstate": "23505"])
    }

    @Test(arguments: HostileText.all + ["'); drop table t; --", "$1", "\\'; drop table t; --", "''"])
    func `a hostile value is a value, whatever is in it`(message: String) async throws {
        let url = try database()
        _ = try await run("create table t (x text)", at: url)
        let world = try services(PostgreSQLQueries())
        let options = Options([
            .init(key: "query", value: .text("insert into t values ($1) returning x")),
            .init(key: "values", value: .templateList([try Template(parsing: "${event.message}")])),
            .init(key: "url", value: .template(try Template(parsing: "${secret:DB}"))),
        ])
        let action = SQLAction(options: options)
        let event = Event.sample(message: message)
        let scope = Scope(
            event: event,
            ruleID: "r",
            ruleFolder: "/",
            runID: .init(rawValue: 1),
            secrets: Secrets(["DB": url])
        )
        do throws(StepFailure) {
            let plan = try await action.plan(in: scope)
            #expect(!plan.json.text.contains(url) && plan.destination == "database DB")
            let outputs = try await action.perform(plan, in: world(event))
            #expect(outputs["rows"] == [["x": .string(message)]] && outputs["count"] == 1)
        } catch {
            #expect(message.utf8.contains(0) && error.reason.contains("a NUL"), "\(error.reason)")
        }
        #expect(try await run("select count(*) c from t", at: url).count == 1)
    }

    private func services(_ database: any DatabaseQuerying) throws -> @Sendable (Event) -> ActionContext {
        let services = ActionServices(outputRoot: "/nowhere", http: NoNetwork(), database: database)
        return { event in
            ActionContext(
                event: event,
                runID: .init(rawValue: 1),
                ruleID: "r",
                stepID: "s",
                attempt: 1,
                idempotencyKey: "k",
                logger: .init(label: "test"),
                services: services
            )
        }
    }

    @Test func `many rows are counted, and the first hundred are kept`() async throws {
        let url = try database()
        let answer = try await run("select n, repeat('x', 10) t from generate_series(1, 5000) n", at: url)
        #expect(answer.count == 5_000 && answer.rows.count == 100 && answer.rows[99]["n"] == 100)
        let large = try await run("select repeat('x', 100000) t from generate_series(1, 20)", at: url)
        #expect(large.count == 20 && large.rows.count == 2)
    }

    @Test func `several statements, a wrong one and too few values are refused for good`() async throws {
        let url = try database()
        for (statement, values, words) in [
            ("select 1; select 2", [], "cannot insert multiple commands"), ("selct 1", [], "syntax error"),
            ("select $1::int, $2::int", ["1"], "supplies 1 parameters"),
            ("select $1::int", ["x"], "invalid input syntax"),
            ("select * from gone", [], "does not exist"), ("copy (select 1) to stdout", [], "'copy' cannot be run"),
        ] as [(String, [String?], String)] {
            let failure = await failure(statement, values, at: url)
            #expect(
                failure?.reason.contains(words) == true && failure?.isWorthRetrying == false,
                "\(failure?.reason ?? "")"
            )
        }
    }

    @Test func `a server that is not there may be back later, and no failure shows the URL`() async throws {
        let absent = await failure("select 1", at: "postgresql://me:s3cret@127.0.0.1:1/x")
        #expect(
            absent?.isOutage == true && absent?.isWorthRetrying == true && absent?.reason.contains("s3cret") == false
        )
        let odd = await failure("select 1", at: "postgresql://me:s3cret@[x")
        #expect(odd?.isWorthRetrying == false && odd?.reason.contains("s3cret") == false)
        let open = await failure("select 1", at: "postgresql://me@db.example.com/x?sslmode=prefer")
        #expect(open?.isWorthRetrying == false && open?.reason.contains("unencrypted") == true)
    }

    @Test func `a statement that takes too long ends when the step does`() async throws {
        let url = try database()
        let task = Task { await failure("select pg_sleep(60)", at: url) }
        let find = "select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
        while try await run(find, at: url).count == 0 { await Task.yield() }
        task.cancel()
        #expect(await task.value?.reason.contains("canceled") == true)
        while try await run(find, at: url).count > 0 { await Task.yield() }
    }
}
