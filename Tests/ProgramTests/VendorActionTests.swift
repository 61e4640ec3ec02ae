import CountersignModel
import Foundation
import NIOHTTP1
import Testing

/// The actions that ask OneSpan Sign, against the sandbox.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct VendorActionTests {
    @Test func `the contract of a completed package is filed, though its files come late`() async throws {
        try await Sandbox.run("--missing-for", "1") { sandbox in
            let rules = try String(contentsOfFile: Repository.path + "/rules/contracts.yaml", encoding: .utf8)
            let deployment = try sandbox.deployment(rules: rules.replacing("first: 5s", with: "first: 1ms"))
            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                let package = try await sandbox.makePackage()
                try await sandbox.act("sign", on: package)
                try await sandbox.settle()
                let runs = try await deployment.settledRuns()
                #expect(runs.map { $0["state"] } == ["succeeded"])
                let run = try await deployment.show(run: 1)
                #expect(run.attempts.prefix(2) == ["documents failed", "documents succeeded"], "\(run.attempts)")
                let folder = "output/contracts/\(package)"
                let manifest = try JSON(parsing: deployment.text(of: "\(folder)/manifest.json") ?? "")
                for (name, file) in [("documents", "documents.zip"), ("evidence", "evidence.pdf")] {
                    let size = try Data(contentsOf: URL(filePath: deployment.path("\(folder)/\(file)"))).count
                    #expect(manifest[name]?["bytes"] == JSON(size))
                    #expect(manifest[name]?["sha256"]?.string == (try await sandbox.digest(name, of: package)))
                }
            }
        }
    }

    @Test func `a locked signer is unlocked and reminded`() async throws {
        try await Sandbox.run { sandbox in
            let rules = """
                rules:
                  - id: locked
                    when: { event: SIGNER_LOCKED }
                    then:
                      - onespan.unlock: Signer1
                      - onespan.remind: { role: Signer1, package: "${event.packageId}" }
                """
            let deployment = try sandbox.deployment(rules: rules)
            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                let package = try await sandbox.makePackage()
                try await sandbox.act("lock", on: package)
                let runs = try await deployment.settledRuns()
                #expect(runs.map { $0["state"] } == ["succeeded"])
                let found = try await sandbox.send(.GET, "/api/packages/\(package.replacing("=", with: "%3D"))")
                #expect(found["roles"]?.array?.first?["locked"] == false)
                let reminders = try await sandbox.state()["reminders"]
                #expect(reminders == [["packageId": .string(package), "role": "Signer1"]])
            }
        }
    }

    @Test func `a package that does not exist fails the run in the vendor's words`() async throws {
        try await Sandbox.run { sandbox in
            let rules = """
                rules:
                  - id: fetch
                    when: { event: "*" }
                    then:
                      - onespan.download: x.zip
                        retry: { attempts: 1 }
                """
            let deployment = try sandbox.deployment(rules: rules)
            try await deployment.serve { server in
                for package in ["nowhere", ".."] {
                    try await server.post(event("PACKAGE_\(package)", package: package))
                }
                _ = try await deployment.settledRuns(events: 2)
            }
            let reasons = try await [1, 2]
                .asyncMap { try await deployment.show(run: $0)["steps"]?.array?.last?["reason"]?.string }
            #expect(reasons[0]?.contains("404 (error.notFound.packageNotFound") == true, "\(reasons)")
            #expect(reasons[1]?.contains("'..' is no id") == true, "\(reasons)")
        }
    }

    @Test func `without an account the run says what to set, and so do doctor and log`() async throws {
        let deployment = try Deployment(
            rules: "rules: [{ id: r, when: { event: '*' }, then: [{ onespan.download: x }] }]"
        )
        let (_, log) = try await deployment.serve { server in
            try await server.post(event())
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["failed"])
            #expect(try await deployment.run("doctor").output.contains("'onespan.url' is not set"))
        }
        #expect(log.text.contains("onespan.url is not set"))
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async throws -> [T] {
        var results: [T] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
