import CountersignCore
import Foundation
import Testing

/// Rules that change while the server runs.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ReloadTests {
    private static func rules(_ mark: String) -> String {
        """
        rules:
          - id: mark
            when: { event: "*" }
            then: [{ file: { path: "marks/${event.packageId}", content: \(mark) } }]
        """
    }

    /// What the active rules write for a new event.
    private func mark(_ deployment: Deployment, _ server: RunningServer, package: String) async throws -> String {
        try await server.post(event(package: package))
        return try await eventually("a mark") { deployment.text(of: "output/marks/\(package)") }
    }

    private func sets(_ server: RunningServer) -> Int {
        server.log.lines.count { $0.contains("Rules loaded") }
    }

    enum Writing: CaseIterable {
        case inPlace
        case temporaryAndRename
        case symbolicLink

        func write(_ text: String, _ deployment: Deployment) throws {
            switch self {
            case .inPlace: try Data(text.utf8).write(to: URL(filePath: deployment.path("rules/rules.yaml")))
            case .temporaryAndRename:
                try deployment.write(text, to: "spare.yaml")
                #expect(rename(deployment.path("spare.yaml"), deployment.path("rules/rules.yaml")) == 0)
            case .symbolicLink:
                try deployment.write(text, to: "release-2/rules.yaml")
                #expect(symlink("release-2", deployment.path("next")) == 0)
                #expect(rename(deployment.path("next"), deployment.path("rules")) == 0)
            }
        }
    }

    @Test(arguments: Writing.allCases)
    func `a rule that is edited while the server runs acts on the next event`(_ writing: Writing) async throws {
        let deployment = try Deployment(rules: Self.rules("old"))
        if writing == .symbolicLink {
            #expect(rename(deployment.path("rules"), deployment.path("release-1")) == 0)
            #expect(symlink("release-1", deployment.path("rules")) == 0)
        }
        try await deployment.serve { server in
            #expect(try await mark(deployment, server, package: "p-1") == "old")
            try writing.write(Self.rules("new"), deployment)
            try await eventually("new rules") { sets(server) == 2 }
            #expect(try await mark(deployment, server, package: "p-2") == "new")
        }
    }

    @Test func `SIGHUP has the rules read`() async throws {
        let deployment = try Deployment(rules: Self.rules("old"))
        try await deployment.serve { server in
            try deployment.write(Self.rules("new"), to: "rules/rules.yaml")
            server.hangUp()
            _ = try await server.log.line(with: "SIGHUP")
            try await eventually("new rules") { sets(server) == 2 }
            #expect(try await mark(deployment, server, package: "p-1") == "new")
        }
    }

    @Test func `a set with an error is refused as a whole, and the log says where the error is`() async throws {
        let deployment = try Deployment(rules: Self.rules("old"))
        try await deployment.serve { server in
            try deployment.write(Self.rules("new"), to: "rules/rules.yaml")
            try deployment.write("rules:\n  - id: wrong\n    wen: { event: X_Y }\n", to: "rules/wrong.yaml")
            let line = try await server.log.line(with: "level=error", "wrong.yaml:3:5", "when")
            #expect(line.contains("did you mean"))
            _ = try await server.log.line(with: "level=error", "Rules refused")
            #expect(try await mark(deployment, server, package: "p-1") == "old")
        }
    }

    @Test func `a server that starts on wrong rules goes by those that were active last`() async throws {
        let deployment = try Deployment(rules: Self.rules("old"))
        try await deployment.serve { _ in }
        try deployment.write("rules: [", to: "rules/rules.yaml")
        try await deployment.serve { server in
            #expect(server.log.text.contains("Using the last active rules"))
            let written = try await mark(deployment, server, package: "p-1")
            #expect(written == "old")
        }
    }

    @Test func `what new rules lack is reported when they become active`() async throws {
        let deployment = try Deployment(rules: Self.rules("old"))
        try await deployment.serve { server in
            let rules = """
                rules:
                  - id: needy
                    when: { event: PACKAGE_COMPLETE }
                    then:
                      - email: { to: [ops@example.com], subject: Done, text: It is done. }
                      - chat: { url: "${secret:CHAT_URL}", text: It is done. }
                      - onespan.remind: Signer1
                """
            try deployment.write(rules, to: "rules/rules.yaml")
            _ = try await server.log.line(with: "Secret missing", "CHAT_URL")
            _ = try await server.log.line(with: "Rules send email, but mail.server is not set", "needy")
            _ = try await server.log.line(with: "Rules need OneSpan Sign, but onespan.url is not set", "needy")
            try FileManager.default.removeItem(atPath: deployment.path("rules/rules.yaml"))
            _ = try await server.log.line(with: "There are no rules", deployment.path("rules"))
        }
    }

    @Test func `a first start without a folder of rules says what to do`() async throws {
        let deployment = try Deployment(rules: nil, settings: "rules: nowhere\n")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(1))
        #expect(
            outcome.errors.contains("'\(deployment.path("nowhere"))': no such file or directory; check its permissions")
        )
        #expect(outcome.errors.contains("countersign init"))
    }

    @Test func `a server that has never had right rules refuses to start and shows the finding`() async throws {
        let deployment = try Deployment(rules: "rules:\n  - id: a\n    then: []\n")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("rules.yaml:"))
        #expect(outcome.errors.contains("there are no rules to run"))
    }
}
