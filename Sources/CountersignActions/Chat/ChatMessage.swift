import CountersignCore

/// What a chat is reported, its values encoded for the chat's markup.
package struct ChatMessage: Sendable {
    /// A fact beside the text.
    package struct Field: Sendable {
        let name: String
        let value: String
    }

    /// What shows where there is no text: chats refuse an empty one, and the alert would be lost.
    static let nothing = "–"

    let level: ChatLevel
    let title: String?
    let text: String
    let fields: [Field]

    /// The message as the webhook of a chat takes it.
    func body(for kind: ChatKind) -> JSON {
        switch kind {
        case .slack: slack
        case .teams: teams
        case .mattermost: mattermost
        case .plain: plain
        }
    }

    private var plain: JSON {
        var object: JSONObject = ["text": .string(text), "level": .string(level.rawValue)]
        object["title"] = title.map { .string($0) }
        if !fields.isEmpty {
            object["fields"] = .object(JSONObject(fields.map { .init(key: $0.name, value: .string($0.value)) }))
        }
        return .object(object)
    }
}

// MARK: Slack

extension ChatMessage {
    /// Blocks; nothing in them is made a link or a mention that is not written as one.
    private var slack: JSON {
        var blocks: [JSON] = []
        if let title {
            let text = title.cut(to: 150)
            blocks.append(["type": "header", "text": ["type": "plain_text", "text": .string(text), "emoji": false]])
        }
        blocks.append([
            "type": "section", "text": ["type": "mrkdwn", "text": .string(text), "verbatim": true],
        ])
        // A section holds ten fields.
        for start in stride(from: 0, to: fields.count, by: 10) {
            let part = fields[start..<min(start + 10, fields.count)]
            blocks.append(["type": "section", "fields": .array(part.map { $0.slack })])
        }
        // What notifications show; it is read as mrkdwn, for which the text is encoded.
        let summary = JSON.string(text)
        var message: JSONObject = ["unfurl_links": false, "unfurl_media": false]
        if let colour = level.colour {
            message["attachments"] = [
                ["color": .string(colour), "fallback": summary, "blocks": .array(Array(blocks.prefix(50)))]
            ]
        } else {
            message["text"] = summary
            message["blocks"] = .array(Array(blocks.prefix(50)))
        }
        return .object(message)
    }
}

extension ChatMessage.Field {
    fileprivate var slack: JSON {
        ["type": "plain_text", "text": .string("\(name): \(value)".cut(to: 2_000)), "emoji": false]
    }
}

// MARK: Microsoft Teams

extension ChatMessage {
    /// An Adaptive Card, as a workflow that waits for a webhook takes it.
    private var teams: JSON {
        var body: [JSON] = []
        if let title {
            body.append([
                "type": "TextBlock", "text": .string(title.cut(to: 200)), "weight": "Bolder", "size": "Medium",
                "wrap": true, "color": .string(level.nameInCard),
            ])
        }
        body.append([
            "type": "TextBlock", "text": .string(text.inParagraphs), "wrap": true,
            "color": .string(title == nil ? level.nameInCard : "Default"),
        ])
        if !fields.isEmpty {
            let facts = fields.prefix(50)
                .map { field -> JSON in
                    ["title": .string(field.name), "value": .string(field.value.cut(to: 1_000).inParagraphs)]
                }
            body.append(["type": "FactSet", "facts": .array(facts)])
        }
        let card: JSON = [
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
            "msteams": ["width": "Full"], "body": .array(body),
        ]
        return [
            "type": "message",
            "attachments": [["contentType": "application/vnd.microsoft.card.adaptive", "content": card]],
        ]
    }
}

// MARK: Mattermost

extension ChatMessage {
    private var mattermost: JSON {
        guard title != nil || !fields.isEmpty || level.colour != nil else { return ["text": .string(text)] }
        var attachment: JSONObject = ["fallback": .string(text), "text": .string(text)]
        attachment["title"] = title.map { .string($0.cut(to: 200)) }
        attachment["color"] = level.colour.map { .string($0) }
        if !fields.isEmpty {
            attachment["fields"] = .array(
                fields.prefix(50)
                    .map { field -> JSON in
                        [
                            "title": .string(field.name), "value": .string(field.value.cut(to: 1_000)),
                            "short": .bool(field.value.count <= 30),
                        ]
                    }
            )
        }
        return ["attachments": [.object(attachment)]]
    }
}

extension String {
    /// Whether it shows nothing: white space, and signs of no width.
    var isBlank: Bool {
        unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint }
    }

    /// The lines as paragraphs, since Markdown makes one line of two.
    fileprivate var inParagraphs: String {
        lines.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}
