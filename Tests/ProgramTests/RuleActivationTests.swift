import CountersignCore
import Foundation
import NIOHTTP1
import PostgreSQLServer
import Testing

/// Which rules are active, where several instances of the program share a database.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RuleActivationTests {
    private static let token = "0123456789abcdef0123456789abcdef"

    private static func rules(_ mark: String) -> String {
        """
        rules:
          - id: mark
            when: { event: "*" }
            then: [{ id: \(mark), log: seen }]
        """
    }

    private let server: PostgreSQLServer
    private let schema: String

    init() throws {
        server = try PostgreSQLServer.shared()
        schema = server.newSchema()
    }

    private func instance(_ name: String, _ mark: String, _ more: [String: String] = [:]) throws -> Deployment {
        let place = [
            "COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema,
            "COUNTERSIGN_INSTANCE_NAME": name,
        ]
        return try Deployment(rules: Self.rules(mark), environment: place.merging(more) { $1 })
    }

    private func remove() throws { try server.sql("drop schema \(schema) cascade") }

    /// The step of the rules by which a new event was evaluated.
    private func mark(_ deployment: Deployment, _ server: RunningServer, package: String) async throws -> String? {
        try await server.post(event(package: package))
        return try await eventually("a step") {
            let runs = try await deployment.list("runs", "--package", package, "--state", "succeeded")
            guard let id = runs.first?["id"]?.number?.integer else { return nil }
            return try await deployment.show(run: id)["steps"]?.array?.first?["step"]?.string
        }
    }

    @Test func `a folder that changes on one instance activates its rules on all, and older folders wait`() async throws
    {
        let (one, two) = (try instance("web1", "old"), try instance("web2", "old"))
        try await one.serve { first in
            try await two.serve { second in
                #expect(try await mark(one, second, package: "p-1") == "old")
                try one.write(Self.rules("new"), to: "rules/rules.yaml")
                let line = try await second.log.line(
                    with: "Rules activated by another instance loaded",
                    "instance=web1"
                )
                #expect(line.contains("activation=2"))
                #expect(try await mark(one, first, package: "p-2") == "new")
                #expect(try await mark(one, second, package: "p-3") == "new")
                #expect(try await second.send(.GET, "/ready").body.contains("the rules folder differs"))
                let doctor = try await two.run("doctor")
                #expect(doctor.output.contains("another instance activated other rules"), "\(doctor.output)")
                // The folder of a third one holds what was replaced.
                let three = try instance("web3", "old")
                try await three.serve { third in
                    _ = try await third.log.line(with: "Rules folder holds an older rule set", "instance=web1")
                    #expect(try await mark(one, third, package: "p-4") == "new")
                    try await expectInstances(three)
                }
            }
        }
        #expect(
            try server.sql("select string_agg(reason, ' ' order by number) from \(schema).activations")
                == "start folder"
        )
        try remove()
    }

    private func expectInstances(_ deployment: Deployment) async throws {
        let listed = try await eventually("three instances") {
            let found = try await deployment.run("instances", "--json")
            return try found.json.count == 3 ? found : nil
        }
        let folders = try listed.json.map { $0["folder"] }
        #expect(try listed.json.compactMap { $0["name"]?.string } == ["web1", "web2", "web3"])
        #expect(folders[1] == folders[2] && folders[0] != folders[1])
        #expect(listed.errors.contains("activated by web1, whose folder was changed"), "\(listed.errors)")
        #expect(listed.errors.contains("Answered by instance 'web3'."))
        let table = try await deployment.run("instances").output
        #expect(table.contains("web2") && table.contains("differs"), "\(table)")
    }

    @Test func `a command activates older rules again, from any instance, which says that it answers`()
        async throws
    {
        let admin = AdminClient.onFreePort.merging(["COUNTERSIGN_ADMIN_TOKEN": Self.token]) { $1 }
        let (one, two) = (try instance("web1", "old"), try instance("web2", "new", admin))
        try await one.serve { first in
            #expect(try await mark(one, first, package: "p-1") == "old")
            try await two.serve { second in
                _ = try await first.log.line(with: "Rules activated by another instance loaded", "instance=web2")
                let url = String(try await AdminClient(second).url.dropLast())
                let install = try await one.run(
                    ["rules", "install", one.path("rules"), "--server", url],
                    environment: ["COUNTERSIGN_TOKEN": Self.token]
                )
                #expect(install.status == .exited(0), "\(install.errors)")
                #expect(install.output.contains("is active since") && install.output.contains("activation 3, 1 rule"))
                #expect(install.errors == "countersign: answered by instance 'web2'\n")
                _ = try await first.log.line(with: "Rules activated by another instance loaded", "activation=3")
                #expect(try await mark(one, first, package: "p-2") == "old")
                #expect(try await mark(one, second, package: "p-3") == "old")
                try one.write("rules: [{ id: r }]", to: "wrong/rules.yaml")
                let wrong = try await one.run("rules", "install", "wrong")
                #expect(wrong.status == .exited(1) && wrong.errors.contains("the rules have errors"), "\(wrong.errors)")
            }
        }
        // Without any server, too.
        let alone = try await one.run("rules", "install", two.path("rules"), "--json")
        #expect(alone.status == .exited(0) && alone.output.contains(#""number": 4"#), "\(alone.output)\(alone.errors)")
        try remove()
    }

    @Test func `events come in while all folders change forward, back and forward, and each has one rule set`()
        async throws
    {
        let instances = try ["web1", "web2", "web3"].map { try instance($0, "v0") }
        try await instances[0]
            .serve { first in
                try await instances[1]
                    .serve { second in
                        try await instances[2]
                            .serve { third in
                                let servers = [first, second, third]
                                try await withThrowingTaskGroup(of: Void.self) { group in
                                    for (index, server) in servers.enumerated() {
                                        group.addTask {
                                            for number in 0..<100 {
                                                try await server.post(event(package: "p-\(index)-\(number)"))
                                            }
                                        }
                                    }
                                    group.addTask {
                                        for version in ["v1", "v0", "v1"] {
                                            for deployment in instances {
                                                try deployment.write(Self.rules(version), to: "rules/rules.yaml")
                                            }
                                            try await eventually("an activation of \(version)") {
                                                try await isActive(version, from: instances[0])
                                            }
                                        }
                                    }
                                    try await group.waitForAll()
                                }
                                let open =
                                    "select (select count(*) from \(schema).inbox) + count(*) from \(schema).runs where state < 2"
                                try await eventually("rest") { try self.server.sql(open) == "0" }
                            }
                    }
            }
        let doubly =
            "select count(*) from \(schema).runs r join \(schema).evaluations e using (event_id) where r.rule_set <> e.rule_set"
        #expect(try server.sql(doubly) == "0")
        #expect(try server.sql("select count(*) from \(schema).runs") == "300")
        let count = try #require(Int(try server.sql("select count(*) from \(schema).activations")))
        #expect((4...6).contains(count), "each change once, whoever saw it first")
        try remove()
    }

    private func isActive(_ version: String, from deployment: Deployment) async throws -> Bool {
        try await deployment.run("rules", "show", "mark").output.contains("id: \(version)")
    }
}
