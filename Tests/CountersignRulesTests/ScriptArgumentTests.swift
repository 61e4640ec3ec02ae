import CountersignCore
import CountersignRules
import Testing

struct ScriptArgumentTests {
    /// How many values are found that would be read as code.
    private func count(_ arguments: String) -> Int {
        compile("rules: [{id: a, when: {event: PACKAGE_OPT_OUT}, then: [{exec: \(arguments)}]}]").diagnostics
            .count { $0.code == "value-in-script" && $0.severity == .error }
    }

    @Test(arguments: [
        #"[sh, -c, "echo ${event.message}"]"#,
        #"[sh, -c, "${event.message}"]"#,
        #"[/bin/bash, -lc, "echo ${event.message}"]"#,
        #"[bash, -ce, "echo ${event.message}"]"#,
        #"[bash, -c, -o, pipefail, --, "echo ${event.message}"]"#,
        #"[bash, -o, pipefail, -ec, "echo ${steps.x.output}"]"#,
        #"[busybox, sh, -c, "echo ${event.message}"]"#,
        #"[env, A=b, sh, -c, "echo ${event.message}"]"#,
        #"[docker, exec, box, sh, -c, "echo ${event.message}"]"#,
        #"[python3, -W, ignore, -c, "print('${event.message}')"]"#,
        #"[python3, "-cprint('${event.message}')"]"#,
        #"[perl, -Mstrict, -ne, "print '${event.message}'"]"#,
        #"[ruby, -r, json, -e, "puts '${event.message}'"]"#,
        #"[node, "--eval=console.log('${event.message}')"]"#,
        #"[nodejs, -p, "'${event.message}'"]"#,
        #"[php8.3, -d, a=b, -r, "echo '${event.message}';"]"#,
        #"[ssh, -i, key, user@host, "notify ${event.message}"]"#,
        #"[timeout, 5s, ssh, host, notify, "${event.message}"]"#,
    ])
    func `a value that a program would read as code is an error`(arguments: String) {
        #expect(count(arguments) == 1)
    }

    @Test func `each script of a program counts`() {
        #expect(count(#"[perl, -e, "print ${event.a}", -e, "print ${event.b}"]"#) == 2)
    }

    @Test(arguments: [
        #"[sh, -c, 'echo "$1"', sh, "${event.message}"]"#,
        #"[sh, -c, "echo ${run.id} ${rule.id}"]"#,
        #"[sh, notify.sh, -c, "${event.message}"]"#,
        #"[python3, tool.py, -c, "${event.message}"]"#,
        #"[python3, -m, tool, -c, "${event.message}"]"#,
        #"[python3, -c, SCRIPT, "${event.message}"]"#,
        #"[perl, -c, "${event.message}"]"#,
        #"[perl, -Mre, "${event.message}"]"#,
        #"[grep, -c, "${event.message}", file]"#,
        #"[ssh, -l, "${event.sessionUser}", host, notify]"#,
        #"[git, fetch, ssh, -c, "${event.message}"]"#,
    ])
    func `a value that is an argument of its own is none`(arguments: String) {
        #expect(count(arguments) == 0)
    }
}
