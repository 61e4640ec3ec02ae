import Foundation
import Testing

/// `countersign init`: what it writes works as it is.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct InitTests {
    @Test func `what it writes is checked, tested and served as it is`() async throws {
        let deployment = try Deployment(rules: "rules: []", environment: ["COUNTERSIGN_LISTEN": ""])
        try FileManager.default.removeItem(atPath: deployment.path("rules"))
        let outcome = try await deployment.run("init")
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        #expect(outcome.output.contains("wrote  countersign.yaml") && outcome.output.contains("countersign serve"))
        for arguments in [["check", "--strict"], ["test"], ["dry-run", "PACKAGE_COMPLETE"]] {
            let outcome = try await deployment.run(arguments)
            #expect(outcome.status == .exited(0), "\(arguments): \(outcome.output)\(outcome.errors)")
        }
        try await deployment.serve("--listen", "127.0.0.1:0") { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
        }
        #expect(deployment.text(of: "output/completed.jsonl")?.contains("p-1") == true)
    }

    @Test func `every setting that is commented out is one that there is`() async throws {
        let deployment = try Deployment(rules: "rules: []")
        let outcome = try await deployment.run("init", "other")
        #expect(outcome.status == .exited(0) && outcome.output.contains("Next, in other"))
        let text = try #require(deployment.text(of: "other/countersign.yaml"))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let settings = lines.filter { $0.wholeMatch(of: /# ( *)[a-z_]+:( .*)?/) != nil }
        #expect(settings.count > 8)
        let uncommented = lines.map { settings.contains($0) ? String($0.dropFirst(2)) : $0 }
        try deployment.write(uncommented.joined(separator: "\n"), to: "other/all.yaml")
        let loaded = try await deployment.run("events", "list", "--config", "other/all.yaml")
        #expect(loaded.errors.contains("there is no store"), "\(loaded.errors)")
    }

    @Test func `a file where the folder should be is reported in plain words`() async throws {
        let deployment = try Deployment(rules: "rules: []", settings: "listen: 127.0.0.1:9\n")
        let outcome = try await deployment.run("init", "countersign.yaml")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("countersign.yaml' is a file; name a folder"), "\(outcome.errors)")
        let within = try await deployment.run("init", "countersign.yaml/trial")
        #expect(
            within.status == .exited(1) && within.errors.contains("countersign.yaml' is a file"),
            "\(within.errors)"
        )
        #expect(!within.errors.contains("Domain"))
    }

    @Test func `a second time it says again what comes next`() async throws {
        let deployment = try Deployment(rules: "rules: []")
        for _ in 1...2 {
            let outcome = try await deployment.run("init", "trial")
            #expect(outcome.output.contains("Next, in trial:"), "\(outcome.output)")
        }
    }

    @Test func `a file that is there is left as it is`() async throws {
        let deployment = try Deployment(rules: "rules: []", settings: "listen: 127.0.0.1:9\n")
        let outcome = try await deployment.run("init")
        #expect(outcome.output.contains("kept   countersign.yaml"))
        #expect(deployment.text(of: "countersign.yaml") == "listen: 127.0.0.1:9\n")
        #expect(deployment.text(of: "rules/first.yaml") != nil)
    }
}
