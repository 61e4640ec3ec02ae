package import CountersignCore
import CountersignOutbound

/// Runs a statement in a database.
package struct SQLAction: Action {
    private static let statement = TextForm("one SQL statement with `$1`, `$2` …", pattern: #"^((?!\$\{)[\s\S])*$"#) {
        text in
        if text.allSatisfy(\.isWhitespace) { return "is empty; it must be a statement" }
        if text.utf8.contains(0) { return "contains a NUL, which no statement has" }
        guard text.contains("${") else { return nil }
        return "takes values as parameters, never as text; write $1, $2 … here, and '${…}' under 'values'"
    }
    private static let query = Field.form(
        "query",
        statement,
        "One statement; its values are parameters, so none of them can become a part of it.",
        isRequired: true
    )
    private static let values = Field.templateList(
        "values",
        in: .requestField,
        "The values of `$1`, `$2` … in their order; the server reads each as the type that it needs. A single `${…}` that has "
            + "no value is NULL."
    )
    private static let url = Field.template(
        "url",
        in: .credential,
        "The database, as a secret such as `postgresql://user:password@host/database`; other hosts need TLS with a valid "
            + "certificate unless it says `sslmode`.",
        isRequired: true
    )

    /// The declaration of `sql`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "sql",
        summary: "Runs one SQL statement in a database, in a transaction of its own.",
        fields: [query.declaration, values.declaration, url.declaration],
        outputs: [
            .init(
                "rows",
                "The rows that the statement returns, each a map of its columns; at most 100 rows and 256KiB."
            ),
            .init("count", "The number of rows returned, or changed where the statement returns none."),
        ],
        examples: [
            .init(
                "Write down that a contract is signed; another attempt changes nothing.",
                yaml: """
                    sql:
                      query: |
                        insert into contracts (id, state, signed_at) values ($1, $2, $3)
                        on conflict (id) do update set state = excluded.state, signed_at = excluded.signed_at
                      values: ["${event.packageId}", signed, "${event.createdDate}"]
                      url: "${secret:CONTRACTS_DATABASE}"
                    """
            )
        ]
    )

    /// A statement that is about to be run.
    package struct Plan: ActionPlan {
        let query: DatabaseQuery

        /// The database as the rule names it.
        package let destination: String?

        /// The statement and its values; of the URL, only that there is one.
        package var json: JSON {
            [
                "query": .string(query.statement),
                "values": .array(query.values.map { $0.map { .string($0) } ?? .null }),
                "url": .string(Secrets.mask),
            ]
        }
    }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the values.
    ///
    /// - Throws: `StepFailure` where a value contains a NUL, or the URL's secret is not set.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let url = options.required(Self.url)
        var values: [String?] = []
        for template in options.required(Self.values) {
            let value = try template.optionalText(in: scope, for: .requestField)
            guard value?.utf8.contains(0) != true else {
                throw .final(
                    "'\(template.source.cut(to: 200))' became a text with a NUL in it, which a database cannot hold"
                )
            }
            values.append(value)
        }
        return Plan(
            query: DatabaseQuery(
                url: try url.text(in: scope, for: .credential),
                statement: options.required(Self.query),
                values: values
            ),
            // The URL itself may hold a password; its secret's name tells as much.
            destination: "database " + (url.secretNames.sorted().first ?? "of \(scope.ruleID)/\(scope.stepID)")
        )
    }

    /// Runs the statement.
    ///
    /// - Throws: `StepFailure` where the database cannot be reached, or refuses the statement.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        guard let database = context.services.database else { throw .final("this program cannot reach databases") }
        let answer = try await database.run(plan.query)
        return ["rows": .array(answer.rows), "count": JSON(answer.count)]
    }
}
