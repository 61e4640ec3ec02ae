import CountersignModel
import CountersignRules
import Testing

struct ShellScanTests {
    private func warnings(_ script: String) -> Int {
        let step: JSON = ["shell": .string(script)]
        let rule: JSON = ["id": "a", "when": ["event": "*"], "then": [step]]
        return compile(JSON.object(["rules": [rule]]).text).diagnostics.count { $0.code == "unquoted-variable" }
    }

    @Test(arguments: [
        "echo $COUNTERSIGN_MESSAGE", "echo x$COUNTERSIGN_MESSAGE", "echo ${COUNTERSIGN_MESSAGE:-none}",
        "echo \"$(cat $COUNTERSIGN_MESSAGE)\"", "echo `cat $COUNTERSIGN_MESSAGE`", "[ $COUNTERSIGN_MESSAGE = x ]",
        "echo 'a' $COUNTERSIGN_MESSAGE", "echo \"a\"$COUNTERSIGN_MESSAGE\"b\"",
        "cat <<E\nx\nE\necho $COUNTERSIGN_MESSAGE",
        "curl --data=$COUNTERSIGN_MESSAGE x", "(echo $COUNTERSIGN_MESSAGE)",
    ])
    func `a stranger's text without quotes is warned of`(script: String) {
        #expect(warnings(script) == 1)
    }

    @Test(arguments: [
        "echo \"$COUNTERSIGN_MESSAGE\"", "m=$COUNTERSIGN_MESSAGE", "case $COUNTERSIGN_MESSAGE in a) ;; esac",
        "echo $HOME",
        "echo '$COUNTERSIGN_MESSAGE'", "echo \\$COUNTERSIGN_MESSAGE", "true # $COUNTERSIGN_MESSAGE",
        "echo $COUNTERSIGN_RUN_ID",
        "cat <<-'E'\n\t$COUNTERSIGN_MESSAGE\n\tE\n", "echo \"a ${COUNTERSIGN_MESSAGE} 'b'\"",
        "echo \"$(printf '%s' \"$COUNTERSIGN_MESSAGE\")\"",
        "echo $", "echo ${", "echo \"", "`", "<<", "\\", ")", "$((", "'",
    ])
    func `what the shell does not split is left alone`(script: String) {
        #expect(warnings(script) == 0)
    }
}
