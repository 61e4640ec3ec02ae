/// An option with the Swift type of its value: declared once, it parses, checks, suggests and documents.
public struct Field<Value: Sendable>: Sendable {
    /// What the option is called, takes and means, for checks and docs.
    public let declaration: FieldDeclaration
    let fallback: Value?
    let extract: @Sendable (OptionValue) -> Value?

    init(
        _ key: String,
        _ kind: OptionKind,
        _ summary: String,
        isRequired: Bool = false,
        default fallback: Value? = nil,
        defaultText: String? = nil,
        secrets: [String] = [],
        optionalSecrets: [String] = [],
        extract: @escaping @Sendable (OptionValue) -> Value?
    ) {
        declaration = FieldDeclaration(
            key: key,
            kind: kind,
            summary: summary,
            isRequired: isRequired,
            defaultText: defaultText,
            secrets: secrets,
            optionalSecrets: optionalSecrets
        )
        self.fallback = fallback
        self.extract = extract
    }
}

/// The checked options of one step, or of one group of settings.
public struct Options: Sendable {
    /// The options that were written, in their order.
    public struct Entry: Sendable {
        /// The key under which the option was written.
        public let key: String

        /// The value, checked against the option's kind.
        public let value: OptionValue

        /// A checked value under its key.
        public init(key: String, value: OptionValue) {
            self.key = key
            self.value = value
        }
    }

    /// What was written; defaults are not among them.
    public let entries: [Entry]

    /// Options from what was written and checked.
    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// The value of `field`: what was written, else its default, else nil.
    public subscript<Value>(field: Field<Value>) -> Value? {
        entries.first { $0.key == field.declaration.key }.flatMap { field.extract($0.value) } ?? field.fallback
    }

    /// The value of a field that is required or has a default.
    ///
    /// The checker sees to it that a required option is there; it is the programmer's mistake to ask for another one.
    public func required<Value>(_ field: Field<Value>) -> Value {
        guard let value = self[field] else {
            preconditionFailure("the option '\(field.declaration.key)' is neither required nor has it a default")
        }
        return value
    }
}

extension Field where Value == Template {
    /// A text with `${…}` in it.
    public static func template(
        _ key: String,
        in place: EncodingContext,
        _ summary: String,
        isRequired: Bool = false
    ) -> Field {
        Field(key, .template(place), summary, isRequired: isRequired) {
            if case .template(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == Template {
    /// The name of a destination of the settings, or a template of the package's data that gives one.
    public static func destination(_ key: String, _ summary: String) -> Field {
        Field(key, .destination(known: nil), summary) {
            if case .template(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == [Template] {
    /// A text with `${…}` in it, or a list of such texts.
    public static func templateList(_ key: String, in place: EncodingContext, _ summary: String) -> Field {
        Field(key, .templateList(place), summary, default: []) {
            if case .templateList(let value) = $0 { value } else { nil }
        }
    }

    /// A program and its arguments.
    public static func arguments(_ key: String, _ summary: String, isRequired: Bool = false) -> Field {
        Field(key, .arguments, summary, isRequired: isRequired) {
            if case .arguments(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == [OptionValue.NamedTemplate] {
    /// A map of names to texts with `${…}` in them.
    public static func templates(_ key: String, in place: EncodingContext, _ summary: String) -> Field {
        Field(key, .templates(place), summary, default: []) {
            if case .templates(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == JSONTemplate {
    /// Any JSON value with `${…}` in its strings; the place says whether secrets may be there.
    public static func json(_ key: String, in place: EncodingContext = .text, _ summary: String) -> Field {
        Field(key, .json(place), summary) { if case .json(let value) = $0 { value } else { nil } }
    }

    /// A JSON object with `${…}` in its strings; none of its keys may be one of `reserved`.
    public static func jsonObject(_ key: String, reserved: [String] = [], _ summary: String) -> Field {
        Field(key, .jsonObject(reserved: reserved), summary) { if case .json(let value) = $0 { value } else { nil } }
    }
}

extension Field where Value == String {
    /// A script for `/bin/sh`.
    public static func shellScript(_ key: String, _ summary: String, isRequired: Bool = false) -> Field {
        Field(key, .shellScript, summary, isRequired: isRequired, extract: text)
    }

    /// The name of an event of one's own.
    public static func ownEvent(_ key: String, _ summary: String, isRequired: Bool = false) -> Field {
        Field(key, .ownEvent, summary, isRequired: isRequired, extract: text)
    }

    /// A text in which `${…}` means nothing.
    public static func text(
        _ key: String,
        _ summary: String,
        isRequired: Bool = false,
        default fallback: String? = nil
    ) -> Field {
        Field(key, .text, summary, isRequired: isRequired, default: fallback, defaultText: fallback, extract: text)
    }

    /// A text of a form that is checked, in which `${…}` means nothing.
    public static func form(_ key: String, _ form: TextForm, _ summary: String, isRequired: Bool = false) -> Field {
        Field(key, .form(form), summary, isRequired: isRequired, extract: text)
    }

    /// One of some words.
    public static func choice(_ key: String, _ words: [String], _ summary: String, default fallback: String) -> Field {
        Field(key, .choice(words), summary, default: fallback, defaultText: fallback, extract: text)
    }

    private static let text: @Sendable (OptionValue) -> String? = {
        if case .text(let value) = $0 { value } else { nil }
    }
}

extension Field where Value == [String] {
    /// A list of texts.
    public static func texts(_ key: String, _ summary: String) -> Field {
        Field(key, .texts, summary, default: []) { if case .texts(let value) = $0 { value } else { nil } }
    }
}

extension Field where Value == [String] {
    /// A list of texts of a form that is checked.
    public static func forms(_ key: String, _ form: TextForm, _ summary: String) -> Field {
        Field(key, .forms(form), summary, default: []) { if case .texts(let value) = $0 { value } else { nil } }
    }
}

extension Field where Value == [Options] {
    /// A list of maps with the same options, or one such map alone.
    public static func maps(_ key: String, _ fields: [FieldDeclaration], _ summary: String) -> Field {
        Field(key, .maps(fields, orWord: []), summary) { if case .maps(let value) = $0 { value } else { nil } }
    }
}

extension Field where Value == MapsOrWord {
    /// A list of maps with the same options, one such map alone, or one of some words, of which the first is the default.
    public static func maps(
        _ key: String,
        _ fields: [FieldDeclaration],
        orWord words: [String],
        _ summary: String
    ) -> Field {
        let fallback = words.first
        return Field(
            key,
            .maps(fields, orWord: words),
            summary,
            default: fallback.map { .word($0) },
            defaultText: fallback
        ) { value in
            switch value {
            case .maps(let maps): .maps(maps)
            case .text(let word): .word(word)
            default: nil
            }
        }
    }
}

extension Field where Value == Duration {
    /// A duration such as `30s`.
    public static func duration(_ key: String, _ summary: String, default fallback: Duration? = nil) -> Field {
        Field(key, .duration, summary, default: fallback, defaultText: fallback?.text) {
            if case .duration(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == ByteSize {
    /// A size such as `1MiB`, within bounds.
    public static func size(
        _ key: String,
        in range: ClosedRange<ByteSize>,
        _ summary: String,
        default fallback: ByteSize? = nil
    ) -> Field {
        Field(key, .size(range), summary, default: fallback, defaultText: fallback?.description) {
            if case .size(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == Int {
    /// A whole number within bounds.
    public static func integer(
        _ key: String,
        in range: ClosedRange<Int>,
        _ summary: String,
        default fallback: Int? = nil
    ) -> Field {
        Field(key, .integer(range), summary, default: fallback, defaultText: fallback.map(String.init)) {
            if case .integer(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == [Int] {
    /// A list of whole numbers within bounds.
    public static func integers(_ key: String, in range: ClosedRange<Int>, _ summary: String) -> Field {
        Field(key, .integers(range), summary) { if case .integers(let value) = $0 { value } else { nil } }
    }
}

extension Field where Value == Bool {
    /// `true` or `false`.
    public static func boolean(_ key: String, _ summary: String, default fallback: Bool) -> Field {
        Field(key, .boolean, summary, default: fallback, defaultText: String(fallback)) {
            if case .boolean(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == Options {
    /// A map of further options, which uses these secrets where it is given.
    public static func group(
        _ key: String,
        _ fields: [FieldDeclaration],
        _ summary: String,
        secrets: [String] = [],
        optionalSecrets: [String] = []
    ) -> Field {
        Field(key, .group(fields), summary, secrets: secrets, optionalSecrets: optionalSecrets) {
            if case .group(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == Options {
    /// A map with exactly one of some options.
    public static func oneOf(_ key: String, _ fields: [FieldDeclaration], _ summary: String) -> Field {
        Field(key, .oneOf(fields), summary) { if case .group(let value) = $0 { value } else { nil } }
    }
}

extension Field where Value == [OptionValue.NamedEntry] {
    /// A map whose keys the user chooses, each with a text with `${…}` in it or with the same options under it.
    public static func entries(
        _ key: String,
        in place: EncodingContext,
        _ fields: [FieldDeclaration],
        _ summary: String
    ) -> Field {
        Field(key, .entries(place, fields), summary, default: []) {
            if case .entries(let value) = $0 { value } else { nil }
        }
    }
}

extension Field where Value == [OptionValue.NamedOptions] {
    /// A map whose keys the user chooses, each with the same options under it.
    public static func groups(_ key: String, _ fields: [FieldDeclaration], _ summary: String) -> Field {
        Field(key, .groups(fields), summary, default: []) { if case .groups(let value) = $0 { value } else { nil } }
    }
}

/// What is under a key that takes a list of maps, or a word.
public enum MapsOrWord: Sendable {
    /// Maps with the same options.
    case maps([Options])
    /// One of the words.
    case word(String)
}
