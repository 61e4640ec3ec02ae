package import CountersignModel
package import CountersignStore
import Foundation

extension StoredEvent {
    /// The event as the API and `--json` give it.
    package var json: JSON {
        var object: JSONObject = [
            "id": JSON(event.id.rawValue), "name": .string(event.name), "origin": .string(event.origin.rawValue),
            "received_at": .string(event.receivedAt.rfc3339), "duplicates": JSON(duplicates),
            "dispatched_at": JSON(dispatchedAt?.rfc3339), "rule_set": JSON(ruleSet?.rawValue),
            "payload": event.payload,
        ]
        if let damage { object["damage"] = .string(damage) }
        return .object(object)
    }
}

extension QuarantinedBody {
    /// The body as the API and `--json` give it; bytes that are no UTF-8 are in `body_base64` as well.
    package var json: JSON {
        var object: JSONObject = [
            "id": JSON(id), "received_at": .string(receivedAt.rfc3339), "reason": .string(reason),
            "body": .string(String(decoding: body, as: UTF8.self)),
        ]
        if String(validating: body, as: UTF8.self) == nil {
            object["body_base64"] = .string(Data(body).base64EncodedString())
        }
        return .object(object)
    }
}

extension Run {
    /// The run as the API and `--json` give it.
    package func json(records: [StepRecord]?) -> JSON {
        var object: JSONObject = [
            "id": JSON(id.rawValue), "event": JSON(eventID.rawValue), "rule": .string(ruleID),
            "state": .string(state.rawValue), "due_at": state == .queued ? .string(dueAt.rfc3339) : .null,
            "retries": JSON(retries), "created_at": .string(createdAt.rfc3339),
            "finished_at": JSON(finishedAt?.rfc3339), "rule_set": .string(ruleSet.rawValue),
        ]
        object["waiting_for"] = wait.map { .string($0.destination) }
        object["wait_reason"] = wait.map { .string($0.reason) }
        if let records { object["steps"] = .array(records.map(\.json)) }
        return .object(object)
    }
}

extension StoredEvent {
    /// The event by itself, as the API and `--json` show it: with its runs, the newest first, and its trace.
    package func json(runs: [Run], trace: TraceID) -> JSON {
        var object = json.object ?? JSONObject()
        object["trace_id"] = .string(trace.description)
        object["runs"] = .array(runs.reversed().map { $0.json(records: nil) })
        return .object(object)
    }
}

extension ClaimedRun {
    /// The run by itself, as the API and `--json` show it: with every attempt, and the trace of its event.
    package func json(trace: TraceID) -> JSON {
        var object = run.json(records: records).object ?? JSONObject()
        object["trace_id"] = .string(trace.description)
        return .object(object)
    }
}

extension StepRecord {
    /// The attempt as the API and `--json` give it.
    package var json: JSON {
        [
            "step": JSON(stepID), "attempt": JSON(attempt), "status": .string(status.rawValue),
            "final": .bool(isFinal), "reason": JSON(reason), "plan": plan ?? .null, "output": output ?? .null,
            "started_at": .string(startedAt.rfc3339), "finished_at": .string(finishedAt.rfc3339),
        ]
    }

    /// How long the attempt took.
    package var took: String {
        Duration.milliseconds(Int64((finishedAt.timeIntervalSince(startedAt) * 1_000).rounded())).text
    }
}
