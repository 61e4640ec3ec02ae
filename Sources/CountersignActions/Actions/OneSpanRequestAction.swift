package import CountersignCore
import CountersignOutbound

/// Sends a request of one's own to the vendor's API.
package struct OneSpanRequestAction: Action {
    private static let path = Field.template(
        "path",
        in: .apiPath,
        "The path below `/api/`, such as `/api/packages/${event.packageId}/audit`; values are percent-encoded.",
        isRequired: true
    )
    private static let method = Field.choice(
        "method",
        ["GET", "POST", "PUT", "PATCH", "DELETE"],
        "The request's method.",
        default: "GET"
    )
    private static let query = Field.templates(
        "query",
        in: .query,
        "Query parameters, percent-encoded and appended to the path."
    )
    private static let json = Field.json("json", in: .requestField, "A JSON value as the body.")
    private static let statuses = Field.integers("status", in: 100...599, "The status codes that mean success.")
    private static let expect = Field.group(
        "expect",
        [statuses.declaration],
        "The expected response; by default any status code from 200 to 299."
    )

    /// How much of a body is kept as an output.
    private static let longestBody = 64 << 10

    /// The declaration of `onespan.request`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.request",
        summary: "Sends a request to the REST API of OneSpan Sign with the account's authentication.",
        mainField: "path",
        fields: [
            path.declaration, method.declaration, query.declaration, json.declaration, expect.declaration,
        ],
        outputs: [
            .init("status_code", "The status code of the response."),
            .init("headers", "The response headers, with lower-case names."),
            .init("body", "The first 64KiB of the response body; parsed if it is JSON, otherwise text."),
            .init("body_problem", "Why `body` is text although the response claims to be JSON; absent otherwise."),
            .init(
                "headers_problem",
                "Which headers are not valid UTF-8, such as a file name in Latin-1; absent if all are."
            ),
        ],
        notes: [
            "Status codes are retried as those of `http`: 404, 408, 409, 425, 429 and 5xx. OneSpan Sign knows no idempotency keys: if the program stops before it has stored the response, the request is sent again. Use `PUT` where you can, and the actions below where there is one."
        ],
        examples: [
            .init(
                "Read the audit trail.",
                yaml: "onespan.request: \"/api/packages/${event.packageId}/audit\""
            ),
            .init(
                "Set a field of the package's data.",
                yaml: """
                    onespan.request:
                      method: PUT
                      path: "/api/packages/${event.packageId}"
                      json: { data: { filed: "${event.createdDate}" } }
                    """
            ),
        ]
    )

    /// A request that is about to be sent.
    package struct Plan: ActionPlan {
        let request: VendorRequest
        let accepted: [Int]?

        /// The request as people read it, without the authentication.
        package var json: JSON {
            var object: JSONObject = ["method": .string(request.method), "path": .string(request.path)]
            object["json"] = request.json
            object["expect"] = accepted.map { .array($0.map { JSON($0) }) }
            return .object(object)
        }

        /// The same for all steps that use the API of OneSpan Sign.
        package var destination: String? { PackageTarget.destination }
    }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in path, query and body.
    ///
    /// - Throws: `StepFailure` where a value leads out of `/api/`, or a body is given to a method that has none.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let template = options.required(Self.path)
        let method = options.required(Self.method)
        let path = try template.text(in: scope, for: .apiPath)
        try EncodingContext.checkAPIPath(path, source: template.source)
        var parameters: [(name: String, value: String)] = []
        for entry in options.required(Self.query) {
            parameters.append((entry.name, try entry.template.text(in: scope, for: .query)))
        }
        let json = try options[Self.json].map { json throws(StepFailure) in try json.json(in: scope) }
        guard json == nil || method != "GET" else {
            throw .final("a GET request has no body; set 'method', or leave 'json' out")
        }
        return Plan(
            request: VendorRequest(method, path: RequestURL.adding(parameters, to: path), json: json),
            accepted: options[Self.expect].flatMap { $0[Self.statuses] }
        )
    }

    /// Sends the request.
    ///
    /// - Throws: `StepFailure` in the vendor's words where the status is none of those that mean success.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let answer = try await context.services.vendor().answer(to: plan.request)
        let whole = answer.answer
        let isCut = whole.isCut || whole.body.count > Self.longestBody
        let kept = IncomingAnswer(
            status: whole.status,
            headers: whole.headers,
            body: Array(whole.body.prefix(Self.longestBody)),
            isCut: isCut
        )
        let outputs = kept.outputs
        if plan.accepted?.contains(whole.status) ?? (answer.failure == nil) { return outputs }
        let failure = answer.failure
        throw StepFailure(
            failure?.reason
                ?? "OneSpan Sign answered \(plan.request.method) with \(whole.status), which 'expect.status' does not list",
            isWorthRetrying: HTTPPlan.isWorthRetrying(whole.status),
            retryAfter: failure?.retryAfter,
            isOutage: whole.status >= 500,
            output: .object(outputs)
        )
    }
}
