import CountersignCore
import Foundation
import Testing

/// The main job: the seven published callbacks arrive, and the rules of the repository act on them.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct PublishedPayloadTests {
    static let names = [
        "PACKAGE_CREATE", "PACKAGE_ACTIVATE", "DOCUMENT_SIGNED-consent", "DOCUMENT_SIGNED", "SIGNER_COMPLETE",
        "PACKAGE_COMPLETE", "PACKAGE_OPT_OUT",
    ]

    @Test func `the seven published payloads give exactly the runs that the rules say`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            for (index, name) in Self.names.enumerated() {
                let answer = try await server.post(try Repository.payload(name))
                #expect(answer.status == 200)
                #expect(try answer.json == ["event": JSON(index + 1), "status": "stored"])
            }
            let runs = try await deployment.settledRuns(events: 7)
            var expected = Set((1...7).map { Deployment.RunFacts(event: $0, rule: "journal", state: "succeeded") })
            expected.insert(.init(event: 6, rule: "file-completed-package", state: "succeeded"))
            expected.insert(.init(event: 7, rule: "opt-out-alert", state: "succeeded"))
            #expect(Deployment.facts(runs) == expected)
            #expect(runs.count == 9)
        }
    }

    @Test func `the seven published payloads leave exactly the files that the rules say`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            for name in Self.names { try await server.post(try Repository.payload(name)) }
            let runs = try await deployment.settledRuns(events: 7)
            let run = runs.first { $0["rule"]?.string == "file-completed-package" }?["id"]?.number?.integer ?? 0

            let journal = Set(
                deployment.text(of: "output/journal.jsonl")?.split(separator: "\n").map(String.init) ?? []
            )
            let bodies = try Self.names.map { try Repository.payload($0).trimmingCharacters(in: .newlines) }
            #expect(journal == Set(bodies))

            let package = "completed/5n4obeO8jYoPp126Cm-Y3fxdfbo="
            let manifest =
                #"{"package":"5n4obeO8jYoPp126Cm-Y3fxdfbo=","completed":"2018-06-30T20:15:01.038Z","#
                + #""last_signer":"e00696ec-d6f5-4feb-89c5-a5ce002a6c66","run":\#(run)}"# + "\n"
            #expect(deployment.text(of: "output/\(package)/manifest.json") == manifest)

            let path = deployment.path("output/\(package)/manifest.json")
            let list = try #require(deployment.text(of: "output/completed/list.txt"))
            #expect(list.wholeMatch(of: /[0-9a-f]{64}  (.+)\n/)?.1 == path[...])

            let alert =
                "b5381b13-991e-4179-9f9b-d4e1ec9d06bb opted out of J5tyJalzG49hmDho5b9JdG61T7M=: "
                + "the personal info is not correct\n"
            #expect(deployment.text(of: "output/alerts.log") == alert)

            // Hidden is what the file action itself remembers of what it appended.
            let files = try deployment.listing(of: "output").keys.filter { !$0.contains(".countersign-") }
            #expect(
                Set(files) == [
                    "alerts.log", "journal.jsonl", "completed", "completed/list.txt", package,
                    "\(package)/manifest.json",
                ]
            )
        }
    }

    @Test func `what the rules log is in the server's log`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            try await server.post(try Repository.payload("PACKAGE_OPT_OUT"))
            let line = try await server.log.line(with: "level=warning", "opted out of")
            #expect(line.contains("the personal info is not correct"))
            #expect(line.contains("rule.id=opt-out-alert"))
        }
    }
}
