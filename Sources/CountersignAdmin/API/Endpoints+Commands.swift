import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import HTTPTypes

extension Endpoint {
    static func rules(_ operations: Operations) -> [Endpoint] {
        [
            listRules(operations), showRule(operations), installRules(operations), dryRun(operations), diff(operations),
            editEffects(operations),
        ]
    }

    private static func listRules(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/rules",
            summary: "The active rules, in order.",
            content: .json(.named("RuleList")),
            refusals: [.unavailable]
        ) { _ in APIAnswer(try await operations.questions.rules().json) }
    }

    private static func showRule(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/rules/{id}",
            summary: "One active rule with its source.",
            pathParameter: Parameter(name: "id", schema: .string, summary: "Rule"),
            content: .json(.named("RuleWithSource")),
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(try await operations.questions.rule(request["id"] ?? "").json) }
    }

    private static func installRules(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/rules",
            summary: "Activate rules, for every instance of the store.",
            body: .named("RuleFiles"),
            content: .json(.named(RuleInstallation.shape.name)),
            refusals: [.badRequest, .unavailable]
        ) { request in
            APIAnswer(try await operations.commands.install(try request.ruleFiles()).json)
        }
    }

    private static func dryRun(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/dry-run",
            summary: "What the active rules would do with a callback; nothing is stored or executed.",
            body: .callback,
            content: .json(.named("DryRun")),
            refusals: [.badRequest, .unavailable]
        ) { request in APIAnswer(try await operations.dryRun(request.body).json) }
    }

    private static func diff(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/diff",
            summary:
                "Which runs edited rules would add and remove, for the stored events; nothing is stored or executed.",
            body: .named("DiffRequest"),
            content: .json(.named("Diff")),
            refusals: [.badRequest, .conflict, .unavailable]
        ) { request in
            let order = try DiffRequest(json: try request.json())
            return APIAnswer(try await operations.questions.diff(order) { _, _ in }.json)
        }
    }

    private static func editEffects(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/edit-effects",
            summary: "What becomes of open timers, digests and counts under edited rules; nothing is changed.",
            body: .named("RuleFiles"),
            content: .json(.named("EditEffects")),
            refusals: [.badRequest, .unavailable]
        ) { request in
            let effects = try await operations.questions.editEffects(of: try request.ruleFiles())
            return APIAnswer(["open": .array(effects.map(\.json))])
        }
    }

    static func quarantine(_ operations: Operations) -> [Endpoint] {
        [listQuarantine(operations), showQuarantined(operations)]
    }

    private static func listQuarantine(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/quarantine",
            summary: "Bodies that could not be read as events, newest first.",
            query: quarantineFilters + [limit],
            content: .json(.named("QuarantineList")),
            refusals: [.badRequest, .unavailable]
        ) { request in APIAnswer(try await operations.questions.quarantined(QuarantineQuery(request)).json) }
    }

    private static func showQuarantined(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/quarantine/{id}",
            summary: "One body that could not be read, and why.",
            pathParameter: Parameter(name: "id", schema: .id, summary: "Body"),
            content: .json(.named("QuarantinedBody")),
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(try await operations.questions.quarantinedBody(request.id).json) }
    }

    static func tail(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/tail",
            summary: "What happened last, oldest first; with `after`, what happened since then.",
            query: [
                Parameter(
                    name: "after",
                    schema: .string,
                    summary: "`position` of the previous response; without it, the list begins with the newest events."
                ),
                Parameter(
                    name: "lines",
                    schema: .integer(minimum: 0, maximum: 500),
                    summary: "Without `after`: how many entries to begin with; 10 by default."
                ),
                since, Parameter(name: "event", schema: .string, summary: "Only events with this name."),
                Parameter(name: "package", schema: .string, summary: "Only events of this package."),
            ],
            content: .json(.named("Tail")),
            refusals: [.badRequest, .unavailable]
        ) { request in
            let filter = TailFilter(eventName: request["event"], packageID: request["package"])
            let page =
                if let after = request["after"] {
                    try await operations.questions.entries(after: TailPosition(text: after), filter)
                } else {
                    try await operations.questions.newest(
                        request.number("lines").map { Int($0) } ?? 10,
                        since: request.date("since"),
                        filter
                    )
                }
            return APIAnswer(page.json)
        }
    }

    static func commands(_ operations: Operations) -> [Endpoint] {
        let state = Endpoint(
            method: .get,
            path: "/state",
            summary: "The server's configuration and health, for `countersign doctor`.",
            content: .json(.named("ServerState")),
            refusals: [.unavailable]
        ) { _ in APIAnswer(try await operations.host.state().json) }
        return [replay(operations), state, instances(operations), pollState(operations), poll(operations)]
    }

    private static func replay(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/replay",
            summary: "Evaluate stored events again with the active rules.",
            body: .closed(
                .object([
                    ("events", .array(.id)), ("rule?", .nullable(.string)), ("again?", .nullable(.boolean)),
                    ("dry_run?", .nullable(.boolean)),
                ])
            ),
            takesToken: true,
            content: .json(
                .object([
                    (
                        "runs",
                        .array(
                            .object([
                                ("event", .id), ("rule", .string),
                                ("outcome", .choice(ReplayOutcome.allCases.map(\.rawValue))),
                            ])
                        )
                    )
                ])
            ),
            refusals: [.badRequest, .notFound, .conflict, .unavailable]
        ) { request in
            let order = try ReplayRequest(json: try request.json())
            return APIAnswer([
                "runs": .array(try await operations.commands.replay(order, once: request.token).map(\.json))
            ])
        }
    }

    private static func instances(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/instances",
            summary: "The instances that share the store, and the active rules.",
            content: .json(.named(InstanceList.shape.name)),
            refusals: [.unavailable]
        ) { _ in APIAnswer(try await operations.questions.instances().json) }
    }

    private static func pollState(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/poll",
            summary:
                "When the last poll finished, and how many events all polls have recovered; null before the first.",
            query: [
                Parameter(
                    name: "account",
                    schema: .string,
                    summary: "The name of the account, where accounts have names."
                )
            ],
            content: .json(.nullable(.named("PollState"))),
            refusals: [.unavailable]
        ) { APIAnswer(try await operations.pollState(of: $0["account"])) }
    }

    private static func poll(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/poll",
            summary: "Poll OneSpan Sign now for events without a callback.",
            body: .named("PollRequest"),
            content: .json(.named("PollReport")),
            refusals: [.badRequest, .conflict, .unavailable, .badGateway]
        ) { request in
            APIAnswer(try await operations.commands.poll(try PollRequest(json: try request.json())).json)
        }
    }
}

extension APIRequest {
    /// The rule files in the body.
    ///
    /// - Throws: `OperationError` where there are none.
    fileprivate func ruleFiles() throws(OperationError) -> RuleSources {
        guard let sources = RuleSources(json: try json()) else {
            throw OperationError(.invalid, "the request does not hold rule files; see /api/v1/openapi.json")
        }
        return sources
    }

    /// The body as JSON.
    ///
    /// - Throws: `OperationError` where it is none.
    func json() throws(OperationError) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: body, limits: JSON.Limits(depth: 64, keys: .max))
        } catch {
            throw OperationError(.invalid, "the request is not valid JSON: \(error)")
        }
    }
}
