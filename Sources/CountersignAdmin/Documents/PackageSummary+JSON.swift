import CountersignModel
import CountersignStore

extension PackageSummary {
    var json: JSON {
        let runs = Run.State.allCases.compactMap { state in
            self.runs[state].map { JSONObject.Member(key: state.rawValue, value: JSON($0)) }
        }
        return [
            "id": .string(id), "name": JSON(name), "events": JSON(events), "first_at": .string(firstAt.rfc3339),
            "last_at": .string(lastAt.rfc3339), "last_event": .string(lastEvent),
            "runs": .object(JSONObject(runs)),
        ]
    }
}
