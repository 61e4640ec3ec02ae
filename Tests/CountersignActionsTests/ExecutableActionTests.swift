import CountersignActions
import CountersignCore
import CountersignTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ExecutableActionTests {
    private static let description = #"""
        {"name":"greet","summary":"Greets.","main_field":"who","fields":[
        {"key":"who","type":"text","required":true,"summary":"Whom."},
        {"key":"times","type":"integer","summary":"How often.","default":1}],
        "outputs":[{"name":"said","summary":"What was said."}]}
        """#

    private let world: World

    init() throws {
        world = try World()
    }

    /// A program that keeps its requests in a file and answers like this.
    private func program(
        describe: String = "cat <<'END'\n\(description)\nEND",
        plan: String = #"echo '{"plan": null}'"#,
        perform: String = #"echo '{"outputs": {"said": "hi"}}'"#
    ) throws -> String {
        let script = """
            #!/bin/sh
            request=$(cat)
            printf '%s\\n' "$request" >> "${0%/*}/requests"
            case "$request" in
            '{"request":"describe"'*) \(describe)
            ;;
            '{"request":"plan"'*) \(plan) ;;
            *) \(perform) ;;
            esac
            """
        try world.folder.write(script, to: "greet", isExecutable: true)
        return world.folder.path + "/greet"
    }

    private func load(_ program: String, limit: Duration = .seconds(10)) async throws -> ActionRegistry.Kind {
        try await ExecutableAction.load(name: "greet", program: program, services: world.services, limit: limit)
    }

    private func step(_ kind: ActionRegistry.Kind) async throws(StepFailure) -> PreparedStep {
        let who: OptionValue
        do {
            who = try .parsed("${event.message}")
        } catch {
            throw StepFailure("\(error)")
        }
        return try await kind.make(Options([.init(key: "who", value: who)])).prepare(in: world.scope())
    }

    private func failure(of kind: ActionRegistry.Kind) async -> StepFailure? {
        do throws(StepFailure) {
            let step = try await step(kind)
            _ = try await step.perform(world.context())
            return nil
        } catch {
            return error
        }
    }

    @Test func `a program says what it is, plans and performs`() async throws {
        let kind = try await load(program())
        #expect(kind.declaration.summary == "Greets." && kind.declaration.mainField == "who")
        #expect(kind.declaration.fields.map(\.key) == ["who", "times"])
        #expect(kind.declaration.fields.map(\.defaultText) == [nil, "1"])
        let step = try await step(kind)
        #expect(step.plan == ["who": "no", "times": 1])
        #expect(try await step.perform(world.context()) == ["said": "hi"])
        let event =
            "{\"name\":\"PACKAGE_OPT_OUT\",\"payload\":\(Event.sample(message: "no").payload.text),\"origin\":\"callback\"}"
        #expect(
            try world.folder.text("requests") == """
                {"request":"describe"}
                {"request":"plan","options":{"who":"no","times":1},"event":\(event)}
                {"request":"perform","plan":{"who":"no","times":1},"event":\(event),"run_id":3,"rule_id":"rule-1",\
                "step_id":"step-1","attempt":2,"idempotency_key":"run-3/step-1"}

                """
        )
    }

    @Test func `a program acts in the output folder`() async throws {
        let kind = try await load(program(perform: #"pwd -P > where; echo '{"outputs": {}}'"#))
        _ = try await step(kind).perform(world.context())
        #expect(try world.folder.text("output/where").hasSuffix("/output\n"))
    }

    @Test func `a plan of the program's own is shown and performed`() async throws {
        let kind = try await load(program(plan: #"echo '{"plan": {"say": "hello no"}}'"#))
        #expect(try await step(kind).plan == ["say": "hello no"])
    }

    @Test func `an error is the step's failure, final where the program says so`() async throws {
        let final = try await load(program(perform: #"echo '{"error": "no such person", "retry": false}'"#))
        #expect(await failure(of: final) == .final("no such person"))
        let passing = try await load(program(perform: #"echo '{"error": "busy"}'"#))
        #expect(await failure(of: passing) == StepFailure("busy"))
    }

    @Test(arguments: [
        ("echo nonsense", "is not understood"), ("echo '[]'", "it is an array, not an object"),
        ("echo '{}'", "it must be"),
        (#"echo '{"outputs": {"other": 1}}'"#, "it has the output 'other'"),
    ])
    func `an answer that is not understood is final`(perform: String, words: String) async throws {
        let failure = await failure(of: try await load(program(perform: perform)))
        #expect(failure?.isWorthRetrying == false)
        #expect(failure?.reason.contains(words) == true)
    }

    @Test func `a program that fails gives its last words`() async throws {
        let failure = await failure(of: try await load(program(perform: "echo broken >&2; exit 2")))
        #expect(failure?.isWorthRetrying == true)
        #expect(failure?.reason.contains("exit status 2: broken") == true)
    }

    @Test(arguments: [
        (#"{"name":"other","summary":"s"}"#, "its name is 'other', not 'greet'"),
        (#"{"name":"greet"}"#, "the description has no text 'summary'"),
        (#"{"name":"greet","summary":"s","field":[]}"#, "has a key 'field'"),
        (#"{"name":"greet","summary":"s","fields":[{"key":"a","type":"date","summary":"s"}]}"#, "has the type 'date'"),
        (
            #"{"name":"greet","summary":"s","fields":[{"key":"a","type":"integer","summary":"s","default":"x"}]}"#,
            "the default of the field 'a'"
        ),
        (#"{"name":"greet","summary":"s","main_field":"a"}"#, "'main_field' names no field"),
    ])
    func `a bad description is refused at the start`(text: String, words: String) async throws {
        let path = try program(describe: "echo '\(text)'")
        let error = await #expect(throws: ExecutableActionError.self) { _ = try await load(path) }
        #expect(error?.description.contains(words) == true)
    }

    @Test func `a program that does not answer in time is ended`() async throws {
        let path = try program(describe: "sleep 1000")
        let error = await #expect(throws: ExecutableActionError.self) {
            _ = try await load(path, limit: .milliseconds(100))
        }
        #expect(error?.problem == .timeout(.milliseconds(100)))
    }

    @Test func `a missing program, or a relative path, is refused at the start`() async throws {
        let missing = await #expect(throws: ExecutableActionError.self) { _ = try await load("/no/such/program") }
        #expect(missing?.description.contains("there is no executable program at '/no/such/program'") == true)
        let relative = await #expect(throws: ExecutableActionError.self) { _ = try await load("greet") }
        #expect(relative?.problem == .relativePath)
    }

    @Test(arguments: HostileText.all)
    func `an executable keeps the contract`(message: String) async throws {
        let kind = try await load(program(perform: #"printf '%s' "$request" > got; echo '{"outputs": {}}'"#))
        let subject = ActionContract.Subject(
            kind: kind,
            options: Options([.init(key: "who", value: try .parsed("${event.message}"))]),
            context: { world.context(for: $0) },
            traces: { world.lines.all }
        )
        try await ActionContract(subject).check(message: message)
        let got = try JSON(parsing: world.folder.text("output/got"))
        #expect(got["plan"]?["who"] == .string(message))
        #expect(!world.folder.has("pwned"))
    }
}

struct ActionRegistryTests {
    @Test func `the built-in actions are declared in full`() {
        let declarations = ActionRegistry.builtIn.declarations
        #expect(
            declarations.map(\.name) == [
                "chat", "email", "emit", "exec", "file", "http", "log", "onespan.archive", "onespan.complete",
                "onespan.correct", "onespan.create", "onespan.download", "onespan.extend", "onespan.remind",
                "onespan.request", "onespan.unlock", "sftp", "shell", "sql",
            ]
        )
        for declaration in declarations {
            #expect(!declaration.summary.isEmpty && !declaration.examples.isEmpty)
            let main = declaration.mainField
            #expect(main == nil || declaration.fields.contains { $0.key == main })
            #expect(Set(declaration.fields.map(\.key)).count == declaration.fields.count)
            for key in declaration.alternatives.joined() { #expect(declaration.fields.contains { $0.key == key }) }
            // `steps.ID.status` and `steps.ID.reason` say how the step ended, and would hide an output of that name.
            let hidden = declaration.outputs.map(\.name).filter { ["status", "reason"].contains($0) }
            #expect(hidden.isEmpty, "\(declaration.name)")
        }
    }

    @Test func `an action can be left out`() {
        #expect(!ActionRegistry.builtIn.without("shell").declarations.contains { $0.name == "shell" })
    }
}
