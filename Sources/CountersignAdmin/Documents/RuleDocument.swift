import CountersignEngine
import CountersignModel
import CountersignRules
import CountersignStore
import Foundation

/// A rule in force, with what became of it.
struct RuleDocument: Sendable {
    let rule: Rule

    /// Runs that were made in the last 24 hours.
    let runsLastDay: Int

    /// Runs that failed for good and wait for somebody.
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

extension AdminDesk {
    /// The rules in force, in their order.
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

    /// The text of a rule in force, as its file has it; empty where the store no longer has the file.
    func source(of rule: Rule) async throws -> String {
        guard let ruleSet = book.current?.ruleSet, let json = try await store.sources(of: ruleSet.version),
            let file = RuleSources(json: json)?.files.first(where: { $0.path == rule.file })
        else { return "" }
        let next = ruleSet.rules.filter { $0.file == rule.file && $0.line > rule.line }.map(\.line).min()
        let lines = String(decoding: file.text, as: UTF8.self).components(separatedBy: "\n")
        return Self.excerpt(of: lines, from: rule.line, to: next ?? lines.count + 1)
    }

    /// The lines of a rule that begins on the line `first`: those that are indented further than its dash.
    package static func excerpt(of lines: [String], from first: Int, to end: Int) -> String {
        guard lines.indices.contains(first - 1), end > first else { return "" }
        let margin = lines[first - 1].prefix { $0 == " " }.count
        let rest = lines[first..<min(end - 1, lines.count)]
            .prefix { line in
                line.allSatisfy(\.isWhitespace) || line.prefix { $0 == " " }.count > margin
            }
        var kept = [lines[first - 1]] + rest
        while kept.last?.allSatisfy(\.isWhitespace) == true { kept.removeLast() }
        return kept.map { String($0.dropFirst(min(margin, $0.prefix { $0 == " " }.count))) }.joined(separator: "\n")
    }

    /// What the rules in force would do with a body, or why it is no event.
    func dryRun(_ body: [UInt8]) async throws(APIError) -> (event: Event, reports: [DryRun.RuleReport]) {
        guard let rules = book.current?.ruleSet else { throw APIError(.unavailable, "no rules are in force") }
        let delivery: Delivery
        do {
            delivery = try reader.read(body, origin: .callback)
        } catch {
            throw APIError(.badRequest, error.reason)
        }
        let event = Event(
            id: Event.ID(rawValue: 0),
            name: delivery.name,
            payload: delivery.payload,
            origin: .callback,
            receivedAt: clock.now
        )
        return (event, await DryRun(ruleSet: rules, planner: planner).report(on: event, at: clock.now))
    }
}
