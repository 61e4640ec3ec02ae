import CountersignActions
import CountersignCore
import CountersignRules
import Testing

/// Destinations in rules, where the settings are known.
struct DestinationCheckTests {
    private func diagnostics(_ step: String, _ names: [String: Bool]?) -> [Diagnostic] {
        let text = """
            rules:
              - id: a
                when: { event: PACKAGE_COMPLETE }
                then:
                  - \(step)
            """
        let sources = RuleSources(folder: "/", files: [.init(path: "a.yaml", text: Array(text.utf8))])
        let catalogue = ActionRegistry.builtIn.declarations.map { $0.knowing(names.map { DestinationNames($0) }) }
        return RuleCompiler(catalogue: catalogue).compile(sources).diagnostics
    }

    @Test(arguments: [
        ("http: { to: crn }", "the settings define no destination 'crn'; did you mean 'crm'?"),
        ("http: { to: x }", "the settings define no destination 'x'; there are 'claims', 'crm'"),
    ])
    func `a name that the settings do not define is a warning at its place`(step: String, message: String) {
        let found = diagnostics(step, ["crm": false, "claims": true])
        #expect(found.map(\.message) == [message])
        #expect(found.first?.code == "unknown-destination" && found.first?.severity == .warning)
        #expect(found.first?.span.line == 5 && found.first?.span.column == 21)
    }

    @Test func `a package that may choose none is a warning, too`() {
        let step = "http: { to: \"${package.data.app}\" }"
        #expect(diagnostics(step, ["crm": false]).map(\.code) == ["unknown-destination"])
        #expect(diagnostics(step, ["crm": true]).isEmpty && diagnostics(step, nil).isEmpty)
    }

    @Test func `without destinations in the settings that is said`() {
        let message = "there is no destination 'crm': the settings define none under 'destinations'"
        #expect(diagnostics("http: { to: crm }", [:]).map(\.message) == [message])
    }

    @Test(arguments: [
        ("{ to: \"${event.message}\" }", "bad-place"), ("{ to: \"${package.name}\" }", "bad-place"),
        ("{ to: \"${secret:NAME}\" }", "bad-place"), ("{ to: \"https://crm.example.com\" }", "bad-place"),
        ("{ to: crm, path: contracts }", "bad-place"), ("{ to: crm, path: \"/a/../${event.message}\" }", "bad-place"),
        ("{ to: crm, path: \"/a/%2E%2e\" }", "bad-place"), ("{ to: crm, path: \"/a b\" }", "bad-place"),
        ("{ url: \"https://a.example.com\", path: /x }", "missing-option"), ("{ method: GET }", "missing-option"),
        ("{ to: crm, url: \"https://a.example.com\" }", "exclusive-options"),
        ("{ to: crm, body_raw: true, json: { a: 1 } }", "exclusive-options"), ("{ ulr: a }", "unknown-option"),
    ])
    func `what cannot work is an error`(options: String, code: String) {
        let found = diagnostics("http: \(options)", nil)
        #expect(found.map(\.code) == [code] && found.first?.severity == .error, "\(found)")
    }
}
