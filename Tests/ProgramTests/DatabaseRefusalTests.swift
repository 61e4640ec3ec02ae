import CountersignCore
import Foundation
import PostgreSQLServer
import Testing

/// A database that cannot be used is named at the start and by the doctor, with what to do.
@Suite(.timeLimit(.minutes(2)))
struct DatabaseRefusalTests {
    /// What is wrong with a database, how that is brought about, and what the sentence says.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        /// SQL that an administrator carries out before; `ROLE` is a role of the test, and `SCHEMA` its schema.
        var preparation = ""
        /// The setting `store`; `FOLDER` is where the server's socket lies.
        var store = "host=FOLDER dbname=postgres user=ROLE"
        var environment: [String: String] = [:]
        let words: [String]
        var testDescription: String { name }
    }

    static let faults = [
        Fault(
            name: "a wrong URL",
            store: "postgresql://h/d?hots=x",
            words: ["'store'", "postgresql://USER@HOST/DATABASE"]
        ),
        Fault(
            name: "an unknown host",
            store: "postgresql://countersign.invalid/d",
            words: ["countersign.invalid", "check the host of 'store'"]
        ),
        Fault(
            name: "a port where nobody listens",
            store: "host=127.0.0.1 port=1 dbname=d",
            words: ["Connection refused", "check that the server runs"]
        ),
        Fault(
            name: "a missing database",
            store: "host=FOLDER dbname=nowhere user=ROLE",
            words: ["nowhere", "create the database, or name another one in 'store'"]
        ),
        Fault(
            name: "a missing role",
            store: "host=FOLDER dbname=postgres user=nobody_here",
            words: ["nobody_here", "create the role, or name another user in 'store'"]
        ),
        Fault(
            name: "a server that is too old",
            preparation: """
                create schema SCHEMA_old; grant usage on schema SCHEMA_old to ROLE;
                create function SCHEMA_old.current_setting(name text) returns text language sql as $$
                    select case name when 'server_version_num' then '140011' else pg_catalog.current_setting(name) end $$;
                alter role ROLE set search_path = SCHEMA_old, pg_catalog
                """,
            words: ["version 14", "15 or newer is needed"]
        ),
        Fault(
            name: "a role that may not make a schema",
            words: ["permission denied for database", "CREATE SCHEMA"]
        ),
        Fault(
            name: "a role without rights in the schema",
            preparation: "create schema SCHEMA; create table SCHEMA.migrations (number int)",
            words: ["permission denied", "make it the owner of the schema"]
        ),
        Fault(
            name: "a standby",
            preparation: "alter role ROLE set default_transaction_read_only = on",
            words: ["session is read-only", "promote one, or name the primary"]
        ),
        Fault(
            name: "a read-only session",
            preparation:
                "alter role ROLE set default_transaction_read_only = on; create schema SCHEMA authorization ROLE",
            store: "host=FOLDER dbname=postgres user=ROLE target_session_attrs=any",
            words: ["read-only", "standby"]
        ),
        Fault(
            name: "commits that are not waited for",
            preparation: "alter role ROLE set synchronous_commit = off; create schema SCHEMA authorization ROLE",
            words: ["synchronous_commit is off", "ALTER ROLE", "postgresql.durability"]
        ),
        Fault(
            name: "no standby where one is required",
            preparation: "create schema SCHEMA authorization ROLE",
            environment: ["COUNTERSIGN_POSTGRESQL_REQUIRE": "replica"],
            words: ["postgresql.require: replica", "synchronous_standby_names is empty"]
        ),
        Fault(
            name: "a schema of another program",
            preparation: "create schema SCHEMA authorization ROLE; create table SCHEMA.theirs (id int)",
            words: ["tables of another program", "postgresql.schema"]
        ),
        Fault(
            name: "a store that only a newer program knows",
            preparation: """
                create schema SCHEMA authorization ROLE; set role ROLE;
                create table SCHEMA.migrations (number int); insert into SCHEMA.migrations values (9);
                create table SCHEMA.store (least_intake int); insert into SCHEMA.store values (9)
                """,
            words: ["newer Countersign (schema 9, this program knows", "update the program"]
        ),
        Fault(
            name: "another password",
            store: "host=FOLDER dbname=postgres user=ROLE",
            environment: ["COUNTERSIGN_POSTGRESQL_PASSWORD_FILE": "/nowhere/password"],
            words: ["postgresql.password_file", "/nowhere/password", "cannot be read"]
        ),
    ]

    @Test(arguments: faults)
    func `the start and the doctor say what is wrong, and what to do`(fault: Fault) async throws {
        let server = try PostgreSQLServer.shared()
        let schema = server.newSchema()
        let role = "\(schema)_role"
        func filled(_ text: String) -> String { text.replacing("ROLE", with: role).replacing("SCHEMA", with: schema) }
        try server.sql("create role \(role) login; \(filled(fault.preparation))")
        let folder = server.text.split(separator: " ").first.map { $0.dropFirst("host=".count) } ?? ""
        let deployment = try Deployment(
            rules: nil,
            environment: [
                "COUNTERSIGN_STORE": filled(fault.store).replacing("FOLDER", with: folder),
                "COUNTERSIGN_POSTGRESQL_SCHEMA": schema,
            ]
            .merging(fault.environment) { $1 }
        )
        for command in ["serve", "doctor"] {
            let outcome = try await deployment.run(command)
            #expect(outcome.status != .exited(0), "\(command)")
            let said = outcome.errors + outcome.output
            for word in fault.words { #expect(said.contains(word), "\(command): \(said)") }
        }
        try server.sql(
            "drop schema if exists \(schema), \(schema)_old cascade; drop owned by \(role); drop role \(role)"
        )
    }
}
