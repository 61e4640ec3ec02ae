import Foundation
import Testing

/// What the log says, for people and for programs that read it.
@Suite(.timeLimit(.minutes(1)))
struct LogTests {
    @Test func `a line has an end, whatever a sender makes a rule log`() async throws {
        let rules = """
            rules:
              - id: say
                when: { event: PACKAGE_COMPLETE }
                then:
                  - log: "${event.message}"
            """
        let deployment = try Deployment(rules: rules)
        let (_, log) = try await deployment.serve { server in
            let message = String(repeating: "ü", count: 450_000)
            try await server.post(#"{"name":"PACKAGE_COMPLETE","packageId":"p","message":"\#(message)"}"#)
            _ = try await server.log.line(with: "cut; 900000 bytes in all")
        }
        let line = try #require(log.lines.first { $0.contains("üü") })
        #expect(line.utf8.count < 10_000 && !line.contains("\u{FFFD}"))
    }

    @Test func `a run that fails is one line above debug, with its reason and the number of tries`() async throws {
        let rules = """
            rules:
              - id: fail
                when: { event: PACKAGE_COMPLETE }
                then:
                  - shell: exit 7
                    retry: { attempts: 1 }
              - id: pass
                when: { event: PACKAGE_COMPLETE }
                then:
                  - shell: exit 8
                    retry: { attempts: 1 }
                    continue_on_error: true
            """
        let deployment = try Deployment(rules: rules)
        let (_, log) = try await deployment.serve { server in
            try await server.post(event())
            _ = try await server.log.line(with: "Run failed")
            _ = try await server.log.line(with: "Step failed for good", "pass")
        }
        let told = log.lines.filter { $0.contains("rule.id=fail") && !$0.contains("level=debug") }
        #expect(told.count == 1 && told[0].contains("msg=\"Run failed\""), "\(log.text)")
        #expect(told[0].contains("attempt=1") && told[0].contains("7"))
    }
}
