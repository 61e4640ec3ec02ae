import CountersignCore
import Foundation
import NIOHTTP1
import Testing

/// The actions that ask OneSpan Sign, against the simulator.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct VendorActionTests {
    @Test func `the contract of a completed package is filed, though its files come late`() async throws {
        try await Simulator.run("--missing-for", "1") { simulator in
            let rules = try String(contentsOfFile: Repository.path + "/rules/contracts.yaml", encoding: .utf8)
            let deployment = try simulator.deployment(rules: rules.replacing("first: 5s", with: "first: 1ms"))
            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                let package = try await simulator.makePackage()
                try await simulator.act("sign", on: package)
                try await simulator.settle()
                let runs = try await deployment.settledRuns()
                #expect(runs.map { $0["state"] } == ["succeeded"])
                let run = try await deployment.show(run: 1)
                #expect(run.attempts.prefix(2) == ["documents failed", "documents succeeded"], "\(run.attempts)")
                let folder = "output/contracts/\(package)"
                let manifest = try JSON(parsing: deployment.text(of: "\(folder)/manifest.json") ?? "")
                for (name, file) in [("documents", "documents.zip"), ("evidence", "evidence.pdf")] {
                    let size = try Data(contentsOf: URL(filePath: deployment.path("\(folder)/\(file)"))).count
                    #expect(manifest[name]?["bytes"] == JSON(size))
                    #expect(manifest[name]?["sha256"]?.string == (try await simulator.digest(name, of: package)))
                }
            }
        }
    }

    @Test func `a locked signer is unlocked and reminded`() async throws {
        try await Simulator.run { simulator in
            let rules = """
                rules:
                  - id: locked
                    when: { event: SIGNER_LOCKED }
                    then:
                      - onespan.unlock: Signer1
                      - onespan.remind: { role: Signer1, package: "${event.packageId}" }
                """
            let deployment = try simulator.deployment(rules: rules)
            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                let package = try await simulator.makePackage()
                try await simulator.act("lock", on: package)
                let runs = try await deployment.settledRuns()
                #expect(runs.map { $0["state"] } == ["succeeded"])
                let found = try await simulator.send(.GET, "/api/packages/\(package.replacing("=", with: "%3D"))")
                #expect(found["roles"]?.array?.first?["locked"] == false)
                let reminders = try await simulator.state()["reminders"]
                #expect(reminders == [["packageId": .string(package), "role": "Signer1"]])
            }
        }
    }

    @Test func `those who have not signed are reminded, and nobody once all have`() async throws {
        try await Simulator.run { simulator in
            let rules = """
                rules:
                  - id: chase
                    when: { event: [PACKAGE_ACTIVATE, SIGNER_COMPLETE] }
                    then: [ { onespan.remind: {} } ]
                """
            let deployment = try simulator.deployment(rules: rules)
            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                let package = try await simulator.makePackage()
                _ = try await deployment.settledRuns()
                try await simulator.act("sign", on: package)
                try await simulator.settle()
                let runs = try await deployment.settledRuns(events: 2)
                #expect(runs.allSatisfy { $0["state"] == "succeeded" }, "\(runs)")
                let reminders = try await simulator.state()["reminders"]
                #expect(reminders == [["packageId": .string(package), "role": "Signer1"]])
            }
        }
    }

    @Test func `rules match by the package and use it, in a dry run from a file`() async throws {
        try await Simulator.run { simulator in
            let rules = """
                rules:
                  - id: leases
                    when: { event: PACKAGE_OPT_OUT, package.name: { prefix: Lease } }
                    then:
                      - file: { path: told.txt, mode: append, content: "${package.name} ${signer.email} ${package.data.erp}" }
                  - id: loans
                    when: { event: PACKAGE_OPT_OUT, package.name: { prefix: Loan } }
                    then: [{ log: never }]
                tests:
                  - name: a lease is reported
                    send:
                      - payload: { name: PACKAGE_OPT_OUT, packageId: A, sessionUser: u }
                        package: { name: Lease 1, roles: [{ id: R, signers: [{ id: u, email: a@example.com }] }] }
                    expect: [{ rule: leases, steps: [{ id: file, plan: { content: { contains: "Lease 1 a@example.com" } } }] }]
                    expect_none: [loans]
                """
            let deployment = try simulator.deployment(rules: rules)
            let tested = try await deployment.run("test")
            #expect(tested.status == .exited(0), "\(tested.output)\(tested.errors)")
            let open = try await deployment.run("dry-run", "PACKAGE_OPT_OUT")
            #expect(
                open.output.contains("leases may match") && open.output.contains("‹package.name›"),
                "\(open.output)"
            )
            try deployment.write(#"{"name": "Loan 7"}"#, to: "package.json")
            let known = try await deployment.run("dry-run", "PACKAGE_OPT_OUT", "--package", "package.json")
            #expect(known.output.contains("- leases does not match") && known.output.contains("+ loans matches"))

            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                let package = try await simulator.makePackage([
                    "name": "Lease 5", "status": "SENT", "data": ["erp": "E-9"],
                ])
                try await simulator.act("opt-out", on: package)
                try await eventually("the alert") {
                    deployment.text(of: "output/told.txt") == "Lease 5 signer1@example.com E-9\n"
                }
                let runs = try await deployment.settledRuns()
                #expect(runs.map { $0["rule"] } == ["leases"])
                let explained = try await deployment.run("explain", "1")
                #expect(
                    explained.output.contains("+ leases matched") && explained.output.contains("- loans did not match")
                )
                #expect(explained.output.contains("\"Lease 5\""), "\(explained.output)")
            }
        }
    }

    @Test func `a package that does not exist fails the run in the vendor's words`() async throws {
        try await Simulator.run { simulator in
            let rules = """
                rules:
                  - id: fetch
                    when: { event: PACKAGE_* }
                    then:
                      - onespan.download: x.zip
                        retry: { attempts: 1 }
                """
            let deployment = try simulator.deployment(rules: rules)
            try await deployment.serve { server in
                for package in ["nowhere", ".."] {
                    try await server.post(event("PACKAGE_\(package)", package: package))
                }
                _ = try await deployment.settledRuns(events: 2)
            }
            let reasons = try await [1, 2]
                .asyncMap { try await deployment.show(run: $0)["steps"]?.array?.last?["reason"]?.string }
            #expect(reasons[0]?.contains("404 (error.notFound.packageNotFound") == true, "\(reasons)")
            #expect(reasons[1]?.contains("'..' is not a valid id") == true, "\(reasons)")
        }
    }

    @Test func `without an account the run says what to set, and so do doctor and log`() async throws {
        let deployment = try Deployment(
            rules: "rules: [{ id: r, when: { event: PACKAGE_COMPLETE }, then: [{ onespan.download: x }] }]"
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
