/// What an action is called, what it does and which options it takes: checking, JSON Schema and docs follow from it.
public struct ActionDeclaration: Sendable {
    /// An example that a test checks and dry-runs.
    public struct Example: Sendable {
        /// What the example shows, in one sentence.
        public let summary: String

        /// The step in YAML, the action's key included.
        public let yaml: String

        /// An example of a whole step in YAML.
        public init(_ summary: String, yaml: String) {
            self.summary = summary
            self.yaml = yaml
        }
    }

    /// A value that the action leaves for later steps.
    public struct Output: Sendable {
        /// The key of the value, as in `${steps.ID.name}`; `status` and `reason` say how the step ended, and are no keys.
        public let name: String

        /// What the value is, in one sentence.
        public let summary: String

        /// A value under `name`, explained by `summary`.
        public init(_ name: String, _ summary: String) {
            self.name = name
            self.summary = summary
        }
    }

    /// The key under which a step names the action.
    public let name: String

    /// What the action does, in one sentence.
    public let summary: String

    /// The option that a step may give alone, without a map (`shell: TEXT`).
    public let mainField: String?

    /// The options, in the order in which the reference shows them.
    public let fields: [FieldDeclaration]

    /// Options of which at most one may be given.
    public let alternatives: [[String]]

    /// Options of which exactly one must be given.
    public let exactlyOneOf: [[String]]

    /// Options that need another one: the key of the first, and that of the other.
    public let dependencies: [(key: String, needs: String)]

    /// What later steps can read.
    public let outputs: [Output]

    /// Whether it leaves files on the machine: where instances share a store, the run then stays with its instance.
    public let leavesFiles: Bool

    /// Options with which it leaves files on the machine, where it does not always.
    public let fileOptions: Set<String>

    /// What else the reference says, a paragraph each: what another attempt does, and what is inferred.
    public let notes: [String]

    /// Steps that work as they are.
    public let examples: [Example]

    /// An action of this name; `mainField` must be the key of one of `fields`.
    public init(
        name: String,
        summary: String,
        mainField: String? = nil,
        fields: [FieldDeclaration],
        alternatives: [[String]] = [],
        exactlyOneOf: [[String]] = [],
        dependencies: [(key: String, needs: String)] = [],
        outputs: [Output] = [],
        leavesFiles: Bool = false,
        fileOptions: Set<String> = [],
        notes: [String] = [],
        examples: [Example] = []
    ) {
        self.name = name
        self.summary = summary
        self.mainField = mainField
        self.fields = fields
        self.alternatives = alternatives
        self.exactlyOneOf = exactlyOneOf
        self.dependencies = dependencies
        self.outputs = outputs
        self.leavesFiles = leavesFiles
        self.fileOptions = fileOptions
        self.notes = notes
        self.examples = examples
    }
    /// The same with the destinations that there are, which its options can name.
    package func knowing(_ destinations: DestinationNames?) -> ActionDeclaration {
        ActionDeclaration(
            name: name,
            summary: summary,
            mainField: mainField,
            fields: fields.map { $0.knowing(destinations) },
            alternatives: alternatives,
            exactlyOneOf: exactlyOneOf,
            dependencies: dependencies,
            outputs: outputs,
            leavesFiles: leavesFiles,
            fileOptions: fileOptions,
            notes: notes,
            examples: examples
        )
    }
}

extension FieldDeclaration {
    fileprivate func knowing(_ destinations: DestinationNames?) -> FieldDeclaration {
        guard case .destination = kind else { return self }
        return FieldDeclaration(
            key: key,
            kind: .destination(known: destinations),
            summary: summary,
            isRequired: isRequired,
            defaultText: defaultText,
            secrets: secrets,
            optionalSecrets: optionalSecrets
        )
    }
}
