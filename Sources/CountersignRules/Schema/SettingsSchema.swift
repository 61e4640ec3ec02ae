package import CountersignCore

/// The JSON Schema (draft-07) of a settings file, for editors: derived from the settings that there are.
package enum SettingsSchema {
    /// The schema of a file with these settings.
    package static func json(of settings: [FieldDeclaration]) -> JSON {
        let head: JSONObject = [
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Countersign settings",
            "description": "The settings of Countersign (countersign.yaml).",
        ]
        guard case .object(var options) = RuleSchema.options(settings) else { return .object(head) }
        // A file in which all is commented out sets nothing.
        options["type"] = ["object", "null"]
        return .object(JSONObject(head.members + options.members))
    }
}
