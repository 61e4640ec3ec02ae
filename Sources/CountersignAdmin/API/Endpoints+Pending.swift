import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation
import HTTPTypes

extension Endpoint {
    static func pending(_ operations: Operations) -> [Endpoint] {
        [
            listPending(operations), showPending(operations),
            changePending(
                .cancel,
                "cancel",
                "Cancel something pending: nothing runs. Of a schedule, the next occurrence is skipped.",
                operations
            ),
            changePending(
                .runNow,
                "run-now",
                "Make something pending due now. A schedule occurs now, and then as planned.",
                operations
            ),
            listPauses(operations), pause(operations), resume(operations),
        ]
    }

    /// What a list of the pending can be narrowed by.
    static let pendingFilters = [
        Parameter(name: "rule", schema: .string, summary: "Only that of this rule."),
        Parameter(name: "package", schema: .string, summary: "Only that of events of this package."),
        Parameter(
            name: "kind",
            schema: .choice(PendingKind.allCases.map(\.rawValue)),
            summary: "Only that of this kind; without it, all but `throttle` and `threshold`, which only count."
        ),
    ]

    private static let pendingID = Parameter(name: "id", schema: .string, summary: "Pending item")

    /// Who gives a command, for the record.
    private static let by = Parameter(
        name: "by",
        schema: .string,
        summary: "Who gives the command, for the record; it is stored together with what let the request in."
    )

    private static func listPending(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/pending",
            summary:
                "What rules with state keep open: queues in which runs wait, then timers, digests and the like by due time.",
            query: pendingFilters + [limit],
            content: .json(.named(PendingList.shape.name)),
            refusals: [.badRequest, .conflict, .unavailable]
        ) { request in APIAnswer(try await operations.questions.pending(PendingQuery(request)).json) }
    }

    private static func showPending(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/pending/{id}",
            summary: "One thing that is pending, by its number or the name of its queue, with what was decided so far.",
            pathParameter: pendingID,
            content: .json(.named(PendingDetails.shape.name)),
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(try await operations.questions.pendingItem(request["id"] ?? "").json) }
    }

    private static func changePending(
        _ action: PendingChange.Action,
        _ word: String,
        _ summary: String,
        _ operations: Operations
    ) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/pending/{id}/\(word)",
            summary: summary,
            pathParameter: pendingID,
            query: [by],
            content: .json(.named(PendingChange.shape.name)),
            refusals: [.badRequest, .notFound, .conflict, .unavailable]
        ) { request in
            let person = request.person(request["by"])
            return APIAnswer(try await operations.change(action, pending: request["id"] ?? "", by: person).json)
        }
    }

    private static func listPauses(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/pauses",
            summary: "What is paused, oldest first, and what is being resumed at a rate.",
            content: .json(.named(PauseList.shape.name)),
            refusals: [.unavailable]
        ) { _ in APIAnswer(try await operations.questions.pauses().json) }
    }

    private static func pause(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/pauses",
            summary:
                "Pause a rule, a destination or everything, for all instances; `until` is a time or a duration such as `2h`.",
            body: .named("PauseRequest"),
            content: .json(.named(Pause.shape.name)),
            refusals: [.badRequest, .notFound, .unavailable]
        ) { request in
            let json = try request.json()
            let order = try PauseRequest(json: json, at: request.now)
            return APIAnswer(try await operations.pause(order, by: request.person(json["by"]?.string)).json)
        }
    }

    private static func resume(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/pauses/resume",
            summary:
                "Resume a rule, a destination or everything; what waited for it is due at once, or at a `rate` such as `5/1s`.",
            body: .named("ResumeRequest"),
            content: .json(.object([])),
            refusals: [.badRequest, .conflict, .unavailable]
        ) { request in
            let json = try request.json()
            try await operations.resume(try ResumeRequest(json: json), by: request.person(json["by"]?.string))
            return APIAnswer([:])
        }
    }
}

extension PendingQuery {
    init(_ request: APIRequest) {
        self.init(
            ruleID: request["rule"],
            packageID: request["package"],
            kind: request["kind"].flatMap { PendingKind(rawValue: $0) },
            limit: request.limit
        )
    }
}
