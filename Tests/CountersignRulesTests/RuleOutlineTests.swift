import CountersignRules
import Testing

/// Where rules are in their files.
struct RuleOutlineTests {
    private func outlines(_ text: String) -> [RuleOutline] {
        RuleSources(folder: "/rules", files: [.init(path: "a.yaml", text: Array(text.utf8))]).outlines
    }

    @Test func `a rule has its lines, the comments above it, and nothing of its other rules`() {
        let text = """
            # The file's own words.

            rules:
              # Tells the ERP.
              - id: first
                when: { event: A }   # a remark
                then: [{ log: x }]

              - id: second
                when: { event: B }
                then:
                  - log: |
                      y

            tests:
              - name: third
            """
        let first = """
              # Tells the ERP.
              - id: first
                when: { event: A }   # a remark
                then: [{ log: x }]
            """
        let second = """
              - id: second
                when: { event: B }
                then:
                  - log: |
                      y
            """
        #expect(
            outlines(text) == [
                RuleOutline(id: "first", file: "a.yaml", line: 5, text: first),
                RuleOutline(id: "second", file: "a.yaml", line: 9, text: second),
            ]
        )
    }

    @Test(arguments: ["", "rules:", "rules: {}", "x", "rules: [", "rules: [x, {when: {}}]", "- id: a"])
    func `what is no rule file holds none`(text: String) {
        #expect(outlines(text).isEmpty)
    }

    @Test func `rules on one line and wrong rules are found as well`() {
        #expect(outlines("rules: [{id: a, nonsense: 1}, {id: b}]").map(\.id) == ["a", "b"])
    }
}
