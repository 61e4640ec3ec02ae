/// What an option may hold; reading, checking, JSON Schema and the reference all follow from it.
public indirect enum OptionKind: Sendable {
    /// A text with `${…}` in it, encoded for its place.
    case template(EncodingContext)
    /// A script for `/bin/sh`; `${…}` in it belongs to the shell.
    case shellScript
    /// A program and its arguments: a list of templates, the first of them literal.
    case arguments
    /// A map of names to templates.
    case templates(EncodingContext)
    /// A template, or a list of them.
    case templateList(EncodingContext)
    /// Any JSON value with templates in its strings, each encoded for the place.
    case json(EncodingContext)
    /// A JSON object with templates in its strings, without these keys.
    case jsonObject(reserved: [String])
    /// The name of an event of one's own, which begins with `X_`.
    case ownEvent
    /// A text in which `${…}` means nothing.
    case text
    /// A text in which `${…}` means nothing, of a form that is checked.
    case form(TextForm)
    /// The name of a destination, or a template of the package's data that gives one; with those that there are, where they
    /// are known.
    case destination(known: DestinationNames?)
    /// One of these words.
    case choice([String])
    /// A duration such as `30s`.
    case duration
    /// A size such as `1MiB`.
    case size(ClosedRange<ByteSize>)
    /// A whole number.
    case integer(ClosedRange<Int>)
    /// A list of whole numbers.
    case integers(ClosedRange<Int>)
    /// A list of texts.
    case texts
    /// A list of texts of a form that is checked.
    case forms(TextForm)
    /// A list of maps with these options, one such map alone, or one of some words.
    case maps([FieldDeclaration], orWord: [String])
    /// `true` or `false`.
    case boolean
    /// A map of further options.
    case group([FieldDeclaration])
    /// A map with exactly one of these options.
    case oneOf([FieldDeclaration])
    /// A map whose keys the user chooses; under each a template, or these options.
    case entries(EncodingContext, [FieldDeclaration])
    /// A map whose keys the user chooses, each with these options under it.
    case groups([FieldDeclaration])
}

/// The checked value of an option.
public indirect enum OptionValue: Sendable {
    case template(Template)
    case arguments([Template])
    case templates([NamedTemplate])
    case templateList([Template])
    case json(JSONTemplate)
    case text(String)
    case texts([String])
    case duration(Duration)
    case size(ByteSize)
    case integer(Int)
    case integers([Int])
    case boolean(Bool)
    case group(Options)
    case maps([Options])
    case groups([NamedOptions])
    case entries([NamedEntry])

    /// A name, such as that of a header, and the template of its value.
    public struct NamedTemplate: Sendable {
        /// The name as the rule writes it, a literal.
        public let name: String

        /// The text that gives the value.
        public let template: Template

        /// A name and the template of its value.
        public init(name: String, template: Template) {
            self.name = name
            self.template = template
        }
    }

    /// A template or options under a key that the user chose.
    public struct NamedEntry: Sendable {
        /// What is under the key.
        public enum Content: Sendable {
            case template(Template)
            case options(Options)
        }

        /// The key that the user chose.
        public let name: String

        /// What is under it.
        public let content: Content

        /// A key and what is under it.
        public init(name: String, content: Content) {
            self.name = name
            self.content = content
        }
    }

    /// Options under a key that the user chose.
    public struct NamedOptions: Sendable {
        /// The key that the user chose.
        public let name: String

        /// What is under it.
        public let options: Options

        /// A key and the options under it.
        public init(name: String, options: Options) {
            self.name = name
            self.options = options
        }
    }
}

/// What an option is called, what it may hold and what it means.
public struct FieldDeclaration: Sendable {
    /// The key under which a step gives the option.
    public let key: String

    /// What values it takes.
    public let kind: OptionKind

    /// What the option does, in one sentence.
    public let summary: String

    /// Whether a step without it is an error.
    public let isRequired: Bool

    /// The value that counts where the option is left out, as a rule would write it; nil where there is none.
    public let defaultText: String?

    /// The names of the secrets that the option uses where it is given.
    public let secrets: [String]

    /// The same of those that may be missing.
    public let optionalSecrets: [String]

    /// An option; `defaultText` is what a rule would write to get the default.
    public init(
        key: String,
        kind: OptionKind,
        summary: String,
        isRequired: Bool = false,
        defaultText: String? = nil,
        secrets: [String] = [],
        optionalSecrets: [String] = []
    ) {
        self.key = key
        self.kind = kind
        self.summary = summary
        self.isRequired = isRequired
        self.defaultText = defaultText
        self.secrets = secrets
        self.optionalSecrets = optionalSecrets
    }
}
