import CountersignEngine
import CountersignModel
import CountersignRules
import CountersignStore
import Foundation

/// A active rule, with what became of it.
struct RuleDocument: Sendable {
    let rule: Rule

    /// Runs that were made in the last 24 hours.
    let runsLastDay: Int

    /// Runs that failed for good and need attention.
    let failed: Int

    var json: JSON { .object(object) }

    /// The rule with its text in the file.
    func json(source: String) -> JSON {
        var object = object
        object["source"] = .string(source)
        return .object(object)
    }

    private var object: JSONObject {
        [
            "id": .string(rule.id), "description": JSON(rule.summary), "enabled": .bool(rule.isEnabled),
            "file": .string(rule.file), "line": JSON(rule.line),
            "steps": .array(rule.steps.map { ["id": .string($0.id), "action": .string($0.action)] }),
            "runs_last_day": JSON(runsLastDay), "failed": JSON(failed),
        ]
    }
}

extension AdminService {
    /// The active rules, in order.
    func rules() async throws -> [RuleDocument] {
        let activity = try await store.activity(since: clock.now.addingTimeInterval(-86_400))
        let counts = activity.reduce(into: [:]) { counts, row in counts[row.ruleID, default: 0] += row.count }
        var documents: [RuleDocument] = []
        for rule in book.current?.ruleSet.rules ?? [] {
            let failed = try await store.runCount(ofRule: rule.id, in: .failed)
            documents.append(RuleDocument(rule: rule, runsLastDay: counts[rule.id] ?? 0, failed: failed))
        }
        return documents
    }

    /// The text of a active rule, as its file has it; empty where the store no longer has the file.
    func source(of rule: Rule) async throws -> String {
        guard let version = book.current?.ruleSet.version, let json = try await store.sources(of: version) else {
            return ""
        }
        return RuleSources(json: json)?.outlines.first { $0.id == rule.id }?.text ?? ""
    }

    /// What the active rules would do with a body, or why it is no event.
    func dryRun(_ body: [UInt8]) async throws(APIError) -> (event: Event, reports: [DryRun.RuleReport]) {
        guard let rules = book.current?.ruleSet else { throw APIError(.unavailable, "there are no active rules") }
        let delivery: Delivery
        do {
            // By hand, since events that only rules raise are tried as well.
            delivery = try reader.read(body, origin: .manual)
        } catch {
            throw APIError(.badRequest, error.reason)
        }
        let event = Event(
            id: Event.ID(rawValue: 0),
            name: delivery.name,
            payload: delivery.payload,
            origin: EventCatalogue.origin(of: delivery.name),
            receivedAt: clock.now
        )
        return (event, await DryRun(ruleSet: rules, planner: planner).report(on: event, at: clock.now))
    }
}
