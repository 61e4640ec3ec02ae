public import CountersignCore

/// The actions that rules can name: an immutable value, extended by making another one.
public struct ActionRegistry: Sendable {
    /// One kind of action: its declaration and the way to make it for a step.
    package struct Kind: Sendable {
        /// Name, options and outputs: what checking, JSON Schema and documentation need.
        package let declaration: ActionDeclaration

        /// Makes the action of one step from options that were checked against the declaration.
        package let make: @Sendable (Options) -> any PlannedAction

        /// The type whose steps it makes; nil for an executable.
        let action: (any Action.Type)?

        /// A kind of action; `make` is called once for each step that uses it, with checked options.
        package init(
            declaration: ActionDeclaration,
            make: @escaping @Sendable (Options) -> any PlannedAction
        ) {
            self.init(declaration: declaration, action: nil, make: make)
        }

        init(
            declaration: ActionDeclaration,
            action: (any Action.Type)?,
            make: @escaping @Sendable (Options) -> any PlannedAction
        ) {
            self.declaration = declaration
            self.action = action
            self.make = make
        }
    }

    /// The actions that come with Countersign.
    public static let builtIn = ActionRegistry([
        ShellAction.self,
        ExecAction.self,
        HTTPAction.self,
        FileAction.self,
        LogAction.self,
        ChatAction.self,
        EmailAction.self,
        SFTPAction.self,
        SQLAction.self,
        EmitAction.self,
        OneSpanArchiveAction.self,
        OneSpanCompleteAction.self,
        OneSpanCorrectAction.self,
        OneSpanCreateAction.self,
        OneSpanDownloadAction.self,
        OneSpanExtendAction.self,
        OneSpanRemindAction.self,
        OneSpanRequestAction.self,
        OneSpanUnlockAction.self,
    ])

    private let kinds: [String: Kind]

    private init(kinds: [String: Kind]) {
        self.kinds = kinds
    }

    /// A registry of these actions.
    public init(_ actions: [any Action.Type] = []) {
        self.init(kinds: [:])
        self = actions.reduce(self) { $0.adding($1) }
    }

    /// This registry and one more action; an action of the same name is replaced.
    public func adding(_ action: any Action.Type) -> ActionRegistry {
        adding(Kind(declaration: action.declaration, action: action) { action.init(options: $0) })
    }

    /// This registry and one more kind of action.
    package func adding(_ kind: Kind) -> ActionRegistry {
        var kinds = kinds
        kinds[kind.declaration.name] = kind
        return ActionRegistry(kinds: kinds)
    }

    /// This registry without the action called `name`.
    public func without(_ name: String) -> ActionRegistry {
        var kinds = kinds
        kinds[name] = nil
        return ActionRegistry(kinds: kinds)
    }

    /// This registry with each kind of action replaced by what `transform` makes of it.
    package func mapping(_ transform: (Kind) -> Kind) -> ActionRegistry {
        ActionRegistry(kinds: kinds.mapValues(transform))
    }

    /// The declarations of all actions, by name.
    public var declarations: [ActionDeclaration] {
        kinds.values.map(\.declaration).sorted { $0.name < $1.name }
    }

    /// Whether the action called `name`, with these options, leaves files on the machine.
    package func leavesFiles(_ name: String, _ options: Options) -> Bool {
        guard let declaration = kinds[name]?.declaration else { return false }
        return declaration.leavesFiles || options.entries.contains { declaration.fileOptions.contains($0.key) }
    }

    /// The action called `name` with its options; nil when there is none of this name.
    package func make(_ name: String, options: Options) -> (any PlannedAction)? {
        kinds[name]?.make(options)
    }
}
