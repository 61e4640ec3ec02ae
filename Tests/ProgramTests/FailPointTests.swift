import CountersignCore
import Foundation
import Testing

/// The program is killed once at each place where one thing is done and the next is not.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct FailPointTests {
    /// Each way to leave something behind: a program, a file that is replaced, a line that is appended.
    private static let rules = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - shell: echo "$COUNTERSIGN_IDEMPOTENCY_KEY" >> keys.txt
              - file: { path: "files/${event.packageId}", content: "${event.packageId}" }
              - id: line
                file: { path: lines.txt, mode: append, content: "${event.packageId}" }
        """

    private static let ofPolls: Set<FailPoint> = [.afterRecovery, .beforeWatermark]
    private static let ofSpool: Set<FailPoint> = [.afterSpooling, .afterDraining]
    private static let ofCopies: Set<FailPoint> = [.whileCopying]
    private static let elsewhere = ofPolls.union(ofSpool).union(ofCopies).union(FailPoint.ofDatabases)

    @Test(arguments: FailPoint.allCases.filter { !elsewhere.contains($0) })
    func `a kill loses no event, repeats no line, and leaves no run behind`(point: FailPoint) async throws {
        let deployment = try Deployment(rules: Self.rules)
        let packages = ["a", "b", "c"]
        var unanswered: [String] = []
        let crashed = try await deployment.serve(environment: ["COUNTERSIGN_FAIL_POINT": point.rawValue]) { server in
            for package in packages {
                // Whoever died at one event is not asked to take another.
                let answer = unanswered.isEmpty ? try? await server.post(Self.body(package)) : nil
                if answer?.status != 200 { unanswered.append(package) }
            }
            try await server.log.untilEnd()
        }
        #expect(crashed.status == .signalled(SIGKILL), "\(point) was never reached")

        try await deployment.serve { server in
            // As somebody does who reads the vendor's failure mail.
            for package in unanswered {
                let answer = try await server.post(Self.body(package))
                #expect(answer.status == 200)
            }
            let runs = try await deployment.settledRuns(events: packages.count)
            #expect(runs.map { $0["state"] } == ["succeeded", "succeeded", "succeeded"])
        }
        #expect(Self.lines(deployment, "lines.txt").sorted() == packages, "each line stands there once")
        #expect(
            Set(Self.lines(deployment, "keys.txt")).count == packages.count,
            "an attempt that is made again has its key"
        )
        for package in packages { #expect(deployment.text(of: "output/files/\(package)") == package) }
        let left = try FileManager.default.contentsOfDirectory(atPath: deployment.path("output/files"))
        #expect(left.sorted() == packages, "no temporary file is left")
    }

    @Test(arguments: ofPolls.sorted { $0.rawValue < $1.rawValue })
    func `a poll that is killed is made again, and recovers each event once`(point: FailPoint) async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            try await deployment.serve { _ in }
            for _ in 1...3 { try await simulator.makePackage() }
            let crashed = try await deployment.run(
                ["poll", "--once"],
                environment: ["COUNTERSIGN_FAIL_POINT": point.rawValue]
            )
            #expect(crashed.status == .signalled(SIGKILL), "\(point) was never reached")
            #expect(try await deployment.run("poll").output.contains("No poll has finished"))
            let again = try await deployment.run("poll", "--once")
            #expect(again.status == .exited(0), "\(again.errors)")
            let events = try await deployment.list("events")
            #expect(events.count == 3 && Set(events.map { $0["payload"]?["packageId"] }).count == 3)
        }
    }

    private static func body(_ package: String) -> String { event(package: package) }

    private static func lines(_ deployment: Deployment, _ name: String) -> [String] {
        deployment.text(of: "output/\(name)")?.split(separator: "\n").map(String.init) ?? []
    }
}
