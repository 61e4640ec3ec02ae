import CountersignCore
import CountersignTesting
import Foundation
import NIOHTTP1
import Testing

/// Several accounts in one deployment.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct AccountTests {
    private static let rules = """
        rules:
          - id: prod-only
            when: { account: prod, event: PACKAGE_COMPLETE }
            then:
              - file: { path: prod.txt, mode: append, content: "${event.account} ${event.packageId}" }
          - id: each-once
            when: { event: PACKAGE_COMPLETE }
            throttle: { limit: 1, within: 1d, per: packageId }
            then:
              - file: { path: each.txt, mode: append, content: "${event.account} ${event.packageId}" }
        """

    private static let settings = """
        accounts:
          prod:
            callback: { key_file: prod.key }
          trial:
            callback: { path: /hooks/trial, auth: [{ header: { name: X-Env, value: "${secret:ENV_NAME}" } }] }
        """

    private func deployment(_ settings: String = settings) throws -> Deployment {
        let deployment = try Deployment(
            rules: Self.rules,
            settings: settings,
            environment: ["COUNTERSIGN_CALLBACK_KEY": "", "ENV_NAME": "shared", "ENV_NAME_TRIAL": "of-trial"]
        )
        try deployment.write("prod-key\n", to: "prod.key", mode: 0o600)
        return deployment
    }

    private func post(
        _ server: RunningServer,
        _ path: String,
        key: String?,
        _ fields: [(String, String)] = []
    ) async throws -> Int {
        try await server.send(.POST, path, body: event(), key: key, fields: fields).status
    }

    @Test func `two accounts with the same package are kept apart`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            let trial = [("X-Env", "of-trial")]
            #expect(try await post(server, "/callback/prod", key: "prod-key") == 200)
            #expect(try await post(server, "/hooks/trial", key: nil, trial) == 200)
            // The same callbacks once more are duplicates, each of its own account.
            #expect(try await post(server, "/callback/prod", key: "prod-key") == 200)
            #expect(try await post(server, "/hooks/trial", key: nil, trial) == 200)
            // A key or a header of one account is none of another.
            #expect(try await post(server, "/hooks/trial", key: "prod-key") == 403)
            #expect(try await post(server, "/callback/prod", key: nil, trial) == 401)
            #expect(try await post(server, "/callback", key: "prod-key") == 404)
            _ = try await deployment.settledRuns(events: 2)
            let events = try await deployment.list("events")
            #expect(events.compactMap { $0["account"]?.string }.sorted() == ["prod", "trial"])
            #expect(events.allSatisfy { $0["duplicates"] == 1 })
            #expect(try deployment.lines(of: "prod.txt") == ["prod p-1"])
            #expect(Set(try deployment.lines(of: "each.txt")) == ["prod p-1", "trial p-1"])
            #expect(try await deployment.list("events", "--account", "trial").count == 1)
            #expect(try await deployment.list("runs", "--account", "prod").count == 2)
            let packages = try await deployment.list("packages").compactMap { $0["id"]?.string }
            #expect(packages.sorted() == ["prod/p-1", "trial/p-1"])
            let shown = try await deployment.run("packages", "show", "trial/p-1", "--json")
            #expect(shown.status == .exited(0), "\(shown.errors)")
            #expect(try JSON(parsing: shown.output)["events"]?.array?.count == 1)
        }
    }

    @Test func `what a failed run raises belongs to the account of its event`() async throws {
        let deployment = try Deployment(
            rules: """
                rules:
                  - id: fails
                    when: { account: prod, event: PACKAGE_COMPLETE }
                    then: [{ shell: exit 3, retry: { attempts: 1 } }]
                  - id: tell
                    when: { account: prod, event: X_RUN_FAILED }
                    then: [{ file: { path: told.txt, mode: append, content: "${event.account} ${event.packageId}" } }]
                """,
            settings: Self.settings,
            environment: ["COUNTERSIGN_CALLBACK_KEY": "", "ENV_NAME": "shared"]
        )
        try deployment.write("prod-key\n", to: "prod.key", mode: 0o600)
        try await deployment.serve { server in
            #expect(try await post(server, "/callback/prod", key: "prod-key") == 200)
            _ = try await deployment.settledRuns(events: 1)
            #expect(try deployment.lines(of: "told.txt") == ["prod p-1"])
            let shown = try await deployment.run("packages", "show", "prod/p-1", "--json")
            #expect(try JSON(parsing: shown.output)["events"]?.array?.count == 2)
        }
    }

    @Test func `an account can be paused and resumed`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            let unknown = try await deployment.run("pause", "account", "prd")
            #expect(unknown.status != .exited(0) && unknown.errors.contains("did you mean 'prod'?"), "\(unknown)")
            #expect(try await deployment.run("pause", "account", "prod").status == .exited(0))
            #expect(try await post(server, "/callback/prod", key: "prod-key") == 200)
            #expect(try await post(server, "/hooks/trial", key: nil, [("X-Env", "of-trial")]) == 200)
            try await eventually("the run of the other account") {
                try await deployment.list("runs", "--account", "trial").first?["state"] == "succeeded"
            }
            try await eventually("the wait of the paused account") {
                let runs = try await deployment.list("runs", "--account", "prod")
                return runs.count == 2
                    && runs.allSatisfy { $0["wait_reason"]?.string?.contains("the account is paused") == true }
            }
            #expect(try await deployment.run("resume", "account", "prod").status == .exited(0))
            _ = try await deployment.settledRuns(events: 2)
            #expect(try deployment.lines(of: "prod.txt") == ["prod p-1"])
        }
    }

    @Test func `each account has its own API, registration and polling`() async throws {
        try await Simulator.run { one in
            try await Simulator.run { other in
                let deployment = try Deployment(
                    rules: """
                        rules:
                          - id: file
                            when: { event: PACKAGE_ACTIVATE, package.name: { prefix: Lease } }
                            then:
                              - file: { path: seen.txt, mode: append, content: "${event.account} ${package.name}" }
                        """,
                    settings: """
                        accounts:
                          prod: { onespan: { url: "\(one.url)" } }
                          trial: { onespan: { url: "\(other.url)" } }
                        """,
                    environment: ["ONESPAN_API_KEY": "wrong", "ONESPAN_API_KEY_PROD": Simulator.apiKey]
                        .merging(["ONESPAN_API_KEY_TRIAL": Simulator.apiKey]) { $1 }
                )
                try await deployment.serve { server in
                    let which = try await deployment.run("register", "--url", server.url, "--yes")
                    #expect(
                        which.status == .exited(2) && which.errors.contains("add --account with one of prod, trial")
                    )
                    for account in ["prod", "trial"] {
                        let url = "\(server.url)/\(account)"
                        let outcome = try await deployment.run("register", "--account", account, "--url", url, "--yes")
                        #expect(outcome.status == .exited(0), "\(outcome.errors)")
                        let doctor = try await deployment.run("doctor").output
                        #expect(doctor.contains("registration (\(account))"))
                    }
                    try await one.makePackage(["name": "Lease of one", "status": "SENT"])
                    try await other.makePackage(["name": "Lease of other", "status": "SENT"])
                    _ = try await deployment.settledRuns(events: 2)
                    #expect(Set(try deployment.lines(of: "seen.txt")) == ["prod Lease of one", "trial Lease of other"])

                    try await other.set(["lose_every": 1])
                    try await other.makePackage(["name": "Lease lost", "status": "SENT"])
                    try await other.settle()
                    let none = try await deployment.run("poll", "--account", "prod", "--once", "--since", "1d")
                    #expect(none.status == .exited(0) && none.output.contains("no missing events"), "\(none)")
                    let found = try await deployment.run("poll", "--account", "trial", "--once", "--since", "1d")
                    #expect(found.status == .exited(0) && found.output.contains("recovered as event"), "\(found)")
                    _ = try await deployment.settledRuns(events: 3)
                    #expect(try deployment.lines(of: "seen.txt").last == "trial Lease lost")
                    let states = try await deployment.run("poll", "--account", "prod", "--json").json
                    #expect(states.first?["recovered"] == 0)
                }
            }
        }
    }

    @Test(arguments: [
        ("accounts: { Prod: {} }\n", "use lower-case letters"),
        ("accounts: { prod: {} }\ncallback: { path: /x }\n", "'callback.path' is beside 'accounts'"),
        ("accounts: { prod: {} }\nonespan: { url: \"https://a\" }\n", "'onespan' is beside 'accounts'"),
        (
            "accounts: { a: { callback: { path: /x } }, b: { callback: { path: /x } } }\n",
            "have the same callback path '/x'"
        ),
        ("accounts: { a-b: {}, a_b: {} }\n", "would have the same secrets (NAME_A_B)"),
        ("accounts: { prod: { callback: { pth: /x } } }\n", "did you mean 'path'?"),
        ("accounts: { prod: {} }\n", "set COUNTERSIGN_CALLBACK_KEY_PROD"),
    ])
    func `a wrong account is reported before anything starts`(settings: String, hint: String) async throws {
        let outcome = try await deployment(settings).run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(hint), "\(outcome.errors)")
    }
}

extension Deployment {
    /// The lines of a file in the output folder.
    fileprivate func lines(of name: String) throws -> [String] {
        (text(of: "output/\(name)") ?? "").split(separator: "\n").map(String.init)
    }
}
