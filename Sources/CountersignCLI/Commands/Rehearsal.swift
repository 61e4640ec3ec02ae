import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTerminal
import Foundation

/// What reports on an event that is only tried: the rules of a folder here, or the active ones of a server elsewhere.
struct Rehearsal {
    /// What the rules would do with an event.
    let report: (Delivery, Event) async throws -> DryRunReport

    /// The next occurrence of the rule of this id, as a payload; nil where no rule has the id.
    let occurrence: (String) async throws -> JSON?

    /// By the active rules of a server, which looks into its store.
    init(server: RemoteClient, now: Date) {
        func told<Value>(_ work: () async throws -> Value) async throws -> Value {
            do {
                return try await work()
            } catch let error as OperationError {
                throw CommandFailure(error.description)
            }
        }
        report = { delivery, event in try await told { try await server.dryRun(delivery.body, on: event) } }
        occurrence = { id in
            let known = try await told { try await server.rules().rules.map(\.id) }
            return known.contains(id) ? Self.payload(rule: id, due: now) : nil
        }
    }

    /// By the rules of a set, which looks into the store of `archive` where there is one.
    init(_ dryRun: DryRun, of ruleSet: RuleSet, on archive: (any Archive)?, clock: any WallClock) {
        report = { _, event in
            guard let archive else {
                return DryRunReport(event: event, rules: await dryRun.report(on: event, at: clock.now))
            }
            do {
                let rules = try await dryRun.report(on: event, at: clock.now) { try await archive.snapshot(for: $0) }
                return DryRunReport(event: event, rules: rules)
            } catch {
                throw CommandFailure("what rules have open cannot be read: \(error)")
            }
        }
        occurrence = { id in
            guard let rule = ruleSet.rule(id) else { return nil }
            guard let schedule = rule.schedule else {
                throw CommandFailure(
                    "rule '\(id)' has no schedule: give the payload of an event, such as a file or a sample"
                )
            }
            return Self.payload(rule: id, due: schedule.next(after: clock.now) ?? clock.now)
        }
    }

    private static func payload(rule: String, due: Date) -> JSON {
        [
            "name": .string(RuleEvent.schedule.name), "rule": .string(rule), "due": .string(due.rfc3339),
            "createdDate": .string(due.rfc3339), "missed": 0,
        ]
    }
}
