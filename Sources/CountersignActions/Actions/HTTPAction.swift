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
    private static let statuses = Field.integers("status", in: 100...599, "The status codes that mean success.")
    private static let expect = Field.group(
        "expect",
        [statuses.declaration],
        "The expected response; by default any status code from 200 to 299."
    )
    private static let secret = Field.template(
        "secret",
        in: .credential,
        "The key shared with the receiver: `whsec_` and Base64.",
        isRequired: true
    )
    private static let sign = Field.group(
        "sign",
        [secret.declaration],
        "Signs the request according to the Standard Webhooks specification: webhook-id, webhook-timestamp, webhook-signature."
    )

    /// The declaration of `http`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "http",
        summary: "Sends an HTTP request; without a body of its own, POST, PUT and PATCH send the event's JSON.",
        mainField: "url",
        fields: [
            url.declaration, to.declaration, path.declaration, method.declaration, headers.declaration,
            query.declaration, json.declaration, form.declaration, body.declaration, bodyRaw.declaration,
            expect.declaration, sign.declaration,
        ],
        alternatives: [["json", "form", "body", "body_raw"]],
        exactlyOneOf: [["url", "to"]],
        dependencies: [("path", needs: "to")],
        outputs: [
            .init("status_code", "The status code of the response."),
            .init("headers", "The response headers, with lower-case names."),
            .init("body", "The first 64KiB of the response body, decompressed; parsed if it is JSON, otherwise text."),
            .init(
                "body_problem",
                "Why `body` is text although the response claims to be JSON; absent otherwise."
            ),
            .init(
                "headers_problem",
                "Which headers are not valid UTF-8, such as a file name in Latin-1; absent if all are."
            ),
        ],
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
            signingSecret: try options[Self.sign]
                .map { options throws(StepFailure) in
                    try options.required(Self.secret).text(in: scope, for: .credential)
                },
            accepted: options[Self.expect].flatMap { $0[Self.statuses] }
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
        return ["POST", "PUT", "PATCH"].contains(method)
            ? .text(scope.event.payload.text, type: "application/json") : nil
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
            let isSignature = options[Self.sign] != nil && name.lowercased().hasPrefix("webhook-")
            guard !HTTPPlan.ownHeaders.contains(name.lowercased()), !isSignature else {
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

    /// Sends the request, with the idempotency key as the header `Idempotency-Key`.
    ///
    /// - Throws: `StepFailure` where there is no response, or its status code is not an expected one.
    package func perform(_ plan: HTTPPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
