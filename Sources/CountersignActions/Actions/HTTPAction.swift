package import CountersignCore
package import CountersignOutbound

/// Sends an HTTP request.
package struct HTTPAction: DestinationUsing {
    private static let url = Field.template(
        "url",
        in: .url,
        "The URL, http or https; a value is percent-encoded as one path segment or one query value."
    )
    private static let to = Field.destination(
        "to",
        "A destination of the settings (`destinations`), with its URL, authentication and limits. Only `${package.data.…}` may "
            + "choose it, among those with `selectable: true`."
    )
    private static let path = Field.template(
        "path",
        in: .urlPath,
        "The path behind the URL of the destination; it begins with `/` or `?`, and values are percent-encoded as in `url`."
    )
    private static let method = Field.choice(
        "method",
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
        "The request's method.",
        default: "POST"
    )
    private static let headers = Field.templates("headers", in: .header, "Headers of the request.")
    private static let query = Field.templates(
        "query",
        in: .query,
        "Query parameters, percent-encoded and appended to the URL."
    )
    private static let json = Field.json("json", in: .requestField, "A JSON value as the body.")
    private static let form = Field.templates("form", in: .requestField, "Form fields as the body.")
    private static let body = Field.template("body", in: .text, "A text as the body.")
    private static let bodyRaw = Field.boolean(
        "body_raw",
        "Sends the event byte for byte as it came.",
        default: false
    )
    private static let bodyFile = Field.template(
        "body_file",
        in: .filePath,
        "Sends a file of the output folder: its path there, or the output `path` of an earlier step, as in `${steps.fetch.path}`."
    )
    private static let partFile = Field.template("file", in: .filePath, "A file, as in `body_file`.")
    private static let partJSON = Field.json("json", in: .requestField, "A JSON value in the place of a file.")
    private static let partName = Field.template(
        "name",
        in: .text,
        "The name that the receiver sees; that of the file by default."
    )
    private static let partType = Field<String>
        .text("type", "The media type; by default it follows from the end of the name.")
    private static let multipart = Field.entries(
        "multipart",
        in: .requestField,
        [partFile.declaration, partJSON.declaration, partName.declaration, partType.declaration],
        "Sends a form with fields and files (multipart/form-data): a text, `{ file: PATH }` or `{ json: … }`, by the name of the field."
    )
    private static let save = Field.template(
        "save",
        in: .filePath,
        "Writes the body of the response to this file of the output folder, whatever its size; it appears once it is complete."
    )
    private static let statuses = Field.integers("status", in: 100...599, "The status codes that mean success.")
    private static let expect = Field.group(
        "expect",
        [statuses.declaration],
        "The expected response; by default any status code from 200 to 299."
    )
    private static let secret = Field.template(
        "secret",
        in: .credential,
        "The key shared with the receiver, `whsec_` and Base64: signs by the Standard Webhooks specification, with the headers "
            + "webhook-id, webhook-timestamp and webhook-signature."
    )
    private static let region = Field.text("region", "The region, such as `eu-central-1`.", isRequired: true)
    private static let service = Field.text("service", "The service.", default: "s3")
    private static let aws = Field.group(
        "aws4",
        [region.declaration, service.declaration],
        "Signs by AWS Signature Version 4, for S3 and stores that speak like it, with the secrets `AWS_ACCESS_KEY_ID`, "
            + "`AWS_SECRET_ACCESS_KEY` and, for temporary credentials, `AWS_SESSION_TOKEN`.",
        secrets: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        optionalSecrets: ["AWS_SESSION_TOKEN"]
    )
    private static let sign = Field.oneOf("sign", [secret.declaration, aws.declaration], "Signs the request.")

    /// The declaration of `http`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "http",
        summary: "Sends an HTTP request; without a body of its own, POST, PUT and PATCH send the event's JSON.",
        mainField: "url",
        fields: [
            url.declaration, to.declaration, path.declaration, method.declaration, headers.declaration,
            query.declaration, json.declaration, form.declaration, body.declaration, bodyRaw.declaration,
            bodyFile.declaration, multipart.declaration, save.declaration, expect.declaration, sign.declaration,
        ],
        alternatives: [["json", "form", "body", "body_raw", "body_file", "multipart"]],
        exactlyOneOf: [["url", "to"]],
        dependencies: [("path", needs: "to")],
        outputs: [
            .init("status_code", "The status code of the response."),
            .init("headers", "The response headers, with lower-case names."),
            .init(
                "body",
                "The first 64KiB of the response body, decompressed; parsed if it is JSON, otherwise text; absent with `save`."
            ),
            .init("path", "With `save`, the absolute path of the file."),
            .init("bytes", "With `save`, its size in bytes."),
            .init("sha256", "With `save`, its SHA-256, in hex."),
            .init(
                "body_problem",
                "Why `body` is text although the response claims to be JSON; absent otherwise."
            ),
            .init(
                "headers_problem",
                "Which headers are not valid UTF-8, such as a file name in Latin-1; absent if all are."
            ),
        ],
        fileOptions: ["save"],
        examples: [
            .init("Forward the event unchanged.", yaml: "http: https://hooks.example.com/onespan"),
            .init(
                "Notify the ERP that a contract is signed.",
                yaml: """
                    http:
                      method: PUT
                      url: "https://erp.example.com/contracts/${event.packageId}/signed"
                      headers: { Authorization: "Bearer ${secret:ERP_TOKEN}" }
                      json: { signedAt: "${event.createdDate}" }
                      expect: { status: [200, 204] }
                    """
            ),
            .init(
                "Update a contract in the CRM that the settings define as a destination.",
                yaml: """
                    http: { to: crm, method: PATCH, path: "/contracts/${event.packageId}", json: { status: signed } }
                    """
            ),
            .init(
                "Store the signed documents in an S3 bucket.",
                yaml: """
                    http:
                      method: PUT
                      url: "https://contracts.s3.eu-central-1.amazonaws.com/signed/${event.packageId}.zip"
                      body_file: "contracts/${event.packageId}.zip"
                      sign: { aws4: { region: eu-central-1 } }
                    """
            ),
            .init(
                "Send a form with a field and a file, and keep the receipt.",
                yaml: """
                    http:
                      url: https://archive.example.com/upload
                      multipart: { package: "${event.packageId}", contract: { file: "contracts/${event.packageId}.zip" } }
                      save: "receipts/${event.packageId}.pdf"
                    """
            ),
            .init(
                "Pass the callback on, byte for byte, to the application that the package's data names.",
                yaml: "http: { to: \"${package.data.app}\", path: /onespan, body_raw: true }"
            ),
        ]
    )

    /// The headers that neither rules nor settings can set, in lower case.
    package static var reservedHeaders: Set<String> { HTTPPlan.ownHeaders }

    private let options: Options
    private let destinations: Destinations?

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options, destinations: Destinations?) {
        self.options = options
        self.destinations = destinations
    }

    /// Fills in URL, headers and body.
    ///
    /// - Throws: `StepFailure` where a value does not fit into the URL or a header, or there is no such destination.
    package func plan(in scope: Scope) async throws(StepFailure) -> HTTPPlan {
        let method = options.required(Self.method)
        let target = try target(in: scope)
        let body = try body(for: method, in: scope)
        let headers = try headers(in: scope, for: target, type: body?.type)
        return HTTPPlan(
            method: method,
            target: target,
            headers: headers,
            body: body,
            signature: try signature(in: scope, for: target),
            accepted: try accepted(),
            saved: try options[Self.save]
                .map { template throws(StepFailure) in
                    let path = try template.text(in: scope, for: .filePath)
                    return try EncodingContext.components(ofPath: path, source: template.source)
                }
        )
    }

    private func accepted() throws(StepFailure) -> [Int]? {
        let accepted = options[Self.expect].flatMap { $0[Self.statuses] }
        guard options[Self.save] != nil, let other = accepted?.first(where: { !(200...299).contains($0) }) else {
            return accepted
        }
        throw .final("'save' keeps the body of a success; take \(other) out of 'expect.status', or leave 'save' out")
    }

    private func signature(in scope: Scope, for target: OutgoingTarget) throws(StepFailure) -> RequestSignature? {
        guard let sign = options[Self.sign] else { return nil }
        if let secret = sign[Self.secret] { return .webhook(secret: try secret.text(in: scope, for: .credential)) }
        guard let aws = sign[Self.aws] else { return nil }
        guard target.named?.destination?.authentication.word == nil else {
            throw .final("\(target.name) has authentication of its own; leave 'sign.aws4' out, or its 'auth'")
        }
        let token =
            scope.secrets.names.contains("AWS_SESSION_TOKEN")
            ? try scope.secrets.value(of: "AWS_SESSION_TOKEN") : nil
        return .aws(
            AWSSignature.Credentials(
                keyID: try scope.secrets.value(of: "AWS_ACCESS_KEY_ID"),
                secret: try scope.secrets.value(of: "AWS_SECRET_ACCESS_KEY"),
                token: token
            ),
            region: aws.required(Self.region),
            service: aws.required(Self.service)
        )
    }

    private func target(in scope: Scope) throws(StepFailure) -> OutgoingTarget {
        let parameters = try texts(Self.query, in: scope, for: .query)
        if let url = options[Self.url] { return try OutgoingTarget(url, adding: parameters, in: scope) }
        guard let name = options[Self.to] else { throw .final("'http' needs 'url' or 'to'") }
        return try OutgoingTarget(
            to: name,
            path: options[Self.path],
            adding: parameters,
            among: destinations,
            in: scope
        )
    }

    private func texts(
        _ field: Field<[OptionValue.NamedTemplate]>,
        in scope: Scope,
        for place: EncodingContext
    ) throws(StepFailure) -> [(name: String, value: String)] {
        var texts: [(name: String, value: String)] = []
        for entry in options.required(field) {
            texts.append((entry.name, try entry.template.text(in: scope, for: place)))
        }
        return texts
    }

    private func body(for method: String, in scope: Scope) throws(StepFailure) -> HTTPBody? {
        if let json = options[Self.json] { return .text(try json.json(in: scope).text, type: "application/json") }
        if let body = options[Self.body] {
            return .text(try body.text(in: scope, for: .text), type: "text/plain; charset=utf-8")
        }
        let form = try texts(Self.form, in: scope, for: .requestField)
        if !form.isEmpty { return .text(RequestURL.form(form), type: "application/x-www-form-urlencoded") }
        if options.required(Self.bodyRaw) { return .event(scope.event.rawBody) }
        if let file = options[Self.bodyFile] { return .file(try StepFile(file, in: scope)) }
        let parts = options.required(Self.multipart)
        if !parts.isEmpty {
            return .multipart(try parts.map { part throws(StepFailure) in try Self.part(part, in: scope) })
        }
        return ["POST", "PUT", "PATCH"].contains(method)
            ? .text(scope.event.payload.text, type: "application/json") : nil
    }

    private static func part(
        _ part: OptionValue.NamedEntry,
        in scope: Scope
    ) throws(StepFailure) -> HTTPBody.Part {
        switch part.content {
        case .template(let template):
            return .init(name: part.name, content: .text(try template.text(in: scope, for: .requestField)))
        case .options(let options):
            if let json = options[partJSON] {
                guard options[partFile] == nil, options[partName] == nil, options[partType] == nil else {
                    throw .final("the part '\(part.name)' has 'json' and other options; give only one")
                }
                return .init(name: part.name, content: .json(try json.json(in: scope).text))
            }
            guard let template = options[partFile] else {
                throw .final("the part '\(part.name)' needs 'file' or 'json'")
            }
            let file = try StepFile(template, in: scope)
            let name = try options[partName]
                .map { template throws(StepFailure) in try template.text(in: scope, for: .text) }
            let type = options[partType] ?? file.type
            guard !type.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                throw .final("the 'type' of the part '\(part.name)' contains a control character")
            }
            return .init(name: part.name, content: .file(file, name: name ?? file.name, type: type))
        }
    }

    private func headers(
        in scope: Scope,
        for target: OutgoingTarget,
        type: String?
    ) throws(StepFailure) -> [OutgoingRequest.Header] {
        let setsAuthorization = target.named?.destination?.authentication.word != nil
        var headers: [OutgoingRequest.Header] = []
        for (name, value) in try texts(Self.headers, in: scope, for: .header) {
            if let fault = EncodingContext.header.fault(ofName: name) { throw .final(fault) }
            guard !isReserved(name.lowercased()) else {
                throw .final("the header '\(name)' is set by Countersign; leave it out")
            }
            guard !setsAuthorization || name.lowercased() != "authorization" else {
                throw .final("the header '\(name)' is set by the destination \(target.name); leave it out")
            }
            guard !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
                throw .final(
                    "the header '\(name)' contains a control character after substitution, which is not allowed in a header"
                )
            }
            headers.append(.init(name, value))
        }
        if let type, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(.init("Content-Type", type))
        }
        return headers
    }

    /// Whether Countersign sets the header of this name in lower case.
    private func isReserved(_ name: String) -> Bool {
        if HTTPPlan.ownHeaders.contains(name) { return true }
        if !options.required(Self.multipart).isEmpty, name == "content-type" { return true }
        guard let sign = options[Self.sign] else { return false }
        if sign[Self.secret] != nil { return name.hasPrefix("webhook-") }
        return ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "host"].contains(name)
    }

    /// Sends the request, with the idempotency key as the header `Idempotency-Key`.
    ///
    /// - Throws: `StepFailure` where there is no response, or its status code is not an expected one.
    package func perform(_ plan: HTTPPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
