import CountersignCore

/// An argument with values in it that the program, or a shell on another machine, reads as code.
struct ScriptArgument {
    /// Its first value.
    let expression: Template.Expression

    /// Which of the arguments it is, counted from 0.
    let index: Int

    /// What is wrong and what to do.
    let message: String

    /// Programs that start the program which their arguments name.
    private static let starters: Set = ["env", "sudo", "timeout", "nice", "nohup", "setsid", "stdbuf", "sshpass"]
    private static let valuedOptionsOfSSH = Set("BbcDEeFIiJLlmOopQRSWw".map { "-\($0)" })

    private init?(_ arguments: [Template], _ index: Int, message: String) {
        let value = arguments[index].expressions
            .first { expression in
                switch expression.reference {
                case .runID, .runAttempt, .ruleID, .secret: false
                // Only a digest holds words of events.
                case .fact(let fact, _): fact == .digest
                case .event, .step, .failure, .package, .signer: true
                }
            }
        guard let value else { return nil }
        expression = value
        self.index = index
        self.message = message
    }

    /// Those among the arguments of a step, the program first.
    static func all(in arguments: [Template]) -> [ScriptArgument] {
        let first = arguments.first.flatMap { name(of: $0) }
        return arguments.indices.flatMap { start -> [ScriptArgument] in
            guard let name = name(of: arguments[start]) else { return [] }
            if let interpreter = Interpreter.named(name) {
                return scripts(of: interpreter, called: name, behind: start, in: arguments)
            }
            let isStarted = start == 0 || first.map { starters.contains($0) } == true
            return name == "ssh" && isStarted ? remoteScript(behind: start, in: arguments) : []
        }
    }

    /// The last component of a path that is written out.
    private static func name(of template: Template) -> String? {
        template.literal?.split(separator: "/").last.map(String.init)
    }

    private static func scripts(
        of interpreter: Interpreter,
        called name: String,
        behind start: Int,
        in arguments: [Template]
    ) -> [ScriptArgument] {
        let example =
            interpreter.isShell ? "'echo \"$1\"', \(name), \"${event.message}\"" : "SCRIPT, \"${event.message}\""
        var found: [ScriptArgument?] = []
        var flag: String?
        var index = start + 1
        func find(_ flag: String) {
            let message =
                "a value must not become part of a script, where it would run as code; pass it as a separate "
                + "argument after the script, such as [\(name), \(flag), \(example)]"
            found.append(ScriptArgument(arguments, index, message: message))
        }
        while index < arguments.count {
            let word = arguments[index].beginning
            let isOption = word.count > 1 && (word.hasPrefix("-") || word.hasPrefix("+"))
            if let announced = flag, !interpreter.isShell || !isOption {
                find(announced)
                if interpreter.isShell { break }
                flag = nil
                index += 1
                continue
            }
            guard isOption, !interpreter.last.contains(word), flag != nil || word != "--" else { break }
            switch interpreter.script(behind: word, isWhole: arguments[index].literal != nil) {
            case .nextArgument: flag = word
            case .sameArgument: find(String(word.prefix(2)))
            case nil: break
            }
            index += interpreter.valued.contains(word) ? 2 : 1
        }
        return found.compactMap(\.self)
    }

    private static func remoteScript(behind start: Int, in arguments: [Template]) -> [ScriptArgument] {
        var host = start + 1
        while host < arguments.count, arguments[host].beginning.hasPrefix("-") {
            host += valuedOptionsOfSSH.contains(arguments[host].beginning) ? 2 : 1
        }
        let message =
            "ssh joins all arguments after the host into one script, and a value must not become part of a script; let the "
            + "remote command read it from standard input"
        return arguments.indices.dropFirst(host + 1).compactMap { ScriptArgument(arguments, $0, message: message) }
    }
}

extension Template {
    /// The text before its first value.
    fileprivate var beginning: String {
        if case .literal(let text)? = segments.first { text } else { "" }
    }
}
