import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Testing

/// The `chat` step against a web server in this process.
@Suite(.timeLimit(.minutes(1)))
struct ChatActionTests {
    private static let hook = "/hooks/xen8y1rbp7dy8e7qfe5o4znjgr"

    private func options(_ more: [String: OptionValue] = [:], url: String) throws -> [String: OptionValue] {
        ["url": try .parsed(url), "text": try .parsed("*Reason*: ${event.message}")].merging(more) { $1 }
    }

    /// What a chat of this kind is sent.
    private func sent(
        _ kind: String,
        _ more: [String: OptionValue] = [:],
        message: String = "no"
    ) async throws -> JSON {
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                let path = kind == "mattermost" ? Self.hook : "/x"
                let all = try options(["kind": .text(kind)].merging(more) { $1 }, url: server.url + path)
                let outputs = try await world.run("chat", all, event: .sample(message: message))
                #expect(outputs == ["status_code": 200])
                let request = try #require(server.requests.first)
                #expect(server.requests.count == 1 && request.method == "POST")
                #expect(request.headers["content-type"] == "application/json; charset=utf-8")
                #expect(request.headers["idempotency-key"] == "run-3/step-1")
                return try JSON(parsing: request.body)
            }
        }
    }

    private static let whole: [String: OptionValue] = [
        "title": .template(Template(literal: "Opt-out")), "level": .text("warning"),
        "fields": .templates([.init(name: "Package", template: Template(literal: "P1"))]),
    ]

    @Test func `Slack gets blocks in which nothing is made a link or a mention`() async throws {
        let body = try await sent("slack", message: "<!channel> & <http://evil|bank>")
        let text: JSON = "*Reason*: &lt;!channel&gt; &amp; &lt;http://evil|bank&gt;"
        #expect(
            body == [
                "unfurl_links": false, "unfurl_media": false, "text": text,
                "blocks": [["type": "section", "text": ["type": "mrkdwn", "text": text, "verbatim": true]]],
            ]
        )
        let whole = try await sent("slack", Self.whole)
        #expect(whole["attachments"]?.array?.first?["color"] == "#b26a00")
        let blocks = whole["attachments"]?.array?.first?["blocks"]?.array
        #expect(blocks?.map { $0["type"] } == ["header", "section", "section"])
        #expect(blocks?.last?["fields"]?.array?.first?["text"] == "Package: P1")
    }

    @Test func `Teams gets an Adaptive Card`() async throws {
        let body = try await sent("teams", Self.whole, message: "[x](http://evil)\nline")
        let attachment = body["attachments"]?.array?.first
        #expect(body["type"] == "message")
        #expect(attachment?["contentType"] == "application/vnd.microsoft.card.adaptive")
        let card = attachment?["content"]
        #expect(card?["type"] == "AdaptiveCard")
        let blocks = card?["body"]?.array
        #expect(blocks?.map { $0["type"] } == ["TextBlock", "TextBlock", "FactSet"])
        #expect(blocks?.first?["color"] == "Warning")
        #expect(blocks?[1]["text"]?.string == #"*Reason*: \[x\](http:"# + "\u{200B}//evil)" + "\n\nline")
        #expect(blocks?.last?["facts"] == [["title": "Package", "value": "P1"]])
    }

    @Test func `Mattermost gets a post that calls nobody`() async throws {
        let body = try await sent("mattermost", message: "@all <!channel>")
        #expect(body == ["text": "*Reason*: @\u{200B}all <\u{200B}\\!channel\\>"])
        let whole = try await sent("mattermost", Self.whole)
        let attachment = whole["attachments"]?.array?.first
        #expect(attachment?["title"] == "Opt-out" && attachment?["color"] == "#b26a00")
        #expect(attachment?["fields"] == [["title": "Package", "value": "P1", "short": true]])
    }

    @Test func `any other program gets plain JSON`() async throws {
        let body = try await sent("plain", Self.whole, message: "<a> *b* @all")
        #expect(
            body == [
                "text": "*Reason*: <a> *b* @all", "level": "warning", "title": "Opt-out", "fields": ["Package": "P1"],
            ]
        )
    }

    @Test(arguments: [
        ("https://hooks.slack.com/services/T/B/x", "slack"), ("https://hooks.slack-gov.com/services/T/B/x", "slack"),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/x", "teams"),
        ("https://default1.2.environment.api.powerplatform.com/powerautomate/x", "teams"),
        ("https://x.webhook.office.com/webhookb2/x", "teams"), ("https://chat.example.com\(hook)", "mattermost"),
        ("https://example.com/mattermost\(hook)", "mattermost"),
    ])
    func `a webhook tells which chat it is`(url: String, kind: String) async throws {
        let plan = try await World().prepare("chat", options(url: url)).plan
        #expect(plan["kind"]?.string == kind)
    }

    @Test(arguments: [
        "https://example.com/hooks/x", "https://hooks.slack.com.evil.example/x", "https://evil.example/hooks.slack.com",
        "https://notslack.example/services",
    ])
    func `a webhook that does not tell which chat it is needs the word`(url: String) async throws {
        let failure = try await World().failure("chat", options(url: url))
        #expect(failure?.reason.contains("add 'kind: slack'") == true && failure?.isWorthRetrying == false)
    }

    @Test(arguments: ["teams", "mattermost"])
    func `a webhook of another chat than the rule names is refused`(kind: String) async throws {
        let url = "https://hooks.slack.com/services/T/B/x"
        let failure = try await World().failure("chat", options(["kind": .text(kind)], url: url))
        #expect(failure?.reason == "the webhook is one of slack, and 'kind' says \(kind)")
    }

    @Test func `a secret webhook is recognized when it is used, and shown nowhere`() async throws {
        let world = try World()
        let options = try options(url: "${secret:HOOK}")
        let dry = try await world.prepare("chat", options, event: .sample(message: "<x>"), secrets: .hidden)
        #expect(dry.plan == ["kind": "auto", "url": "•••", "level": "info", "text": "*Reason*: <x>"])
        let secrets = Secrets(["HOOK": "https://hooks.slack.com/services/T/B/x"])
        let live = try await world.prepare("chat", options, event: .sample(message: "<x>"), secrets: secrets)
        #expect(live.plan["kind"] == "slack" && live.plan["text"] == "*Reason*: &lt;x&gt;")
        #expect(secrets.masking(live.plan)["url"] == "•••")
        #expect(live.destination == "the server of rule-1/step-1")
    }

    @Test(arguments: ["slack", "teams", "mattermost", "plain"])
    func `a message of any length fits, and nothing is torn`(kind: String) async throws {
        for message in [String(repeating: "<", count: 10_000), String(repeating: "*🙂", count: 10_000)] {
            let body = try await sent(kind, ["title": try .parsed("${event.message}")], message: message)
            #expect(body.bytes.count < (kind == "teams" ? 28_000 : 400_000))
        }
        let plan = try await World()
            .prepare(
                "chat",
                options(["kind": .text(kind)], url: "https://example.com/x"),
                event: .sample(message: String(repeating: "<", count: 100_000))
            )
            .plan
        let text = try #require(plan["text"]?.string)
        #expect(text.hasSuffix("…") && !text.hasSuffix("\\…") && !text.contains(/&[a-z]*…/))
        if kind == "slack" { #expect(text.utf16.count <= 3_000) }
    }

    @Test func `a chat that is busy is asked again when it says, and a redirect is a failure`() async throws {
        for (answer, isWorthRetrying) in [
            (RecordingServer.Answer.status(429, headers: [("Retry-After", "7")]), true), (.status(302), false),
            (.status(400, body: "invalid_blocks"), false), (.status(500), true),
        ] {
            try await RecordingServer.with([answer]) { server in
                try await HTTPClientSender.with { client in
                    let options = try options(["kind": "slack"], url: server.url)
                    let failure = await (try World(http: client)).failure("chat", options)
                    #expect(failure?.isWorthRetrying == isWorthRetrying, "\(failure?.reason ?? "")")
                    #expect((failure?.retryAfter == .seconds(7)) == (answer.status == 429))
                }
            }
        }
    }

    @Test(arguments: ["slack", "teams", "mattermost", "plain"], ["", " \u{200B}\n"])
    func `a value that is empty leaves no part empty that a chat refuses`(kind: String, message: String) async throws {
        let more: [String: OptionValue] = [
            "title": try .parsed("${event.message}"), "text": try .parsed("${event.message}"),
            "fields": try .parsed(["Reason": "${event.message}"]),
        ]
        let body = try await sent(kind, more, message: message)
        let text = body.text
        #expect(!text.contains(#""header""#) && body["title"] == nil)
        #expect(!text.contains("\":\"\"") && text.contains("–"))
    }

    @Test(arguments: ["triggers/T0/1/x", "workflows/T0/A1/1/x"])
    func `a trigger of a Slack workflow is no webhook for blocks, and takes plain JSON`(path: String) async throws {
        let url = "https://hooks.slack.com/\(path)"
        let failure = try await World().failure("chat", options(url: url))
        #expect(failure?.reason.contains("takes plain") == true)
        let prepared = try await World().prepare("chat", options(["kind": .text("plain")], url: url))
        #expect(prepared.plan["kind"] == "plain")
        let known = try await World()
            .prepare("chat", options(["kind": .text("plain")], url: "https://hooks.slack.com/services/T/B/x"))
        #expect(known.plan["kind"] == "plain")
    }
}
