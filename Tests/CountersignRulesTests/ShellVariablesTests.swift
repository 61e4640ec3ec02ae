import CountersignCore
import CountersignRules
import Testing

struct ShellVariablesTests {
    /// How many findings about variables without quotes a script has.
    private func count(_ script: String) -> Int {
        let indented = script.split(separator: "\n", omittingEmptySubsequences: false).map { "          \($0)" }
        let yaml = """
            rules:
              - id: a
                when: { event: PACKAGE_OPT_OUT }
                then:
                  - shell: |
            \(indented.joined(separator: "\n"))
            """
        return compile(yaml).diagnostics.count { $0.code == "unquoted-variable" }
    }

    @Test(arguments: [
        "echo $COUNTERSIGN_MESSAGE",
        "echo a${COUNTERSIGN_MESSAGE}b",
        "echo ${COUNTERSIGN_MESSAGE%x}",
        "echo ${OTHER:-$COUNTERSIGN_MESSAGE}",
        "echo \"$(echo $COUNTERSIGN_MESSAGE)\"",
        "echo `echo $COUNTERSIGN_MESSAGE`",
        "echo \"a\"$COUNTERSIGN_MESSAGE\"b\"",
        "echo a=$COUNTERSIGN_MESSAGE",
        "if test $COUNTERSIGN_MESSAGE; then :; fi",
        "for word in $COUNTERSIGN_MESSAGE; do :; done",
        "cat <<E\n$COUNTERSIGN_MESSAGE\nE\necho $COUNTERSIGN_MESSAGE",
        "x=\"$(cat)\"; echo $COUNTERSIGN_EVENT",
        "(echo $COUNTERSIGN_PACKAGE_ID)",
        "cat > $COUNTERSIGN_DOCUMENT_ID",
        "echo it\\'s $COUNTERSIGN_MESSAGE",
        "echo a#b $COUNTERSIGN_MESSAGE",
    ])
    func `a value that the shell would split is found`(script: String) {
        #expect(count(script) == 1)
    }

    @Test(arguments: [
        "echo \"$COUNTERSIGN_MESSAGE\"",
        "echo \"${COUNTERSIGN_MESSAGE:-$COUNTERSIGN_EVENT}\"",
        "echo '$COUNTERSIGN_MESSAGE'",
        "echo \\$COUNTERSIGN_MESSAGE",
        "text=$COUNTERSIGN_MESSAGE",
        "a=1 text=$COUNTERSIGN_MESSAGE env",
        "if x=$COUNTERSIGN_MESSAGE; then :; fi",
        "case $COUNTERSIGN_MESSAGE in a) echo b ;; esac",
        "echo ${#COUNTERSIGN_MESSAGE}",
        "echo $((COUNTERSIGN_MESSAGE + $COUNTERSIGN_MESSAGE))",
        "echo a # $COUNTERSIGN_MESSAGE",
        "cat <<-'E'\n$COUNTERSIGN_MESSAGE\n\tE\necho done",
        "echo \"$(echo \"$COUNTERSIGN_MESSAGE\")\"",
        "echo $COUNTERSIGN_RUN_ID $COUNTERSIGN_MESSAGES",
    ])
    func `a value that stays whole is not`(script: String) {
        #expect(count(script) == 0)
    }

    @Test(arguments: ["'", "\"", "`", "$(", "${", "$((", "\\", "<<", "<<-", "$", "case $COUNTERSIGN_MESSAGE", ")", "}"])
    func `a script that breaks off is read to its end`(script: String) {
        #expect(count(script) == 0)
    }
}
