import CountersignCore
import Crypto
import Foundation
import NIOHTTP1
import Testing

/// Polling, against the simulator.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct PollTests {
    private static let rules = """
        rules:
          - id: all
            when: { event: "*" }
            then:
              - file: { path: seen.txt, mode: append, content: "${event.packageId} ${event.name}" }
        """

    private static let filing = """
          - id: file
            when: { event: PACKAGE_COMPLETE }
            then:
              - onespan.download: "${event.packageId}.zip"
              - file: { path: sums.txt, mode: append, content: "${event.packageId} ${steps.download.sha256}" }
        """

    private static let states = ["PACKAGE_ACTIVATE", "PACKAGE_COMPLETE"]

    private func register(_ deployment: Deployment, _ server: RunningServer) async throws {
        let outcome = try await deployment.run("register", "--url", server.url, "--yes")
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
    }

    @Test func `a page of the simulator's list begins and ends where numbers do`() async throws {
        try await Simulator.run { simulator in
            let package = try await simulator.makePackage()
            for (query, ids) in [
                ("from=1&to=9223372036854775807", [package]), ("from=9223372036854775807", []), ("from=0", []),
                ("from=2", []), ("from=1&to=-9223372036854775808", [package]),
            ] {
                let page = try await simulator.send(.GET, "/api/packages?\(query)")
                #expect(page["results"]?.array?.compactMap { $0["id"]?.string } == ids, "\(query)")
            }
        }
    }

    @Test func `a callback that was lost is recovered once, and its late callback is no second event`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            try await deployment.serve { server in
                try await register(deployment, server)
                try await simulator.set(["lose_every": 1])
                let package = try await simulator.makePackage()
                try await simulator.act("opt-out", on: package, ["reason": "I sign on paper"])
                #expect(try await deployment.list("events").isEmpty)

                let dry = try await deployment.run("poll", "--once", "--dry-run")
                #expect(dry.status == .exited(0), "\(dry.errors)")
                #expect(dry.output.contains("PACKAGE_OPT_OUT") && dry.output.contains("would be recovered"))
                #expect(try await deployment.list("events").isEmpty)

                let poll = try await deployment.run("poll", "--once", "--json")
                #expect(poll.status == .exited(0), "\(poll.errors)")
                #expect(try poll.json.first?["recovered"]?.array?.count == 2)
                let runs = try await deployment.settledRuns(events: 2)
                #expect(runs.count == 2)
                let events = try await deployment.list("events")
                #expect(Set(events.map { $0["name"]?.string }) == ["PACKAGE_ACTIVATE", "PACKAGE_OPT_OUT"])
                #expect(events.allSatisfy { $0["origin"] == "poll" })
                let optOut = events.first { $0["name"] == "PACKAGE_OPT_OUT" }
                #expect(optOut?["payload"]?["message"] == "I sign on paper", "\(optOut ?? .null)")

                let second = try await deployment.run("poll", "--once")
                #expect(
                    second.output.contains("no missing events found"),
                    "\(second.output)"
                )
                let answer = try await server.post(
                    event("PACKAGE_OPT_OUT", package: package, message: "I sign on paper")
                )
                #expect(answer.status == 200)
                #expect(try answer.json["status"] == "duplicate", "\(answer.body)")
                let state = try await deployment.run("poll")
                #expect(state.output.contains("Events recovered    2"), "\(state.output)")
            }
        }
    }

    @Test func `without a server a poll writes the store itself, and the next start acts on it`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            try await deployment.serve { _ in }
            try await simulator.makePackage()
            let poll = try await deployment.run("poll", "--once", "--since", "1d")
            #expect(poll.status == .exited(0), "\(poll.errors)")
            #expect(poll.output.contains("next start"))
            try await deployment.serve { _ in _ = try await deployment.settledRuns() }
            #expect(deployment.text(of: "output/seen.txt")?.contains("PACKAGE_ACTIVATE") == true)
        }
    }

    @Test(arguments: ["sdk", "last_updated"])
    func `the server polls by itself, with either style of dates, and through what passes`(dates: String) async throws {
        try await Simulator.run("--busy-every", "3") { simulator in
            for number in 1...120 { try await make(number, in: simulator) }
            let more = "  date_parameters: \(dates)\n  poll: { every: 6h }"
            let deployment = try simulator.deployment(rules: Self.rules, more)
            let (_, log) = try await deployment.serve { server in
                _ = try await server.log.line(with: "msg=\"Poll finished\"")
                _ = try await deployment.settledRuns(events: 0)
            }
            // The first poll looks back an hour and finds all of them.
            #expect(log.text.contains("packages=120"), "\(log.text.suffix(400))")
        }
    }

    private func make(_ number: Int, in simulator: Simulator) async throws {
        // Some requests are refused.
        for _ in 1...2 {
            let answer = try await simulator.send(.POST, "/api/packages", ["name": .string("Lease \(number)")])
            if answer["id"] != nil { return }
        }
    }

    /// Whether there are as many runs, and all have succeeded.
    private func succeeded(_ count: Int, in deployment: Deployment) async throws -> Bool {
        let runs = try await deployment.list("runs", "--limit", "10000")
        return runs.count == count && runs.allSatisfy { $0["state"] == "succeeded" }
    }

    @Test func `a killed poll is taken up again`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules, "  poll: { every: 6h }")
            for number in 1...150 { try await simulator.makePackage(["name": .string("\(number)"), "status": "SENT"]) }
            try await simulator.set(["answer_after": "1s"])
            _ = try? await deployment.serve { server in
                _ = try await server.log.line(with: "Event without a callback recovered")
                server.crash()
            }
            let state = try await deployment.run("poll")
            #expect(state.output.contains("No poll has finished"))
            try await simulator.set(["answer_after": "0s"])
            try await deployment.serve { server in
                _ = try await server.log.line(with: "msg=\"Poll finished\"")
                try await eventually("rest") { try await succeeded(150, in: deployment) }
            }
            let lines = deployment.text(of: "output/seen.txt")?.split(separator: "\n") ?? []
            #expect(lines.count == 150 && Set(lines).count == 150)
        }
    }

    @Test func `of 200 packages, with callbacks lost, doubled and swapped, each state is reported once`() async throws {
        try await Simulator.run("--lose-every", "10", "--double-every", "9", "--swap-every", "7") { simulator in
            let deployment = try simulator.deployment(rules: Self.rules + "\n" + Self.filing)
            try await deployment.serve { server in
                try await register(deployment, server)
                var packages: Set<String> = []
                for number in 1...200 {
                    let package = try await simulator.makePackage(["name": .string("\(number)"), "status": "SENT"])
                    packages.insert(package)
                    try await simulator.act("sign", on: package)
                }
                try await simulator.settle()
                let poll = try await deployment.run("poll", "--once", "--json")
                #expect(poll.status == .exited(0), "\(poll.errors)")
                let recovered = try poll.json.first?["recovered"]?.array?.count ?? 0
                #expect(recovered > 10)
                try await eventually("rest") {
                    let count = try await deployment.list("events", "--limit", "10000").count
                    return try await succeeded(count + 200, in: deployment)
                }
                let lines = deployment.text(of: "output/seen.txt")?.split(separator: "\n").map(String.init) ?? []
                let wanted = packages.flatMap { package in Self.states.map { "\(package) \($0)" } }
                let told = lines.filter { line in Self.states.contains { line.hasSuffix($0) } }
                #expect(told.count == 400 && Set(told) == Set(wanted))
                let sums = deployment.text(of: "output/sums.txt")?.split(separator: "\n") ?? []
                #expect(sums.count == 200)
                for sum in sums {
                    let words = sum.split(separator: " ").map(String.init)
                    #expect(try await simulator.digest("documents", of: words[0]) == words[1])
                    let file = deployment.path("output/\(words[0]).zip")
                    let bytes = try Data(contentsOf: URL(filePath: file))
                    #expect(SHA256.hash(data: bytes).hex == words[1])
                }
            }
        }
    }

    @Test func `the simulator loses the callbacks of an event that is named, and a poll recovers those`() async throws {
        try await Simulator.run("--lose", "PACKAGE_COMPLETE") { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            try await deployment.serve { server in
                try await register(deployment, server)
                try await simulator.act("sign", on: simulator.makePackage())
                try await simulator.settle()
                let sent = try await deployment.list("events")
                #expect(!sent.isEmpty && !sent.contains { $0["name"] == "PACKAGE_COMPLETE" })
                let poll = try await deployment.run("poll", "--once")
                #expect(poll.status == .exited(0), "\(poll.errors)")
                let recovered = try await deployment.list("events").filter { $0["origin"] == "poll" }
                #expect(recovered.map { $0["name"] } == ["PACKAGE_COMPLETE"])
            }
        }
    }

    @Test func `silence raises an event that rules act on, without an account`() async throws {
        let rules = "rules: [{ id: quiet, when: { event: X_NO_CALLBACKS }, then: [{ file: quiet.json }] }]"
        let deployment = try Deployment(rules: rules, settings: "onespan: { alert_after: 1s }\n")
        try await deployment.serve { _ in _ = try await deployment.settledRuns() }
        let told = try JSON(parsing: deployment.text(of: "output/quiet.json") ?? "")
        #expect(told["name"] == "X_NO_CALLBACKS" && told["since"]?.string != nil)
    }

    @Test func `an account that cannot be asked is reported, and nothing moves`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            try await deployment.serve { _ in }
            let poll = try await deployment.run(["poll", "--once"], environment: ["ONESPAN_API_KEY": "wrong"])
            #expect(poll.status == .exited(1) && poll.errors.contains("401"), "\(poll.errors)")
            #expect(try await deployment.run("poll").output.contains("No poll has finished"))
            let usage = try await deployment.run("poll", "--dry-run")
            #expect(usage.status == .exited(2) && usage.errors.contains("--once"))
        }
    }
}
