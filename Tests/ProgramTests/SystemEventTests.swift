import CountersignCore
import Foundation
import Testing

/// What goes wrong in the program itself becomes an event on which rules act.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SystemEventTests {
    /// A rule that keeps each event of a name in a file of that name, one line each.
    private static func keeping(_ names: String...) -> String {
        "rules:\n"
            + names.map { name in
                """
                  - id: \(name.lowercased().replacing("_", with: "-"))
                    when: { event: \(name) }
                    then: [{ file: { path: \(name), mode: append } }]

                """
            }
            .joined()
    }

    private static let failing = """
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - id: first
                log: first
              - id: erp
                shell: echo no luck >&2; exit 1
                retry: { attempts: 1 }
        """

    /// The events that the rule for `name` has kept.
    private func told(_ name: String, in deployment: Deployment) throws -> [JSON] {
        try (deployment.text(of: "output/\(name)") ?? "").split(separator: "\n").map { try JSON(parsing: String($0)) }
    }

    private func firstTold(_ name: String, in deployment: Deployment) async throws -> JSON {
        try await eventually(name) { try told(name, in: deployment).first }
    }

    @Test func `a run that fails for good is reported with the step and the reason, and an alert that fails is not`()
        async throws
    {
        let rules = Self.keeping("X_RUN_FAILED") + Self.failing
        let alert =
            "\n  - { id: alert, when: { event: X_RUN_FAILED }, then: [{ shell: exit 1, retry: { attempts: 1 } }] }"
        let deployment = try Deployment(rules: rules + alert)
        try await deployment.serve { server in
            try await server.post(event(package: "P1"))
            try await eventually("rest") {
                let runs = try await deployment.list("runs")
                return runs.count == 3 && runs.allSatisfy { ["succeeded", "failed"].contains($0["state"]?.string) }
            }
            #expect(try await deployment.list("events").map { $0["name"] } == ["X_RUN_FAILED", "PACKAGE_COMPLETE"])
        }
        let told = try told("X_RUN_FAILED", in: deployment)
        #expect(told.count == 1)
        #expect(told.first?["step"] == "erp" && told.first?["rule"] == "chain" && told.first?["packageId"] == "P1")
        #expect(told.first?["reason"]?.string?.contains("no luck") == true, "\(told)")
    }

    @Test(arguments: ["after-step", "after-release", "before-dispatch", "after-dispatch", "after-claim"])
    func `a kill around the end of a run neither loses nor doubles its event`(point: String) async throws {
        let deployment = try Deployment(rules: Self.keeping("X_RUN_FAILED") + Self.failing)
        let (status, _) = try await deployment.serve(environment: ["COUNTERSIGN_FAIL_POINT": point]) { server in
            // Whether it is answered depends on when the kill comes.
            _ = try? await server.post(event())
            try await server.log.untilEnd()
        }
        #expect(status == .signalled(SIGKILL))
        try await deployment.serve { _ in _ = try await firstTold("X_RUN_FAILED", in: deployment) }
        let runs = try await deployment.list("runs").map { "\($0["rule"]?.string ?? "") \($0["state"]?.string ?? "")" }
        #expect(Set(runs).isSuperset(of: ["chain failed"]) && runs.count == 2)
        #expect(try await deployment.list("events").count { $0["name"] == "X_RUN_FAILED" } == 1)
    }

    @Test func `rules that are refused are reported once, over restarts too, and so is their recovery`() async throws {
        let good = Self.keeping("X_RULES_REFUSED", "X_RULES_RECOVERED")
        let deployment = try Deployment(rules: good)
        try await deployment.serve { _ in
            try deployment.write("rules: [{ id: wrong, wen: { event: X_Y } }]", to: "rules/wrong.yaml")
            let refused = try await firstTold("X_RULES_REFUSED", in: deployment)
            #expect(refused["first"]?.string?.contains("wrong.yaml:1:") == true, "\(refused)")
            #expect((refused["count"]?.number?.integer ?? 0) >= 1)
        }
        // The start goes by the last active rules.
        try await deployment.serve { server in
            _ = try await server.log.line(with: "Rules refused at start")
            try FileManager.default.removeItem(atPath: deployment.path("rules/wrong.yaml"))
            let recovered = try await firstTold("X_RULES_RECOVERED", in: deployment)
            #expect(recovered["since"]?.string != nil)
        }
        #expect(try told("X_RULES_REFUSED", in: deployment).count == 1)
        #expect(try told("X_RULES_RECOVERED", in: deployment).count == 1)
    }

    @Test func `a disk with little room is reported once until it has more`() async throws {
        let deployment = try Deployment(rules: Self.keeping("X_DISK_LOW", "X_DISK_RECOVERED"))
        for _ in 1...2 {
            try await deployment.serve(environment: ["COUNTERSIGN_DISK_MIN_FREE": "1000TiB"]) { _ in
                let low = try await firstTold("X_DISK_LOW", in: deployment)
                #expect(low["holds"] == "store and output" && low["threshold"] == "1000TiB", "\(low)")
            }
        }
        try await deployment.serve(environment: ["COUNTERSIGN_DISK_MIN_FREE": "1MiB"]) { _ in
            _ = try await firstTold("X_DISK_RECOVERED", in: deployment)
        }
        #expect(try told("X_DISK_LOW", in: deployment).count == 1)
    }
}
