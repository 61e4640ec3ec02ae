import CountersignCore
import CountersignStore

/// Writing.
extension CopiedTable {
    /// Inserts rows with the numbers that they have; `stream` is that of the connection.
    func insertion(of rows: [StoreRow], stream: Int64) -> Statement {
        let columns = table.columns
        let parameters = columns.enumerated().map { index, column in parameter(column, rows.map { $0.values[index] }) }
        let wholes = columns.enumerated()
            .compactMap { index, column in
                Self.wholes[table]?[column.name]
                    .map { (name: $0, parameter: Self.wholes(rows.map { $0.values[index] })) }
            }
        let names = (columns.map(\.name) + wholes.map(\.name)).joined(separator: ", ")
        let types = (columns.map { Self.type(of: $0) } + wholes.map { _ in "text" }).enumerated()
            .map { "$\($0 + 1)::\($1)[]" }.joined(separator: ", ")
        let rows = "select * from unnest(\(types)) as u (\(names))"
        guard table == .events else {
            let values =
                (columns.map { $0.kind == .flag ? "i.\($0.name) <> 0" : "i.\($0.name)" }
                + wholes.map { "i.\($0.name)" })
                .joined(separator: ", ")
            let (more, moreValues) = table == .steps ? (", stream", ", $\(columns.count + 1)::int8") : ("", "")
            return Statement(
                """
                with i as (\(rows))
                insert into @.\(name) (\(names)\(more)) overriding system value select \(values)\(moreValues) from i
                \(table.isNumbered ? "" : "on conflict do nothing")
                """,
                parameters + wholes.map(\.parameter) + (table == .steps ? [.integer(stream)] : [])
            )
        }
        return Statement(Self.events(rows, stream: "$\(columns.count + 1)::int8"), parameters + [.integer(stream)])
    }

    /// The texts that are cut in their column.
    private static func wholes(_ values: [StoreValue]) -> Parameter {
        .texts(values.map { StoredText.whole($0.bytes.map { String(decoding: $0, as: UTF8.self) }) })
    }

    private static func events(_ rows: String, stream: String) -> String {
        """
        with i as (\(rows)), k as (
            insert into @.event_keys (place, key, event_id, duplicates, token)
            select coalesce(slot, 0), key, id, duplicates, coalesce(token, ''::bytea) from i where key is not null
        ), v as (
            insert into @.evaluations (event_id, rule_set, evaluated_at, match_set)
            select id, rule_set, evaluated_at, match_set from i where evaluated_at is not null
        ), p as (
            insert into @.packages (event_id, package) select id, package from i where package is not null
        ), q as (
            insert into @.inbox (event_id, stream) select id, \(stream) from i where evaluated_at is null
        )
        insert into @.events (id, stream, account, name, package_id, origin, received_at, body, body_hash)
        select id, \(stream), account, name, package_id, origin, received_at, body, body_hash from i
        """
    }

    private static func type(of column: StoreColumn) -> String {
        switch column.kind {
        case .integer, .flag, .origin, .runState, .stepStatus: "int8"
        case .time: "timestamptz"
        case .text, .json: "text"
        case .bytes: "bytea"
        }
    }

    private func parameter(_ column: StoreColumn, _ values: [StoreValue]) -> Parameter {
        switch column.kind {
        case .integer, .flag: return .integers(values.map(\.integer))
        case .time: return .times(values.map { $0.integer.map { Moment(milliseconds: $0) } })
        case .bytes: return .byteStrings(values.map(\.bytes))
        case .json: return .escapedTexts(values.map(\.bytes))
        case .text:
            // These have an index of their own, where long texts are cut.
            let isIndexed =
                table == .events && ["name", "package_id"].contains(column.name)
                || Self.wholes[table]?[column.name] != nil
            return .escapedTexts(
                values.map { $0.bytes.map { isIndexed ? StoredText.indexed($0) : StoredText.escaped($0) } }
            )
        case .origin, .runState, .stepStatus:
            return .integers(
                values.map { $0.bytes.flatMap { Self.code(of: column.kind, String(decoding: $0, as: UTF8.self)) } }
            )
        }
    }

    private static func code(of kind: StoreColumn.Kind, _ word: String) -> Int64? {
        switch kind {
        case .origin: Event.Origin(rawValue: word)?.code
        case .runState: Run.State(rawValue: word)?.code
        case .stepStatus: StepRecord.Status(rawValue: word)?.code
        case .integer, .flag, .time, .text, .json, .bytes: nil
        }
    }
}
