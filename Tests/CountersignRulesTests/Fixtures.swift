import CountersignCore
import CountersignRules
import Foundation

/// Actions that resemble the built-in ones, so that this room is tested without them.
let catalogue: [ActionDeclaration] = [
    ActionDeclaration(
        name: "shell",
        summary: "Runs a script.",
        mainField: "run",
        fields: [
            Field.shellScript("run", "The script.", isRequired: true).declaration,
            Field.text("dir", "Where it runs.").declaration,
            Field.templates("env", in: .environment, "Variables.").declaration,
            Field.choice("output", ["text", "json"], "How its output is read.", default: "text").declaration,
        ],
        outputs: [.init("exit_code", "The status."), .init("stdout", "The text."), .init("output", "The value.")]
    ),
    ActionDeclaration(
        name: "exec",
        summary: "Runs a program.",
        mainField: "argv",
        fields: [
            Field.arguments("argv", "The program.", isRequired: true).declaration,
            Field.choice("output", ["text", "json"], "How its output is read.", default: "text").declaration,
        ],
        outputs: [.init("exit_code", "The status."), .init("stdout", "The text."), .init("output", "The value.")]
    ),
    ActionDeclaration(
        name: "http",
        summary: "Sends a request.",
        mainField: "url",
        fields: [
            Field.template("url", in: .url, "Where to.", isRequired: true).declaration,
            Field.choice("method", ["GET", "POST", "PUT"], "The method.", default: "POST").declaration,
            Field.templates("headers", in: .header, "Headers.").declaration,
            Field.json("json", "The body as JSON.").declaration,
            Field.template("body", in: .text, "The body as text.").declaration,
            Field.group(
                "expect",
                [Field.integers("status", in: 100...599, "The good ones.").declaration],
                "What counts as success."
            )
            .declaration,
        ],
        alternatives: [["json", "body"]],
        outputs: [.init("status", "The status."), .init("body", "The answer.")]
    ),
    ActionDeclaration(
        name: "file",
        summary: "Writes a file.",
        fields: [
            Field.template("path", in: .filePath, "Where.", isRequired: true).declaration,
            Field.template("content", in: .text, "What.").declaration,
            Field.json("json", "What, as JSON.").declaration,
        ],
        alternatives: [["content", "json"]],
        outputs: [.init("path", "Where it lies."), .init("bytes", "How many.")]
    ),
    ActionDeclaration(
        name: "emit",
        summary: "Raises an event.",
        mainField: "event",
        fields: [
            Field.ownEvent("event", "Its name.", isRequired: true).declaration,
            Field.jsonObject("fields", reserved: ["name", "countersign"], "Its payload.").declaration,
        ],
        outputs: [.init("event", "Its number.")]
    ),
    ActionDeclaration(
        name: "log",
        summary: "Writes a log line.",
        mainField: "message",
        fields: [
            Field.template("message", in: .text, "The line.", isRequired: true).declaration,
            Field.choice("level", ["info", "warning"], "How loud.", default: "info").declaration,
        ]
    ),
]

let compiler = RuleCompiler(catalogue: catalogue)

/// What comes of one rule file.
func compile(_ yaml: String) -> RuleCompiler.Outcome {
    compiler.compile(RuleSources(folder: "/rules", files: [.init(path: "test.yaml", text: Array(yaml.utf8))]))
}

/// The condition that a `when` in YAML flow form means.
func read(when: String) -> Condition? {
    compile("rules: [{id: a, when: \(when), then: [{log: x}]}]").ruleSet?.rules.first?.condition
}

/// An event of this payload, at a fixed time.
func context(_ payload: JSON, name: String = "PACKAGE_CREATE", origin: Event.Origin = .callback) -> EvaluationContext {
    EvaluationContext(subject: payload, eventName: name, origin: origin, now: now)
}

let now = Date(timeIntervalSince1970: 1_530_450_000)  // 2018-07-01T13:00:00Z

/// A generator whose numbers follow from its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
