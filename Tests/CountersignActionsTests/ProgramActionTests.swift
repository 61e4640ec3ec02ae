import CountersignActions
public import CountersignCore
import CountersignTesting
import Foundation
import Testing

struct ProgramActionTests {
    @Test func `a script finds the event and the run in its variables`() async throws {
        let world = try World()
        let names = [
            "EVENT_NAME", "PACKAGE_ID", "DOCUMENT_ID", "MESSAGE", "SESSION_USER", "CREATED_DATE", "ORIGIN", "RUN_ID",
            "RULE_ID", "STEP_ID", "ATTEMPT", "IDEMPOTENCY_KEY",
        ]
        let script = names.map { #"echo "$COUNTERSIGN_\#($0)""# }.joined(separator: "\n")
        let outputs = try await world.run("shell", ["run": .text(script)])
        #expect(
            outputs["output"]?.string?.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) == [
                "PACKAGE_OPT_OUT", "wVdZEaPD2igwUnFGJBjDD0dpO7k=", "", "no", "18EZDL44xgsX",
                "2018-06-30T20:04:55.384Z", "callback", "3", "rule-1", "step-1", "2", "run-3/step-1",
            ]
        )
    }

    @Test(arguments: ["shell", "exec"])
    func `the event's JSON is on standard input and in a variable`(action: String) async throws {
        let world = try World()
        let script = #"cat; printf '%s' "$COUNTERSIGN_EVENT""#
        let options: [String: OptionValue] =
            action == "shell" ? ["run": .text(script)] : ["argv": try .parsed(["sh", "-c", script])]
        let text = Event.sample(message: "no").payload.text
        #expect(try await world.run(action, options)["output"] == .string(text + text))
    }

    @Test func `only a few variables are inherited`() async throws {
        let world = try World(environment: ["PATH": "/usr/bin:/bin", "TZ": "UTC", "AWS_SECRET": "s"])
        let outputs = try await world.run("shell", ["run": "env", "env": try .parsed(["OWN": "x"])])
        let names = outputs["stdout"]?.string?.split(separator: "\n").map { $0.prefix { $0 != "=" } } ?? []
        let foreign = names.filter { !$0.hasPrefix("COUNTERSIGN_") && $0 != "PWD" && $0 != "OLDPWD" && $0 != "_" }
        #expect(Set(foreign) == ["PATH", "TZ", "OWN"])
    }

    @Test(arguments: [
        ("a\u{0}b", "its value contains a NUL"),
        (String(repeating: "x", count: 131_001), "its value has 131001 bytes, more than 131000"),
    ])
    func `a script that names a variable which cannot carry its value fails for good`(
        message: String,
        why: String
    ) async throws {
        let world = try World()
        let event = Event.sample(message: message)
        for script in [#"echo "$COUNTERSIGN_MESSAGE""#, #"echo "${COUNTERSIGN_MESSAGE:-none}""#] {
            await #expect(throws: StepFailure.self) {
                _ = try await world.prepare("shell", ["run": .text(script)], event: event)
            }
            let used = await world.failure("shell", ["run": .text(script)], event: event)
            #expect(
                used?.reason
                    == "the script uses COUNTERSIGN_MESSAGE, but no variable can carry it: \(why); "
                    + "read the event from standard input instead"
            )
            #expect(used?.isWorthRetrying == false)
        }
    }

    @Test(arguments: ["a\u{0}b", String(repeating: "x", count: 131_001)])
    func `a variable that cannot carry its value and is not named is left out`(message: String) async throws {
        let world = try World()
        let event = Event.sample(message: message)
        let script = #"echo "$COUNTERSIGN_EVENT_NAME $COUNTERSIGN_MESSAGES""#
        let own = try OptionValue.parsed(["COUNTERSIGN_MESSAGES": "fine"])
        #expect(
            try await world.run("shell", ["run": .text(script), "env": own], event: event)["output"]
                == "PACKAGE_OPT_OUT fine"
        )
        let given = try OptionValue.parsed(["COUNTERSIGN_MESSAGE": "mine"])
        let used: [String: OptionValue] = ["run": #"echo "$COUNTERSIGN_MESSAGE""#, "env": given]
        #expect(try await world.run("shell", used, event: event)["output"] == "mine")
        let program = [
            "argv": try OptionValue.parsed(["sh", "-c", "echo ${COUNTERSIGN_MESSAGE-unset}".replacing("$", with: "$$")])
        ]
        #expect(try await world.run("exec", program, event: event)["output"] == "unset")
    }

    @Test func `a script stops at its first failing command`() async throws {
        let world = try World()
        let failure = await world.failure("shell", ["run": "echo before; false; echo behind"])
        #expect(failure?.output?["stdout"] == "before\n")
    }

    @Test func `a program that fails is worth retrying, and its last words are the reason`() async throws {
        let world = try World()
        let failure = await world.failure(
            "shell",
            ["run": #"echo out; echo one >&2; printf 'two\033[2J\n' >&2; exit 3"#]
        )
        #expect(failure?.reason == #"the script ended with exit status 3: two\u{1b}[2J"#)
        #expect(failure?.isWorthRetrying == true)
        #expect(failure?.output?["exit_code"] == 3)
        #expect(failure?.output?["stdout"] == "out\n")
    }

    @Test func `a program that a signal ends says which one`() async throws {
        let world = try World()
        #expect(await world.failure("shell", ["run": "kill -9 $$"])?.reason == "the script was ended by signal 9")
        #expect(
            await world.failure("shell", ["run": "kill -XCPU $$"])?.reason
                == "the script exceeded its CPU time ('process_limits.cpu_time')"
        )
    }

    @Test func `programs start in the output folder, or beside the rule file`() async throws {
        let world = try World()
        try FileManager.default.createDirectory(atPath: world.folder.path + "/sub", withIntermediateDirectories: true)
        try world.folder.write("#!/bin/sh\npwd", to: "here", isExecutable: true)
        let path = world.folder.path.replacingOccurrences(of: "//", with: "/")
        #expect(try await world.run("shell", ["run": "pwd"])["output"] == .string(path + "/output"))
        let beside: [String: OptionValue] = ["argv": try .parsed(["./here"]), "dir": try .parsed("sub")]
        #expect(try await world.run("exec", beside)["output"] == .string(path + "/sub"))
    }

    @Test func `standard output is text without its last line end, or JSON`() async throws {
        let world = try World()
        let text = try await world.run("shell", ["run": #"printf 'a\n\n'"#])
        #expect(text["output"] == "a\n" && text["stdout"] == "a\n\n" && text["exit_code"] == 0)
        let json = try await world.run("shell", ["run": #"echo '{"a":[1]}'"#, "output": "json"])
        #expect(json["output"] == ["a": [1]])
    }

    @Test func `an output that should be JSON and is not says where`() async throws {
        let world = try World()
        let failure = await world.failure("shell", ["run": #"echo '{"a":'"#, "output": "json"])
        #expect(
            failure?.reason
                == "the output of the script is not JSON: the text ends in the middle of a value at line 2, column 1"
        )
    }

    @Test(arguments: ["-rf", "--help", "-\u{301}x"])
    func `a value must not pose as an option`(message: String) async throws {
        let world = try World()
        let event = Event.sample(message: message)
        let bare = await world.failure(
            "exec",
            ["argv": try .parsed(["printf", "%s", "${event.message}"])],
            event: event
        )
        #expect(bare?.isWorthRetrying == false)
        #expect(bare?.reason.contains("put a '--' before it") == true)
        let option = ["argv": try OptionValue.parsed(["echo", "--message=${event.message}"])]
        #expect(try await world.run("exec", option, event: event)["output"] == .string("--message=\(message)"))
        let parted = ["argv": try OptionValue.parsed(["sh", "-c", #"printf %s "$1""#, "--", "${event.message}"])]
        #expect(try await world.run("exec", parted, event: event)["output"] == .string(message))
    }

    @Test func `a missing program is final and says where it was looked for`() async throws {
        let world = try World()
        let named = await world.failure("exec", ["argv": try .parsed(["no-such-program"])])
        #expect(
            named?.reason
                == "there is no program 'no-such-program' in PATH (/usr/bin:/bin); install it or give its path"
        )
        #expect(named?.isWorthRetrying == false)
        let placed = await world.failure("exec", ["argv": try .parsed(["./bin/nothing"])])
        #expect(placed?.reason.contains("\(world.folder.path)/./bin/nothing") == true)
        #expect(placed?.isWorthRetrying == false)
    }

    @Test func `a program whose first line names no interpreter is distinguished from a missing one`() async throws {
        let world = try World()
        try world.folder.write("#!/no/such/interpreter\n", to: "broken", isExecutable: true)
        let failure = await world.failure("exec", ["argv": try .parsed(["./broken"])])
        #expect(
            failure?.reason.contains("could not be started: the program exists, but it, or the interpreter") == true
        )
        #expect(failure?.isWorthRetrying == false)
    }

    @Test func `a missing folder to start in is named`() async throws {
        let world = try World()
        let failure = await world.failure("shell", ["run": "pwd", "dir": try .parsed("/no/such/folder")])
        #expect(failure?.reason.contains("'/no/such/folder'") == true)
        #expect(failure?.isWorthRetrying == false)
    }

    @Test func `a plan shows the command and the variables, and no inherited one`() async throws {
        let world = try World()
        let step = try await world.prepare("shell", ["run": "true", "env": try .parsed(["OWN": "${event.message}"])])
        #expect(step.plan.object?.keys == ["run", "env", "output"])
        #expect(step.plan["env"] == ["OWN": "no"])
    }
}

extension OptionValue: ExpressibleByStringLiteral {
    /// A text that is no template.
    public init(stringLiteral value: String) { self = .text(value) }
}
