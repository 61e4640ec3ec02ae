import CountersignCore

/// The variables that tell a program about its event and run.
package struct EventVariables {
    /// The names of all variables of ours that a program finds.
    package static let names = EventVariable.all.map(\.name) + [idempotencyKey, ProcessMarks.variable]

    /// How many bytes a variable holds.
    static let longest = EncodingContext.longestForProgram

    /// Those that a program can be given; the idempotency key follows when the step acts.
    let carried: [(name: String, value: String)]

    /// Those whose values no variable can carry, and why.
    let left: [(name: String, why: String)]

    init(in scope: Scope) {
        var carried: [(name: String, value: String)] = []
        var left: [(name: String, why: String)] = []
        for variable in EventVariable.all {
            let (name, value) = (variable.name, variable.value(scope))
            if value.utf8.contains(0) {
                left.append((name, "its value contains a NUL"))
            } else if value.utf8.count > Self.longest {
                left.append((name, "its value has \(value.utf8.count) bytes, more than \(Self.longest)"))
            } else {
                carried.append((name, value))
            }
        }
        self.carried = carried
        self.left = left
    }

    /// Refuses a script that names a variable which it would not get.
    func requireAll(namedIn script: String, except given: Set<String>) throws(StepFailure) {
        for (name, why) in left where !given.contains(name) && Self.names(script, name) {
            throw .final(
                "the script uses \(name), but no variable can carry it: \(why); "
                    + "read the event from standard input instead"
            )
        }
    }

    /// Whether `script` has `name` in it, and not only as a part of a longer name.
    private static func names(_ script: String, _ name: String) -> Bool {
        script.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }.contains { $0 == name }
    }

    static let idempotencyKey = "COUNTERSIGN_IDEMPOTENCY_KEY"
}
