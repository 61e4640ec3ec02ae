import CountersignCore
import Foundation
import NIOHTTP1
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

    @Test
    func `a destination that is down for one instance is tried by no other, until one of them finds it back`()
        async throws
    {
        let port = try await Receiver.listen { $0.port }
        let place = "127.0.0.1:\(port)"
        let rules = """
            rules:
              - id: call
                when: { event: PACKAGE_COMPLETE }
                then: [{ http: { url: "http://\(place)/x" }, retry: { attempts: 100, first: 10ms, max: 10ms } }]
            """
        let (one, two) = (try instance("web1", rules: rules), try instance("web2", rules: rules))
        try await one.serve { first in
            try await first.post(event(package: "p-1"))
            _ = try await first.log.line(with: "Destination circuit opened", place)
            try await two.serve { second in
                _ = try await second.log.line(with: "Destination circuit opened by another instance", place)
                try await second.post(event(package: "p-2"))
                let waiting = try await eventually("two runs that wait for the destination") {
                    let runs = try await two.list("runs").filter { $0["waiting_for"] == .string(place) }
                    return runs.count == 2 ? runs : nil
                }
                let ids = waiting.compactMap { $0["id"]?.number?.integer }
                let id = try #require(ids.max())
                #expect(try await two.show(run: id)["steps"]?.array == [], "it was held back before its first attempt")
                try await Receiver.listen(at: port) { _ in
                    _ = try await first.log.line(with: "Destination circuit closed")
                    _ = try await second.log.line(with: "Destination circuit closed")
                    try await eventually("both runs", within: .seconds(60)) {
                        try await two.list("runs", "--state", "succeeded").count == 2
                    }
                }
                #expect(try server.sql("select count(*) from \(schema).destinations") == "0")
            }
        }
        try remove()
    }

    private static let filing = """
        rules:
          - id: file
            when: { event: PACKAGE_COMPLETE }
            then:
              - { id: go, shell: "echo try >> tries; test -e go", retry: { attempts: 999, first: 200ms, max: 200ms } }
        """

    @Test func `a run whose step left files stays with its instance, and goes on elsewhere when that is gone`()
        async throws
    {
        let (one, two) = (try instance("web1", rules: Self.filing), try instance("web2", rules: Self.filing))
        try await one.serve { first in
            try await first.post(event())
            try await eventually("a first try") { one.text(of: "output/tries") != nil }
            try await two.serve { second in
                let run = try await eventually("a run that stays") {
                    try await two.list("runs").first { $0["home"] == "web1" }
                }
                let id = try #require(run["id"]?.number?.integer)
                #expect(try await two.run("runs", "show", "\(id)").output.contains("home      web1"))
                let tries = one.text(of: "output/tries")?.count ?? 0
                try await eventually("more tries") { (one.text(of: "output/tries")?.count ?? 0) > tries + 12 }
                #expect(two.text(of: "output/tries") == nil)
                first.crash()
                try await first.log.untilEnd()
                // Ten minutes go by.
                try server.sql(
                    """
                    update \(schema).homes set seen_at = seen_at - interval '10 minutes' where name = 'web1';
                    update \(schema).runs set lease_until = now() - interval '1 second' where state = 1
                    """
                )
                try await eventually("a try elsewhere", within: .seconds(60)) { two.text(of: "output/tries") != nil }
                try two.write("", to: "output/go")
                _ = try await two.settledRuns()
                #expect(try await two.show(run: id)["home"] == "web2")
                _ = second
            }
        }
        try remove()
    }

    @Test func `scripts beside the rules that differ between instances are warned of, until they are the same`()
        async throws
    {
        let (one, two) = (try instance("web1"), try instance("web2"))
        try one.write("exit 0", to: "rules/scripts/send.sh")
        try two.write("exit 1", to: "rules/scripts/send.sh")
        func scripts(_ wanted: String) async throws {
            try await eventually("scripts that are '\(wanted)'", within: .seconds(30)) {
                try await one.run("instances").output.components(separatedBy: " \(wanted) ").count == 3
            }
        }
        try await one.serve { _ in
            try await two.serve { _ in
                try await scripts("differ")
                let listed = try await two.run("instances", "--json").json
                let hashes = listed.compactMap { $0["scripts"]?.string }
                try #require(Set(hashes).count == 2, "\(listed)")
                let warning = try await one.run("doctor").output
                #expect(warning.contains("are not the same on all instances"), "\(warning)")
                #expect(warning.contains("web2 \(hashes[1].prefix(12))"), "\(warning)")
                try two.write("exit 0", to: "rules/scripts/send.sh")
                try await scripts("same")
                let doctor = try await two.run("doctor").output
                #expect(doctor.contains("the same on 2 instances"), "\(doctor)")
            }
        }
        try remove()
    }

    @Test func `an instance whose store a newer program has upgraded stores callbacks, and says that it leaves them`()
        async throws
    {
        let deployment = try instance("web1")
        try await deployment.serve { server in
            #expect(try await server.send(.GET, "/ready").body.contains("active"))
            try self.server.sql("update \(schema).store set least_program = 999")
            try await eventually("a word of it", within: .seconds(30)) {
                try await server.send(.GET, "/ready").body
                    .contains("a newer version of this program has upgraded the store")
            }
            #expect(try await server.send(.GET, "/ready").status == 200)
            try await server.post(event())
        }
        #expect(try server.sql("select count(*) from \(schema).inbox") == "1")
        try remove()
    }

    @Test func `where the files are shared no run stays with an instance`() async throws {
        let shared = ["COUNTERSIGN_FILES_SHARED": "true"]
        let deployment = try instance("web1", rules: Self.filing, shared)
        try await deployment.serve { server in
            try deployment.write("", to: "output/go")
            try await server.post(event())
            let runs = try await deployment.settledRuns()
            #expect(runs.count == 1 && runs.first?["home"] == nil)
        }
        try remove()
    }
}
