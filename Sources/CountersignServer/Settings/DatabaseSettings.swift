import CountersignCore

/// What goes with a store that is a database on a server.
struct DatabaseSettings: Sendable {
    /// The absolute path of a file with the password.
    let passwordFile: String?

    let schema: String
    let requiresReplica: Bool
    let isAsynchronous: Bool

    /// Whether statements are prepared under names: a word of `preparation`.
    let preparation: String

    init(_ options: Options, workingDirectory: String) {
        typealias Declared = SettingsDeclaration
        passwordFile = options[Declared.passwordFile]?.absolute(from: workingDirectory)
        schema = options.required(Declared.schema)
        requiresReplica = options.required(Declared.requiredServers) == "replica"
        isAsynchronous = options.required(Declared.durability) == "asynchronous"
        preparation = options.required(Declared.preparation)
    }
}

extension SettingsDeclaration {
    static let passwordFile = Field<String>
        .text("password_file", "File with the password of the user that `store` names; only its owner may read it.")
    static let schema = Field.text(
        "schema",
        "The schema of the tables, which is made when it is missing.",
        default: "countersign"
    )
    static let requiredServers = Field.choice(
        "require",
        ["primary", "replica"],
        "Which servers must confirm each commit: `replica` requires a synchronous standby "
            + "(`synchronous_standby_names`) beside the primary.",
        default: "primary"
    )
    static let durability = Field.choice(
        "durability",
        ["synchronous", "asynchronous"],
        "Whether a commit that was answered survives a crash of the server; `asynchronous` accepts "
            + "`synchronous_commit` `off` and `local`, and may lose the last events.",
        default: "synchronous"
    )
    static let preparation = Field.choice(
        "prepare",
        ["auto", "named", "unnamed"],
        "Whether the server keeps prepared statements: `auto` does without behind a pooler such as PgBouncer; set `named` "
            + "where the pooler keeps them (PgBouncer 1.21 or newer with `max_prepared_statements`).",
        default: "auto"
    )
    static let database = Field.group(
        "postgresql",
        [
            passwordFile.declaration, schema.declaration, requiredServers.declaration, durability.declaration,
            preparation.declaration,
        ],
        "What goes with `store: postgresql://USER@HOST/DATABASE`."
    )
}
