import CountersignModel
import Foundation
import Testing

/// `countersign doctor`, against real deployments.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct DoctorTests {
    private func finding(_ subject: String, _ outcome: Deployment.Outcome) throws -> JSON? {
        try JSON(parsing: outcome.output).array?.first { $0["subject"]?.string == subject }
    }

    @Test func `a running deployment is well, and its pragmas are those of the connection that writes`() async throws {
        let deployment = try Deployment(rules: nil)
        let (status, _) = try await deployment.serve { _ in
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(0), "\(outcome.output)")
            let sqlite = try finding("sqlite", outcome)?["text"]?.string ?? ""
            #expect(sqlite.contains("journal_mode wal") && sqlite.contains("synchronous 2"))
            #expect(try finding("server", outcome)?["verdict"] == "ok")
            #expect(!outcome.output.contains(Deployment.key))
            let table = try await deployment.run("doctor")
            #expect(table.output.contains("callback key") && table.output.contains("COUNTERSIGN_CALLBACK_KEY"))
        }
        #expect(status == .exited(0))
    }

    @Test func `without a server the store is looked at all the same`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        let outcome = try await deployment.run("doctor", "--json")
        #expect(outcome.status == .exited(0), "\(outcome.output)")
        #expect(try finding("server", outcome)?["verdict"] == "warning")
        #expect(try finding("sqlite", outcome)?["verdict"] == "ok")
    }

    @Test func `a store that others may read is a promise that is not kept`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        let (status, _) = try await deployment.serve { _ in
            chmod(deployment.path("countersign.db"), 0o644)
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(1))
            let verdicts = try JSON(parsing: outcome.output).array?.filter { $0["verdict"] == "FAIL" }
            #expect(verdicts?.map { $0["subject"] } == ["store"], "\(outcome.output)")
        }
        #expect(status == .exited(0))
    }

    @Test func `rules that the server refused are told`() async throws {
        let deployment = try Deployment(rules: nil)
        let (status, _) = try await deployment.serve { server in
            try deployment.write("- id: [", to: "rules/wrong.yaml")
            _ = try await server.log.line(with: "refused")
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(1))
            #expect(try finding("rules", outcome)?["verdict"] == "FAIL")
        }
        #expect(status == .exited(0))
    }

    @Test func `a missing key is told`() async throws {
        let deployment = try Deployment(rules: nil, environment: ["COUNTERSIGN_CALLBACK_KEY": ""])
        let outcome = try await deployment.run("doctor", "--json")
        #expect(outcome.status == .exited(1))
        #expect(try finding("callback key", outcome)?["verdict"] == "FAIL")
    }
}
