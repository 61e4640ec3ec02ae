import CountersignCore
import Foundation
import Testing

struct TemplateTests {
    private func rendered(_ text: String, _ payload: JSON = ["name": "X"], steps: [String: JSON] = [:]) throws -> String
    {
        try Template(parsing: text).text(in: .test(payload, steps: steps), for: .text)
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("$", "$"), ("$5 {x} $", "$5 {x} $"), ("$${x}", "${x}"),
        ("a$${b}${event.name}", "a${b}X"),
        ("$$${event.name}", "$${event.name}"), ("${event.name}", "X"), ("${ event.name }", "X"),
        ("<${event.name}${event.name}>", "<XX>"),
        ("${event.absent}", ""), ("${event.absent | default('}')}", "}"), ("${event.absent | default('a|b')}", "a|b"),
        (#"${event.absent | default("it's")}"#, "it's"), ("${event.name | lower | default('y')}", "x"),
        ("${event.name|lower}", "x"), ("${run.id}/${run.attempt}/${rule.id}", "7/2/r"), ("é${event.name}", "éX"),
    ])
    func `a template is filled in`(text: String, result: String) throws {
        #expect(try rendered(text) == result)
    }

    @Test func `a value is written as JSON unless it is a string`() throws {
        let payload: JSON = ["name": "X", "n": 1, "b": true, "z": .null, "a": [1, "x"], "o": ["k": .null]]
        #expect(
            try rendered("${event.n} ${event.b} [${event.z}] ${event.a} ${event.o}", payload)
                == #"1 true [] [1,"x"] {"k":null}"#
        )
    }

    @Test func `outputs of steps are read`() throws {
        #expect(
            try rendered(
                "${steps.get.body.ids[1]} ${steps.get.status}",
                steps: ["get": ["status": "succeeded", "body": ["ids": [4, 5]]]]
            ) == "5 succeeded"
        )
        #expect(try rendered("[${steps.other.body}]") == "[]")
    }

    @Test(
        arguments: [
            ("${event.a}", 0, 10), ("ab${event.a}", 2, 10), ("é$${x}${event.a | lower}", 6, 18),
            ("${a${event.b}", nil, nil),
        ] as [(String, Int?, Int?)]
    )
    func `an expression knows where it stands`(text: String, offset: Int?, length: Int?) {
        let expression = (try? Template(parsing: text))?.expressions.first
        #expect(expression?.offset == offset)
        #expect(expression?.length == length)
    }

    @Test(arguments: [
        ("${", "bad-template", 2, "never closed"), ("ab ${event.x", "bad-template", 5, "never closed"),
        ("${event.x | default('}", "bad-template", 2, "never closed"), ("${}", "bad-path", 2, "a key is missing"),
        ("${event}", "unknown-path", 2, "there is no 'event'"),
        ("${evnt.x}", "unknown-path", 2, "did you mean 'event'?"),
        ("${event.a b}", "bad-path", 9, "'.' or '['"),
        ("${failure.nope}", "unknown-path", 2, "there is no '"), ("${secret:}", "bad-path", 2, "name of a secret"),
        ("${secret:a b}", "bad-path", 2, "name of a secret"),
        ("${event.a | uper}", "unknown-filter", 2, "did you mean 'upper'?"),
        ("${event.a | }", "unknown-filter", 2, "there is no filter ''"),
        ("${event.a | upper(1)}", "bad-filter-argument", 2, "'upper'"),
        ("${event.a | truncate}", "bad-filter-argument", 2, "truncate(10)"),
        ("${event.a | truncate(-1)}", "bad-filter-argument", 2, "truncate(10)"),
        ("${event.a | truncate('1')}", "bad-filter-argument", 2, "truncate(10)"),
        ("${event.a | default(x)}", "bad-filter-argument", 2, "default('text')"),
        (
            "${event.a | date('yyyy-MM-ddTHH:mm')}", "bad-filter-argument", 2,
            "the letter 'T', which is not a date field"
        ),
        (#"${event.a | date("yyyy'T")}"#, "bad-filter-argument", 2, "unclosed quote"),
        ("${event.a | date('')}", "bad-filter-argument", 2, "needs a pattern"),
        ("${event.a | date('--')}", "bad-filter-argument", 2, "has no date field"),
        ("${event.a | date('YYYY-MM-dd')}", "bad-filter-argument", 2, "write 'yyyy'"),
        ("${event.a | date('dd.MM.YY')}", "bad-filter-argument", 2, "write 'yyyy'"),
        (#"${event.a | date("YY 'w'")}"#, "bad-filter-argument", 2, "write 'yyyy'"),
        (#"${event.a | date("yyyy-'W'ww")}"#, "bad-filter-argument", 2, "write 'YYYY'"),
        (
            "${event.a | date('yyyy-MM-dd jj:mm')}", "bad-filter-argument", 2,
            "the letter 'j', which is not a date field"
        ),
        ("${event.a | date('yyyy l')}", "bad-filter-argument", 2, "the letter 'l', which is not a date field"),
        ("${event.a | date}", "bad-filter-argument", 2, "date('yyyy-MM-dd')"),
        ("${event.a | default}", "bad-filter-argument", 2, "default('text')"),
    ])
    func `what is no template is refused with its place`(
        text: String,
        code: String,
        offset: Int,
        sentence: String
    ) throws {
        let error = try #require(throws: TemplateError.self) { try Template(parsing: text) }
        #expect(error.code == code)
        #expect(error.offset == offset)
        #expect(error.message.contains(sentence), "\(error.message)")
    }

    @Test func `all that is wrong with a template is found, and what is right is read`() {
        let (template, faults) = Template.reading("a ${nope.a} ${event.a | uper} ${event.b} ${event.c")
        #expect(faults.map(\.code) == ["unknown-path", "unknown-filter", "bad-template"])
        #expect(faults.map(\.offset) == [4, 14, 43])
        #expect(template.expressions.map(\.reference.description) == ["event.b"])
        #expect(template.expressions.map(\.offset) == [30])
    }

    @Test(arguments: Filter.all.map(\.name))
    func `the example of a filter holds`(name: String) throws {
        let example = try #require(Filter.all.first { $0.name == name }).example
        #expect(try rendered(example.template, ["name": "X", "message": example.message]) == example.result)
    }

    @Test(arguments: Filter.all.map(\.name).filter { $0 != "default" && $0 != "json" })
    func `a filter leaves absence alone`(name: String) throws {
        let argument = ["truncate": "(3)", "date": "('yyyy')"][name] ?? ""
        #expect(try rendered("[${event.message | \(name)\(argument)}]") == "[]")
    }

    @Test(arguments: [
        ("..", "__"), (".", "_"), ("", ""), ("a/../b", "a_.._b"), ("\0", "_"), ("é-1_x.pdf", "é-1_x.pdf"),
    ])
    func `a file name made of hostile text stays in its folder`(text: String, result: String) throws {
        #expect(try rendered("${event.message | filename}", ["name": "X", "message": .string(text)]) == result)
    }

    @Test func `a date that is none fails the step for good`() throws {
        let error = try #require(throws: StepFailure.self) {
            try rendered("${event.message | date('yyyy')}", ["name": "X", "message": "soon"])
        }
        #expect(!error.isWorthRetrying)
    }

    @Test func `in JSON a lone value keeps its type and text is never spliced`() throws {
        let hostile = #"x","admin":true,"y":"\"#
        let payload: JSON = ["name": "X", "n": 5, "message": .string(hostile), "list": [1, .null]]
        let template = JSONTemplate.object([
            .init(key: "n", value: .template(try Template(parsing: "${event.n}"))),
            .init(key: "text", value: .template(try Template(parsing: "n=${event.n}"))),
            .init(key: "m", value: .template(try Template(parsing: "<${event.message}>"))),
            .init(key: "all", value: .array([.template(try Template(parsing: "${event.list}")), .literal(true)])),
            .init(key: "none", value: .template(try Template(parsing: "${event.absent}"))),
        ])
        let json = try template.json(in: .test(payload))
        #expect(
            json == ["n": 5, "text": "n=5", "m": .string("<\(hostile)>"), "all": [[1, .null], true], "none": .null]
        )
        #expect(try JSON(parsing: json.text) == json)
    }
}

extension Scope {
    /// The scope of run 7, attempt 2 of rule `r`.
    static func test(
        _ payload: JSON,
        steps: [String: JSON] = [:],
        secrets: [String: String] = ["KEY": "s3cret/?"]
    ) -> Scope {
        Scope(
            event: Event(
                id: Event.ID(rawValue: 1),
                name: payload["name"]?.string ?? "",
                payload: payload,
                origin: .callback,
                receivedAt: Date(timeIntervalSince1970: 0)
            ),
            ruleID: "r",
            ruleFolder: "/rules",
            runID: Run.ID(rawValue: 7),
            attempt: 2,
            steps: steps.mapValues { .known($0) },
            secrets: Secrets(secrets)
        )
    }
}
