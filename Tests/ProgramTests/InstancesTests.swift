import CountersignCore
import Foundation
import PostgreSQLServer
import Testing

/// Several instances of the program on one database: what one at a time does, and what they tell each other.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct InstancesTests {
    private let server: PostgreSQLServer
    private let schema: String

    init() throws {
        server = try PostgreSQLServer.shared()
        schema = server.newSchema()
    }

    private func instance(
        _ name: String,
        rules: String = "rules: []\n",
        settings: String? = nil,
        _ more: [String: String] = [:]
    ) throws -> Deployment {
        let place = [
            "COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema,
            "COUNTERSIGN_INSTANCE_NAME": name,
        ]
        return try Deployment(rules: rules, settings: settings, environment: place.merging(more) { $1 })
    }

    private func remove() throws { try server.sql("drop schema \(schema) cascade") }

    @Test func `one instance polls, the others say who does, and one takes over when it was killed`() async throws {
        try await Simulator.run { simulator in
            try await simulator.set(["lose_every": 1])
            try await simulator.makePackage()
            func poller(_ name: String, _ more: [String: String] = [:]) throws -> Deployment {
                let key = ["ONESPAN_API_KEY": Simulator.apiKey]
                return try instance(
                    name,
                    settings: simulator.settings("  poll: { every: 6h }"),
                    key.merging(more) { $1 }
                )
            }
            let one = try poller("web1", ["COUNTERSIGN_FAIL_POINT": "after-recovery"])
            let (status, _) = try await one.serve { try await $0.log.untilEnd() }
            #expect(status == .signalled(SIGKILL))
            let two = try poller("web2")
            try await two.serve { running in
                _ = try await running.log.line(with: "Another instance is polling", "holder=web1", "term=1")
                // Through the server, and from a machine without one.
                for deployment in [two, try poller("web3")] {
                    let poll = try await deployment.run("poll", "--once")
                    #expect(poll.status == .exited(1))
                    #expect(poll.errors.contains("is being polled already, by 'web1' (term 1)"), "\(poll.errors)")
                }
                // A minute goes by.
                try server.sql("update \(schema).singletons set until = until - interval '60 s' where name = 'poll'")
                _ = try await running.log.line(with: "Poll finished", "term=2")
                // It holds nothing between polls.
                let poll = try await two.run("poll", "--once", "--json")
                #expect(try poll.json.first?["term"] == 3, "\(poll.errors)")
                let names = try await two.list("events").compactMap { $0["name"]?.string }
                #expect(names == ["PACKAGE_ACTIVATE"])
            }
            try remove()
        }
    }
}
