import CountersignCore
import CountersignRules
import Testing

struct SettingsFileTests {
    private static let port = Field.integer("port", in: 1...65_535, "The port.", default: 8_080)
    private static let body = Field.size("max_body", in: .kib(1)...(.mib(16)), "The largest body.", default: .mib(1))
    private static let callback = Field.group("callback", [port.declaration, body.declaration], "The callback.")
    private static let path = Field.text("path", "Where it lies.", isRequired: true)
    private static let actions = Field.groups("actions", [path.declaration], "More actions.")
    private static let rate = Field.form("rate", Rate.form, "How often.")
    private static let auth = Field.oneOf(
        "auth",
        [
            Field.template("bearer", in: .setting, "A token.").declaration,
            Field.template("authorization", in: .setting, "A header.").declaration,
        ],
        "Who asks."
    )
    private static let declarations = [
        callback.declaration, actions.declaration, rate.declaration, auth.declaration,
    ]

    private func read(_ text: String) -> (options: Options?, diagnostics: [Diagnostic]) {
        SettingsFile.read(text: Array(text.utf8), file: "countersign.yaml", declarations: Self.declarations)
    }

    @Test
    func `nested settings are read by their declarations`() throws {
        let (options, diagnostics) = read("callback: { port: 9000 }\nactions: { mail: { path: ./mail } }\n")
        #expect(diagnostics == [])
        let settings = try #require(options)
        #expect(settings[Self.callback]?[Self.port] == 9_000)
        #expect(settings[Self.actions]?.map(\.name) == ["mail"])
        #expect(settings[Self.actions]?.first?.options[Self.path] == "./mail")
    }

    @Test(arguments: [
        (
            "calback: {}",
            "1:1: error: the settings file has no option 'calback'; did you mean 'callback'? [unknown-option]"
        ),
        (
            "callback: { prot: 1 }",
            "1:13: error: 'callback' has no option 'prot'; did you mean 'port'? [unknown-option]"
        ),
        ("callback: { port: 0 }", "1:19: error: 'port' must be a whole number from 1 to 65535 [out-of-range]"),
        (
            "callback: { max_body: 1048576 }",
            "1:23: error: 'max_body' must be a number and B, KiB, MiB, GiB, kB, MB or GB, such as 1MiB, not '1048576'; "
                + "did you mean '1MiB'? [bad-size]"
        ),
        ("callback: { max_body: 1GB }", "1:23: error: 'max_body' must be a size from 1KiB to 16MiB [out-of-range]"),
        ("actions: { mail: }", "1:12: error: 'mail' needs the option 'path' [missing-option]"),
        (
            "rate: 60",
            "1:7: error: 'rate' must be a number, '/' and a duration, such as 60/1m, not '60' [bad-form]"
        ),
        ("auth: {}", "1:7: error: 'auth' needs one of the options 'bearer' or 'authorization' [missing-option]"),
        (
            "auth: x",
            "1:7: error: 'auth' must be a map with one of 'bearer' or 'authorization', not a string [wrong-type]"
        ),
        (
            "auth: { bearer: a, authorization: b }",
            "1:20: error: 'authorization' cannot be combined with 'bearer'; give only one [exclusive-options]"
        ),
        (
            "auth: { bearer: '${event.message}' }",
            "1:18: error: settings know no event: only '${secret:NAME}' has a value here [bad-place]"
        ),
        ("auth: { baerer: a }", "1:9: error: 'auth' has no option 'baerer'; did you mean 'bearer'? [unknown-option]"),
        ("- a", "1:1: error: the settings file must be a map of options, not a list [wrong-type]"),
    ])
    func `what is wrong is reported with its place`(text: String, finding: String) {
        let (options, diagnostics) = read(text)
        #expect(options == nil)
        #expect(diagnostics.map(\.description) == ["countersign.yaml:" + finding])
    }

    @Test
    func `an empty file sets nothing`() {
        #expect(read("# nothing\n").options?.entries.isEmpty == true)
    }
}
