import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import HTTPTypes

extension Endpoint {
    static func rules(_ operations: Operations) -> [Endpoint] {
        [listRules(operations), showRule(operations), dryRun(operations)]
    }

    private static func listRules(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/rules",
            summary: "The active rules, in order.",
            content: .json(
                .object([("version", .nullable(.string)), ("rules", .array(.named("Rule")))])
            ),
            refusals: [.unavailable]
        ) { _ in
            let rules = try await operations.rules()
            return APIAnswer([
                "version": JSON(operations.book.current?.ruleSet.version.rawValue),
                "rules": .array(rules.map(\.json)),
            ])
        }
    }

    private static func showRule(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/rules/{id}",
            summary: "One active rule with its source.",
            pathParameter: Parameter(name: "id", schema: .string, summary: "Rule"),
            content: .json(.named("RuleWithSource")),
            refusals: [.notFound, .unavailable]
        ) { request in
            let found = try await operations.rule(request["id"] ?? "")
            return APIAnswer(RuleDetails(status: found.status, source: found.source).json)
        }
    }

    private static func dryRun(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/dry-run",
            summary: "What the active rules would do with a callback; nothing is stored or executed.",
            body: .callback,
            content: .json(.object([("event", .any), ("rules", .array(.named("RuleReport")))])),
            refusals: [.badRequest, .unavailable]
        ) { request in
            let (event, reports) = try await operations.dryRun(request.body)
            return APIAnswer(["event": event.payload, "rules": .array(reports.map(\.json))])
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
            content: .json(.object([("bodies", .array(.named("QuarantinedBody"))), ("next", .nullable(.id))])),
            refusals: [.badRequest, .unavailable]
        ) { request in
            let bodies = try await operations.store.quarantined(QuarantineQuery(request))
            let next = bodies.count == request.limit ? bodies.last?.id : nil
            return APIAnswer(["bodies": .array(bodies.map(\.json)), "next": next.map { JSON($0) } ?? .null])
        }
    }

    private static func showQuarantined(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/quarantine/{id}",
            summary: "One body that could not be read, and why.",
            pathParameter: Parameter(name: "id", schema: .id, summary: "Body"),
            content: .json(.named("QuarantinedBody")),
            refusals: [.notFound, .unavailable]
        ) { request in
            guard let body = try await operations.store.quarantined(request.id) else {
                return APIAnswer(.notFound, "there is no quarantined body \(request.id)")
            }
            return APIAnswer(body.json)
        }
    }

    static func commands(_ operations: Operations) -> [Endpoint] {
        let state = Endpoint(
            method: .get,
            path: "/state",
            summary: "The server's configuration and health, for `countersign doctor`.",
            content: .json(.any),
            refusals: [.unavailable]
        ) { _ in APIAnswer(try await operations.commands.state()) }
        return [replay(operations), state] + (operations.commands.poll.map { [poll($0)] } ?? [])
    }

    private static func replay(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/replay",
            summary: "Evaluate stored events again with the active rules.",
            body: .object([
                ("events", .array(.id)), ("rule?", .nullable(.string)), ("again", .boolean), ("dry_run", .boolean),
            ]),
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
            refusals: [.badRequest, .conflict, .unavailable]
        ) { request in
            guard let json = try? JSON(parsing: request.body, limits: JSON.Limits()),
                let order = ReplayRequest(json: json)
            else {
                return APIAnswer(.badRequest, "the request is invalid; see /api/v1/openapi.json")
            }
            do {
                return APIAnswer(["runs": .array(try await operations.commands.replay(order).map(\.json))])
            } catch let error as ReplayError {
                return APIAnswer(.conflict, "\(error)")
            }
        }
    }

    private static func poll(_ poll: @escaping @Sendable (JSON) async throws -> JSON) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/poll",
            summary: "Poll OneSpan Sign now for events without a callback.",
            body: .object([("since?", .nullable(.dateTime)), ("dry_run?", .boolean)]),
            content: .json(.any),
            refusals: [.badRequest, .unavailable, .badGateway]
        ) { request in
            guard let order = try? JSON(parsing: request.body, limits: JSON.Limits()) else {
                return APIAnswer(.badRequest, "the request is not valid JSON")
            }
            do {
                return APIAnswer(try await poll(order))
            } catch let error as StoreError {
                return APIAnswer(.unavailable, "\(error)")
            } catch {
                return APIAnswer(.badGateway, "\(error)")
            }
        }
    }
}
