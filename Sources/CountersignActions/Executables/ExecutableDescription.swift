import CountersignCore

/// Reads what a program says of itself into a declaration.
struct ExecutableDescription {
    /// A fault of the description, in words.
    struct Fault: Error {
        let words: String

        init(_ words: String) { self.words = words }
    }

    private static let kinds = ["text", "integer", "boolean", "duration", "json", "map"]

    let declaration: ActionDeclaration

    /// The values of options that a rule leaves out.
    let defaults: [String: JSON]

    init(_ object: JSONObject) throws(Fault) {
        try Self.require(
            object,
            keys: ["name", "summary", "main_field", "fields", "outputs", "leaves_files"],
            in: "the description"
        )
        var fields: [FieldDeclaration] = []
        var defaults: [String: JSON] = [:]
        for item in try Self.list(object["fields"], "fields") {
            let field = try Self.field(item)
            guard !fields.contains(where: { $0.key == field.key }) else {
                throw Fault("the field '\(field.key)' is repeated")
            }
            fields.append(field)
            defaults[field.key] = item["default"].flatMap { $0 == .null ? nil : $0 }
        }
        var outputs: [ActionDeclaration.Output] = []
        for item in try Self.list(object["outputs"], "outputs") {
            try Self.require(item, keys: ["name", "summary"], in: "an output")
            outputs.append(.init(try Self.text(item, "name", "an output"), try Self.text(item, "summary", "an output")))
        }
        var main: String?
        if let given = object["main_field"], given != .null {
            main = try Self.text(object, "main_field", "the description")
            guard fields.contains(where: { $0.key == main }) else { throw Fault("'main_field' names no field") }
        }
        let leavesFiles = object["leaves_files"].flatMap { $0 == .null ? nil : $0 }
        guard leavesFiles == nil || leavesFiles?.bool != nil else { throw Fault("'leaves_files' is true or false") }
        declaration = ActionDeclaration(
            name: try Self.text(object, "name", "the description"),
            summary: try Self.text(object, "summary", "the description"),
            mainField: main,
            fields: fields,
            outputs: outputs,
            leavesFiles: leavesFiles?.bool ?? false
        )
        self.defaults = defaults
    }

    private static func field(_ item: JSONObject) throws(Fault) -> FieldDeclaration {
        let key = try text(item, "key", "a field")
        let place = "the field '\(key)'"
        try require(item, keys: ["key", "type", "required", "summary", "default"], in: place)
        let type = try text(item, "type", place)
        guard let kind = kind(type) else {
            throw Fault("\(place) has the type '\(type)'; there are \(kinds.joined(separator: ", "))")
        }
        let isRequired = item["required"]?.bool
        guard isRequired != nil || item["required"] == nil else {
            throw Fault("'required' of \(place) is true or false")
        }
        let fallback = item["default"].flatMap { $0 == .null ? nil : $0 }
        if let fallback, !fits(fallback, kind) {
            throw Fault("the default of \(place) is no value of the type '\(type)'")
        }
        return FieldDeclaration(
            key: key,
            kind: kind,
            summary: try text(item, "summary", place),
            isRequired: isRequired ?? false,
            defaultText: fallback?.plainText
        )
    }

    private static func kind(_ type: String) -> OptionKind? {
        switch type {
        case "text": .template(.text)
        // JSON carries whole numbers exactly up to here in every language.
        case "integer": .integer(-9_007_199_254_740_991...9_007_199_254_740_991)
        case "boolean": .boolean
        case "duration": .duration
        case "json": .json(.text)
        case "map": .templates(.text)
        default: nil
        }
    }

    private static func fits(_ value: JSON, _ kind: OptionKind) -> Bool {
        switch kind {
        case .template: value.string != nil
        case .integer(let range): value.number?.integer.map { range.contains($0) } ?? false
        case .boolean: value.bool != nil
        case .duration: value.string.flatMap { Duration(text: $0) } != nil
        case .templates: value.object?.members.allSatisfy { $0.value.string != nil } ?? false
        default: true
        }
    }

    private static func list(_ value: JSON?, _ key: String) throws(Fault) -> [JSONObject] {
        switch value {
        case nil, .null?: return []
        case .array(let items)?:
            let objects = items.compactMap(\.object)
            guard objects.count == items.count else { throw Fault("'\(key)' is a list of objects") }
            return objects
        default: throw Fault("'\(key)' is a list of objects")
        }
    }

    private static func text(_ object: JSONObject, _ key: String, _ place: String) throws(Fault) -> String {
        guard let text = object[key]?.string, !text.isEmpty else { throw Fault("\(place) has no text '\(key)'") }
        return text
    }

    private static func require(_ object: JSONObject, keys: [String], in place: String) throws(Fault) {
        if let key = object.keys.first(where: { !keys.contains($0) }) {
            throw Fault("\(place) has a key '\(key)', but there are only \(keys.joined(separator: ", "))")
        }
    }
}
