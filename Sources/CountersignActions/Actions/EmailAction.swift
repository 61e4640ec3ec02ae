package import CountersignCore
import CountersignOutbound
import Logging

/// Sends a mail.
package struct EmailAction: Action {
    private static let to = Field.templateList(
        "to",
        in: .mailAddress,
        "The recipients, such as `Ops <ops@example.com>`; defaults to `mail.to` in the settings."
    )
    private static let cc = Field.templateList("cc", in: .mailAddress, "Recipients of a copy.")
    private static let bcc = Field.templateList("bcc", in: .mailAddress, "Recipients of a blind copy.")
    private static let replyTo = Field.template("reply_to", in: .mailAddress, "The address that replies go to.")
    private static let from = Field.template("from", in: .mailAddress, "The sender; defaults to `mail.from`.")
    private static let subject = Field.template(
        "subject",
        in: .mailHeader,
        "The subject; line breaks in values become spaces, and it is truncated to 250 characters.",
        isRequired: true
    )
    private static let text = Field.template(
        "text",
        in: .message(.plain),
        "The message as plain text.",
        isRequired: true
    )
    private static let html = Field.template(
        "html",
        in: .message(.html),
        "The message as HTML. Values are escaped; they are allowed in text and in a link after its host."
    )

    private static let attach = Field.templateList(
        "attach",
        in: .filePath,
        "Files of the output folder to attach: their paths there, or the output `path` of an earlier step; at most "
            + "`mail.max_attachments` together."
    )

    /// The declaration of `email`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "email",
        summary: "Sends an email through the server `mail.server`.",
        fields: [
            to.declaration, cc.declaration, bcc.declaration, replyTo.declaration, from.declaration, subject.declaration,
            text.declaration, html.declaration, attach.declaration,
        ],
        outputs: [
            .init("message_id", "The Message-ID, the same for every attempt."),
            .init("accepted", "The recipients that the server accepted."),
            .init("refused", "The recipients that the server rejected, each with its reply."),
            .init("reply", "The server's final reply."),
        ],
        examples: [
            .init(
                "Notify the recipients of `mail.to`.",
                yaml: """
                    email:
                      subject: "Package ${event.packageId} is complete"
                      text: "Everyone has signed."
                    """
            ),
            .init(
                "Alert with what a signer typed, as text and as HTML.",
                yaml: """
                    email:
                      to: [ops@example.com, "Legal <legal@example.com>"]
                      reply_to: service@example.com
                      subject: "Opt-out: ${event.message | default('no reason') | truncate(60)}"
                      text: |
                        ${event.sessionUser} opted out of ${event.packageId}.
                        ${event.message}
                      html: |
                        <p><b>${event.sessionUser}</b> opted out of
                        <a href="https://erp.example.com/packages/${event.packageId}">${event.packageId}</a>:</p>
                        <blockquote>${event.message}</blockquote>
                    """
            ),
            .init(
                "Send the signed documents to the archive.",
                yaml: """
                    email:
                      to: archive@example.com
                      subject: "Signed: ${event.packageId}"
                      text: "The signed documents are attached."
                      attach: "contracts/${event.packageId}.zip"
                    """
            ),
        ]
    )

    /// A mail that is about to be sent.
    package struct Plan: ActionPlan {
        /// The destination of all mails: they go through one server.
        static let destination = "the mail server"

        let mail: OutgoingMail
        let files: [StepFile]

        /// The same for all mails: they go through one server.
        package var destination: String? { Self.destination }

        /// The mail as people read it, without what the settings add, such as the default sender.
        package var json: JSON {
            var object: JSONObject = [:]
            object["from"] = mail.from.map { .string($0.shown) }
            for (key, addresses) in [("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc)] where !addresses.isEmpty {
                object[key] = .array(addresses.map { .string($0.shown) })
            }
            object["reply_to"] = mail.replyTo.map { .string($0.shown) }
            object["subject"] = .string(mail.subject)
            object["text"] = .string(mail.text)
            object["html"] = mail.html.map { .string($0) }
            if !files.isEmpty { object["attach"] = .array(files.map { .string($0.shown) }) }
            return .object(object)
        }
    }

    /// Whether a step with these options says itself whom its mail goes to.
    package static func namesSomebody(_ options: Options) -> Bool { !options.required(to).isEmpty }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in addresses, subject and texts.
    ///
    /// - Throws: `StepFailure` where a value does not make a valid address.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let subject = try options.required(Self.subject).text(in: scope, for: .mailHeader)
        return Plan(
            mail: OutgoingMail(
                from: try address(Self.from, in: scope),
                to: try addresses(Self.to, in: scope),
                cc: try addresses(Self.cc, in: scope),
                bcc: try addresses(Self.bcc, in: scope),
                replyTo: try address(Self.replyTo, in: scope),
                // Also what the rule writes itself, such as a folded text of YAML, becomes one line.
                subject: subject.onOneLine.split(separator: " ").joined(separator: " ").cut(to: 250),
                text: try options.required(Self.text).text(in: scope, for: .message(.plain)),
                html: try options[Self.html]
                    .map { html throws(StepFailure) in try html.text(in: scope, for: .message(.html)) }
            ),
            files: try options.required(Self.attach)
                .map { template throws(StepFailure) in try StepFile(template, in: scope) }
        )
    }

    private func addresses(_ field: Field<[Template]>, in scope: Scope) throws(StepFailure) -> [MailAddress] {
        var addresses: [MailAddress] = []
        for template in options.required(field) {
            let address = try MailAddress(template.text(in: scope, for: .mailAddress), source: template.source)
            if !addresses.contains(where: { $0.address == address.address }) { addresses.append(address) }
        }
        return addresses
    }

    private func address(_ field: Field<Template>, in scope: Scope) throws(StepFailure) -> MailAddress? {
        guard let template = options[field] else { return nil }
        return try MailAddress(template.text(in: scope, for: .mailAddress), source: template.source)
    }

    /// Sends the mail; recipients that the server rejects are logged, and returned in `refused`.
    ///
    /// - Throws: `StepFailure` where the server accepts the mail for nobody, or no mail server is set.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let server = try context.services.mailServer()
        let now = context.services.clock.now
        var mail = plan.mail
        mail.attachments = try await Self.attachments(plan.files, upTo: server.attachmentLimit, context.services)
        let receipt = try await server.send(mail, key: context.idempotencyKey, at: now)
        for refusal in receipt.refused {
            context.logger.warning(
                "Mail server rejected a recipient",
                metadata: ["address": "\(refusal.address)", "reply": "\(refusal.reply)"]
            )
        }
        return [
            "message_id": .string(receipt.messageID),
            "accepted": .array(receipt.accepted.map { .string($0) }),
            "refused": .object(
                JSONObject(receipt.refused.map { .init(key: $0.address, value: .string($0.reply)) })
            ),
            "reply": .string(receipt.reply),
        ]
    }
}

extension EmailAction {
    /// Reads the files that go with a mail.
    private static func attachments(
        _ files: [StepFile],
        upTo limit: ByteSize,
        _ services: ActionServices
    ) async throws(StepFailure) -> [OutgoingMail.Attachment] {
        var attachments: [OutgoingMail.Attachment] = []
        var sum = 0
        for file in files {
            let open = try await file.open(in: services)
            sum += open.count
            guard sum <= limit.count else {
                throw .final(
                    "the attachments have more than \(limit) together: send a link, or set a larger 'mail.max_attachments', as "
                        + "far as the mail server takes it"
                )
            }
            do throws(ExchangeError) {
                attachments.append(.init(name: file.name, type: file.type, bytes: try await open.content()))
            } catch {
                throw StepFailure("'\(file.shown)': \(error.reason)")
            }
        }
        return attachments
    }
}

extension MailAddress {
    /// The address with its name, for people.
    fileprivate var shown: String { name.map { "\($0) <\(address)>" } ?? address }
}
