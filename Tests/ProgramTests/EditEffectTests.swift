import CountersignCore
import Foundation
import Testing

/// `check`, `diff` and the log tell what becomes of what is open when rules are edited.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EditEffectTests {
    private static let token = "0123456789abcdef0123456789abcdef"

    private static let rules = """
        rules:
          - id: chase
            when: { event: PACKAGE_ACTIVATE }
            after: [3d, 5d]
            then: [{ log: "${event.packageId}" }]
          - id: declines
            when: { event: PACKAGE_DECLINE }
            digest: { within: 1h }
            then: [{ log: "${digest.count}" }]
        """

    /// `chase` has another shape, and `declines` is gone.
    private static let edited = """
        rules:
          - id: chase
            when: { event: PACKAGE_ACTIVATE }
            after: [4d]
            then: [{ log: "${event.packageId}" }]
        """

    private static let chase =
        "the shape of rule 'chase' is edited: 4 timers are open: 2 stay, 2 no longer match"
    private static let declines =
        "rule 'declines' is removed: 1 digest is open; what becomes due runs nothing, unless the rule is back by then"

    private func body(_ name: String, package: String) -> String {
        JSON.object(["name": .string(name), "packageId": .string(package)]).text
    }

    @Test func `an edit is announced by check and diff, from here and elsewhere, and told by the log`() async throws {
        let environment = AdminClient.onFreePort.merging(["COUNTERSIGN_ADMIN_TOKEN": Self.token]) { $1 }
        let deployment = try Deployment(rules: Self.rules, environment: environment)
        try await deployment.serve { server in
            for package in ["A", "B"] { try await server.post(body("PACKAGE_ACTIVATE", package: package)) }
            try await server.post(body("PACKAGE_DECLINE", package: "C"))
            _ = try await eventually("what is pending") { try await deployment.list("pending").count == 5 ? true : nil }
            try deployment.write(Self.edited, to: "edited/rules.yaml")
            // Rules of a folder may be meant for another deployment.
            let plain = try await deployment.run("check", "edited")
            #expect(!plain.output.contains("notice"), "\(plain)")
            let here = try await deployment.run("check", "--strict", "--store", "sqlite:countersign.db", "edited")
            #expect(here.status == .exited(0))
            #expect(here.output.contains("edited/rules.yaml:2:1: notice: \(Self.chase) [open-state]"), "\(here)")
            #expect(here.output.contains("edited:1:1: notice: \(Self.declines) [open-state]\n"), "\(here)")
            #expect(here.output.hasSuffix("1 file is valid\n"))
            let admin = try await AdminClient(server)
            let elsewhere = ["--server", admin.url]
            let token = ["COUNTERSIGN_TOKEN": Self.token]
            let there = try await deployment.run(["check", "--json", "edited"] + elsewhere, environment: token)
            let findings = try JSON(parsing: there.output).array ?? []
            #expect(Set(findings.compactMap { $0["message"]?.string }) == [Self.chase, Self.declines], "\(there)")
            for arguments in [[], elsewhere] {
                let diff = try await deployment.run(["diff", "rules", "edited"] + arguments, environment: token)
                #expect(diff.output.contains("Open now:\n  \(Self.chase)\n  \(Self.declines)\n"), "\(diff)")
            }
            try deployment.write(Self.edited, to: "rules/rules.yaml")
            let log = try await server.log.line(with: "msg=\"Open state follows the edited rule\"", "rule.id=chase")
            #expect(log.contains("timers=4") && log.contains("timers.staying=2") && log.contains("timers.closing=2"))
            let removed = try await server.log.line(with: "msg=\"Open state of a rule that is not active\"")
            #expect(removed.contains("rule.id=declines") && removed.contains("digests=1"), "\(removed)")
        }
    }
}
