package import CountersignCore
import CountersignOutbound

/// Tells something to people in a chat.
package struct ChatAction: Action {
    private static let url = Field.template(
        "url",
        in: .url,
        "The URL of the chat's webhook. Anyone who has it can post, so keep it as a secret.",
        isRequired: true
    )
    private static let kind = Field.choice(
        "kind",
        ["auto"] + ChatKind.allCases.map(\.rawValue),
        "The kind of chat; `auto` detects it from the URL. `plain` posts `text`, `title`, `level` and `fields` "
            + "as JSON.",
        default: "auto"
    )
    private static let text = Field.template(
        "text",
        in: .message(.plain),
        "The message, in the chat's own markup; values are escaped, so they show exactly as they are. An empty message or "
            + "field shows as a dash; an empty title is omitted.",
        isRequired: true
    )
    private static let title = Field.template("title", in: .message(.plain), "A line above the message.")
    private static let level = Field.choice(
        "level",
        ChatLevel.allCases.map(\.rawValue),
        "The severity, shown as a color.",
        default: ChatLevel.info.rawValue
    )
    private static let fields = Field.templates(
        "fields",
        in: .message(.plain),
        "Names and values shown below the message."
    )

    /// The declaration of `chat`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "chat",
        summary: "Posts a message to a webhook of Slack, Microsoft Teams (a workflow), Mattermost or another chat.",
        fields: [
            url.declaration, kind.declaration, text.declaration, title.declaration, level.declaration,
            fields.declaration,
        ],
        outputs: [.init("status_code", "The status code of the response.")],
        examples: [
            .init(
                "Notify a channel of Slack, Teams or Mattermost.",
                yaml: """
                    chat:
                      url: "${secret:OPS_CHAT_URL}"
                      text: "Package ${event.packageId} is complete."
                    """
            ),
            .init(
                "Alert with what a signer typed.",
                yaml: """
                    chat:
                      kind: mattermost
                      url: "https://chat.example.com/hooks/${secret:CHAT_HOOK}"
                      level: warning
                      title: A signer opted out
                      text: "@here please call them back. Reason: ${event.message | default('none')}"
                      fields: { Package: "${event.packageId}", Signer: "${event.sessionUser}" }
                    """
            ),
        ]
    )

    /// A message that is about to be posted.
    package struct Plan: ActionPlan {
        /// nil in a dry run that cannot know it, as the URL is secret.
        let kind: ChatKind?
        let message: ChatMessage
        let target: OutgoingTarget

        /// Host and port of the webhook, or the step where its URL holds a secret.
        package var destination: String? { target.limiterKey }

        /// The message as people read it, before it is converted for the kind of chat.
        package var json: JSON {
            var object: JSONObject = [
                "kind": .string(kind?.rawValue ?? "auto"), "url": .string(target.url),
                "level": .string(message.level.rawValue),
            ]
            object["title"] = message.title.map { .string($0) }
            object["text"] = .string(message.text)
            if !message.fields.isEmpty {
                let fields = message.fields.map { JSONObject.Member(key: $0.name, value: .string($0.value)) }
                object["fields"] = .object(JSONObject(fields))
            }
            return .object(object)
        }
    }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the message, and escapes values for the markup of the chat.
    ///
    /// - Throws: `StepFailure` where the kind of chat cannot be detected, or is not the one that `kind` names.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let target = try OutgoingTarget(options.required(Self.url), in: scope)
        let kind = try kind(of: target)
        let markup = kind?.markup ?? .plain
        let aside = kind?.markupAside ?? .plain
        var fields: [ChatMessage.Field] = []
        for entry in options.required(Self.fields) {
            let value = try entry.template.text(in: scope, for: .message(aside))
            fields.append(ChatMessage.Field(name: entry.name, value: value.isBlank ? ChatMessage.nothing : value))
        }
        let text = try options.required(Self.text).text(in: scope, for: .message(markup))
        let message = ChatMessage(
            level: ChatLevel(rawValue: options.required(Self.level)) ?? .info,
            title: try options[Self.title]
                .map { title throws(StepFailure) in try title.text(in: scope, for: .message(aside)).onOneLine }
                .flatMap { $0.isBlank ? nil : $0 },
            text: text.isBlank ? ChatMessage.nothing : text.cut(to: (kind ?? .plain).longestText),
            fields: fields
        )
        return Plan(kind: kind, message: message, target: target)
    }

    /// The chat at the other side; nil where only the live run can know it.
    ///
    /// - Throws: `StepFailure` where it is not known, or not the one that the rule names: values would not be escaped as
    ///   they must be.
    private func kind(of target: OutgoingTarget) throws(StepFailure) -> ChatKind? {
        let named = ChatKind(rawValue: options.required(Self.kind))
        if target.url.contains(Secrets.mask) { return named }
        let found = ChatKind(recognising: target.url)
        if let named {
            // Plain JSON can be posted to anything: there is no markup that would have to be escaped.
            guard let found, found != named, named != .plain else { return named }
            throw .final("the webhook is one of \(found.rawValue), and 'kind' says \(named.rawValue)")
        }
        guard let found else {
            throw .final(
                "the kind of chat cannot be detected from the URL; add 'kind: slack', teams, mattermost or plain "
                    + "(a trigger of a Slack workflow takes plain)"
            )
        }
        return found
    }

    /// Posts the message, and returns the status code of the response as `status_code`.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        guard let kind = plan.kind else { throw .final("the kind of chat is unknown; add 'kind'") }
        let request = HTTPPlan(
            method: "POST",
            target: plan.target,
            headers: [.init("Content-Type", "application/json; charset=utf-8")],
            body: .text(plan.message.body(for: kind).text, type: "application/json; charset=utf-8"),
            signature: nil,
            accepted: nil,
            saved: nil
        )
        let outputs = try await request.perform(in: context)
        return ["status_code": outputs["status_code"] ?? .null]
    }
}
