package import CountersignCore
import Glibc

/// What `shell` and `exec` have in common: where a program starts, what it is given, and what it leaves.
struct ProgramStep {
    static let directory = Field.template(
        "dir",
        in: .folder,
        "The working folder; a relative path starts at the rule file's folder. The default is the output folder."
    )
    static let environment = Field.templates(
        "env",
        in: .environment,
        """
        Additional environment variables; of Countersign's own, only PATH, HOME, LANG, LC_ALL, TZ and TMPDIR are passed on. A \
        variable of the event whose value contains a NUL or exceeds 131000 bytes is omitted, and a script that uses it fails.
        """
    )
    static let input = Field.template(
        "stdin",
        in: .text,
        "The text on standard input; defaults to the event's JSON."
    )
    static let output = Field.choice(
        "output",
        ["text", "json"],
        "How to read standard output into `output`: as text without its final newline, or as JSON.",
        default: "text"
    )

    static let fields = [directory.declaration, environment.declaration, input.declaration, output.declaration]

    static let outputs = [
        ActionDeclaration.Output("exit_code", "The exit status, 0."),
        ActionDeclaration.Output("stdout", "Standard output, limited to its first and last 32KiB."),
        ActionDeclaration.Output("stderr", "Standard error, limited to its first and last 32KiB."),
        ActionDeclaration.Output("output", "Standard output, read as the option `output` says."),
    ]

    private let options: Options

    init(options: Options) {
        self.options = options
    }

    func plan(_ command: ProgramPlan.Command, in scope: Scope) throws(StepFailure) -> ProgramPlan {
        let ofEvent = EventVariables(in: scope)
        let ownNames = Set(options.required(Self.environment).map(\.name))
        if case .script(let text) = command { try ofEvent.requireAll(namedIn: text, except: ownNames) }
        var variables = ofEvent.carried
        for entry in options.required(Self.environment) {
            if let fault = EncodingContext.environment.fault(ofName: entry.name) { throw .final(fault) }
            let value = try entry.template.text(in: scope, for: .environment)
            variables.removeAll { $0.name == entry.name }
            variables.append((entry.name, value))
        }
        return ProgramPlan(
            command: command,
            destination: Self.destination(of: command, in: scope),
            directory: try options[Self.directory]
                .map { template throws(StepFailure) in
                    let path = try template.text(in: scope, for: .folder)
                    guard !path.utf8.contains(0) else {
                        throw .final("'dir' contains a NUL, which is not allowed in a path")
                    }
                    return Self.absolute(path, from: scope.ruleFolder)
                },
            variables: variables,
            ownNames: ownNames,
            givenInput: try options[Self.input]
                .map { template throws(StepFailure) in
                    try template.text(in: scope, for: .text)
                },
            event: scope.event.payload.text,
            readsJSON: options.required(Self.output) == "json"
        )
    }

    /// A program is one other rule, wherever it is started; a script belongs to its step.
    private static func destination(of command: ProgramPlan.Command, in scope: Scope) -> String {
        switch command {
        case .script: "the script of \(scope.ruleID)/\(scope.stepID)"
        case .program(let path, _): path
        }
    }

    /// `path` as it is when absolute, else from `folder`.
    static func absolute(_ path: String, from folder: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : "\(folder)/\(path)"
    }
}

/// A program that is about to be run.
package struct ProgramPlan: ActionPlan {
    enum Command: Sendable, Equatable {
        /// A script for `/bin/sh`.
        case script(String)
        /// The program as it is started, and all arguments as the rule gives them, the program first.
        case program(String, arguments: [String])
    }

    let command: Command

    /// The program's path or name, shared by all steps that run it; for a script, its rule and step.
    package let destination: String?

    /// Programs run on this machine.
    package let isLocal = true
    let directory: String?
    let variables: [(name: String, value: String)]

    /// Those of the variables that the step itself sets.
    let ownNames: Set<String>

    let givenInput: String?
    let event: String
    let readsJSON: Bool

    /// The script as `run`, or the arguments as `argv`, with the options that the step itself sets.
    package var json: JSON {
        var object: JSONObject =
            switch command {
            case .script(let text): ["run": .string(text)]
            case .program(_, let arguments): ["argv": .array(arguments.map { .string($0) })]
            }
        object["dir"] = directory.map { .string($0) }
        // Those that every program gets follow from the event, which need not be shown and kept with each step again.
        let own = variables.filter { ownNames.contains($0.name) }
        if !own.isEmpty {
            object["env"] = .object(JSONObject(own.map { .init(key: $0.name, value: .string($0.value)) }))
        }
        object["stdin"] = givenInput.map { .string($0) }
        object["output"] = readsJSON ? "json" : "text"
        return .object(object)
    }

    func perform(in context: ActionContext) async throws(StepFailure) -> JSONObject {
        if directory == nil { try await OutputFolder(path: context.services.outputRoot).create() }
        let result: ProcessResult
        do throws(ProcessError) {
            result = try await context.services.processes.run(request(in: context))
        } catch {
            throw error.failure
        }
        guard case .exited(0) = result.ending else { throw result.failure(of: name) }
        var outputs = result.outputs
        outputs["output"] = readsJSON ? try result.json(of: name) : .string(result.output.text.withoutFinalNewline)
        return outputs
    }

    private var name: String {
        switch command {
        case .script: "the script"
        case .program(_, let arguments): "'\(arguments.first ?? "")'"
        }
    }

    private func request(in context: ActionContext) -> ProcessRequest {
        let environment = Dictionary([(EventVariables.idempotencyKey, context.idempotencyKey)] + variables) { _, last in
            last
        }
        let (program, arguments) =
            switch command {
            case .script(let text): ("/bin/sh", ["-eu", "-c", text, "countersign"])
            case .program(let path, let arguments): (path, Array(arguments.dropFirst()))
            }
        return ProcessRequest(
            program: program,
            arguments: arguments,
            directory: directory ?? context.services.outputRoot,
            environment: environment,
            input: Array((givenInput ?? event).utf8)
        )
    }
}

extension ProcessResult {
    /// What every program leaves, in the outputs of a step.
    var outputs: JSONObject {
        var object: JSONObject = [:]
        if case .exited(let code) = ending { object["exit_code"] = JSON(code) }
        object["stdout"] = .string(output.text)
        object["stderr"] = .string(errors.text)
        return object
    }

    /// The failure of the step that ran `name`, with the last words of the program.
    func failure(of name: String) -> StepFailure {
        let what =
            switch ending {
            case .exited(let code): "\(name) ended with exit status \(code)"
            case .signalled(Int(SIGXCPU)): "\(name) exceeded its CPU time ('process_limits.cpu_time')"
            case .signalled(let signal): "\(name) was ended by signal \(signal)"
            }
        let last = errors.text.split(whereSeparator: \.isNewline).last
            .map { ": \(String($0.prefix(300)).showingControls)" }
        return StepFailure(what + (last ?? ""), output: .object(outputs))
    }

    /// Standard output as JSON.
    func json(of name: String) throws(StepFailure) -> JSON {
        guard output.isWhole else {
            throw .final("\(name) wrote \(output.count) bytes, too many to read as JSON", output: .object(outputs))
        }
        do {
            return try JSON(parsing: output.text, limits: .answer)
        } catch {
            throw StepFailure("the output of \(name) is not JSON: \(error)", output: .object(outputs))
        }
    }
}
