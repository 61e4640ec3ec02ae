import CountersignCore
import Testing

/// `countersign ingest`: what did not arrive by callback is handed in.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct IngestTests {
    private static let rules = """
        rules:
          - id: all
            when: { event: "*" }
            then:
              - file: { path: seen.txt, mode: append, content: "${event.name}\\n" }
        """

    private func mail(_ bodies: String...) -> String {
        """
        From: notifications@example.com
        Subject: Callback failure
        Content-Type: text/plain

        The callback was not taken:

        \(bodies.joined(separator: "\n\n"))
        """
    }

    @Test func `a failure mail is stored through the running server and evaluated like any other event`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE"))
            let text = mail(event("PACKAGE_COMPLETE"), event("PACKAGE_OPT_OUT"))
            let outcome = try await deployment.run("ingest", "-", input: text)
            #expect(outcome.status == .exited(0), "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.first?.hasSuffix("is already stored as event 1") == true)
            #expect(lines.last?.hasSuffix("stored as event 2") == true)
            _ = try await deployment.settledRuns(events: 2)
        }
        let origins = try await deployment.list("events").map { $0["origin"]?.string }
        #expect(origins == ["manual", "callback"])
        #expect(deployment.text(of: "output/seen.txt") == "PACKAGE_COMPLETE\nPACKAGE_OPT_OUT\n")
    }

    @Test func `without a server the store is written directly, and acted upon at the next start`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { _ in }
        try deployment.write(mail(event("PACKAGE_DECLINE")), to: "failure.eml")
        let outcome = try await deployment.run("ingest", "--json", "failure.eml")
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        #expect(try outcome.json.first?["event"] == 1)
        #expect(try outcome.json.first?["duplicate"] == false)
        try await deployment.serve { _ in _ = try await deployment.settledRuns() }
        #expect(deployment.text(of: "output/seen.txt") == "PACKAGE_DECLINE\n")
    }

    @Test func `a dry run shows what it finds and stores nothing`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let outcome = try await deployment.run("ingest", "--dry-run", "-", input: mail(event("PACKAGE_DECLINE")))
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("PACKAGE_DECLINE  p-1  "))
        #expect(deployment.text(of: "countersign.db") == nil)
    }

    @Test func `what cannot be read is reported with its line, and the rest is stored`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { _ in
            let text = "\(event("PACKAGE_DECLINE"))\n{\"packageId\": \"p-2\", \"name\": }\n"
            let outcome = try await deployment.run("ingest", "-", input: text)
            #expect(outcome.status == .exited(1))
            #expect(outcome.output.contains("stored as event 1"))
            #expect(outcome.errors.contains("-: line 2: the body is not valid JSON"))
        }
    }

    @Test func `a mail without an event ends with 1 and says what is missing`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let outcome = try await deployment.run("ingest", "-", input: mail("no body"))
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("it contains no event"))
    }

    @Test func `a file that is not there ends with 1 and its name`() async throws {
        let outcome = try await Deployment(rules: Self.rules).run("ingest", "gone.eml")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("'gone.eml' cannot be read"))
    }
}
