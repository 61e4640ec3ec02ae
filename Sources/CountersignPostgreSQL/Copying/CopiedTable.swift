import CountersignCore
import CountersignStore

/// How the rows of a copy are read from the tables of this schema; an event has its row in several of them.
struct CopiedTable {
    /// The bodies of a page have room in memory.
    private static let mostBytes = 4 << 20

    /// The most rows of a page.
    private static let mostRows = 1_000

    let table: StoreTable

    init(_ table: StoreTable) {
        self.table = table
    }

    var name: String { table.rawValue }

    /// What gives numbers to rows; nil where they have none, or where the number is one more than the highest.
    var sequence: String? {
        switch table {
        case .events: "event_ids"
        case .replays, .quarantine, .runs, .steps, .states, .gathered, .decisions, .pauses: "\(name)_id_seq"
        case .ruleSets, .activations, .keyValues, .singletons, .destinations, .commands: nil
        }
    }

    var count: Statement { Statement("select count(*) from @.\(name)") }

    var lastKey: Statement { Statement("select max(\(table.key.name)) from @.\(name)") }

    /// Whether there is a row of this key.
    func holds(_ key: StoreValue) -> Statement {
        let (parameter, type) = Self.parameter(key)
        return Statement("select exists (select 1 from @.\(name) where \(table.key.name) = $1::\(type))", [parameter])
    }

    /// The rows behind a key, in the order of keys.
    func page(after key: StoreValue?) -> Statement {
        let order = table.key.name
        var (condition, parameters): (String, [Parameter]) = ("", [])
        if let key {
            let (parameter, type) = Self.parameter(key)
            (condition, parameters) = ("where \(order) > $1::\(type)", [parameter])
        }
        return Statement(
            """
            select \(columns) from (
                select w.*, sum(w.weight) over (order by w.\(order)) - w.weight as before from (
                    select t.*, \(weight) as weight from @.\(name) t \(condition)
                    order by t.\(order) limit \(Self.mostRows)
                ) w
            ) e \(joins) where e.before < \(Self.mostBytes) order by e.\(order)
            """,
            parameters
        )
    }

    private static func parameter(_ key: StoreValue) -> (Parameter, String) {
        key.integer.map { (.integer($0), "int8") } ?? (.bytes(StoredText.escaped(key.bytes ?? [])), "text")
    }

    /// How many bytes of a row may be many.
    private var weight: String {
        let heavy = ownColumns.filter { [.bytes, .json].contains($0.kind) }
        return heavy.isEmpty
            ? "0" : heavy.map { "coalesce(octet_length(t.\($0.name)), 0)" }.joined(separator: " + ")
    }

    /// The columns that are in the table of this name.
    private var ownColumns: [StoreColumn] { table.columns.filter { Self.elsewhere[table]?[$0.name] == nil } }

    /// What has a table of its own.
    private static let elsewhere: [StoreTable: [String: String]] = [
        .events: [
            "key": "k.key", "slot": "k.place", "token": "nullif(k.token, ''::bytea)",
            "duplicates": "coalesce(k.duplicates, 0)", "evaluated_at": "v.evaluated_at", "rule_set": "v.rule_set",
            "match_set": "v.match_set", "package": "p.package",
        ]
    ]

    /// The columns where a long text of another one is whole, as that has an index of its own and is cut.
    static let wholes: [StoreTable: [String: String]] = [
        .runs: ["queue": "whole_queue"],
        .states: ["key": "whole_key", "package_id": "whole_package_id"],
        .gathered: ["key": "whole_key"],
    ]

    private var columns: String {
        table.columns
            .map { column in
                if let whole = Self.wholes[table]?[column.name] { return "coalesce(e.\(whole), e.\(column.name))" }
                return Self.elsewhere[table]?[column.name] ?? "e.\(column.name)"
            }
            .joined(separator: ", ")
    }

    private var joins: String {
        guard table == .events else { return "" }
        return """
            left join @.event_keys k on k.event_id = e.id
            left join @.evaluations v on v.event_id = e.id
            left join @.packages p on p.event_id = e.id
            """
    }

    /// The columns of this schema that are copied, by table.
    var copiedColumns: [String: Set<String>] {
        var copied = [name: Set(ownColumns.map(\.name)).union((Self.wholes[table] ?? [:]).values)]
        if table == .events {
            copied["event_keys"] = ["account", "place", "key", "event_id", "duplicates", "token"]
            copied["evaluations"] = ["event_id", "rule_set", "evaluated_at", "match_set"]
            copied["packages"] = ["event_id", "package"]
            copied["inbox"] = ["event_id"]
        }
        return copied
    }
}

/// Reading.
extension CopiedTable {
    func row(_ row: Row) -> StoreRow {
        var values = table.columns.enumerated().map { value(of: $1, in: row, at: $0) }
        if table == .events { restoreCutTexts(of: &values, row) }
        return StoreRow(values)
    }

    func value(of column: StoreColumn, in row: Row, at index: Int) -> StoreValue {
        let number =
            [.integer, .time, .origin, .runState, .stepStatus].contains(column.kind) ? row.optionalInteger(index) : nil
        let value: StoreValue? =
            switch column.kind {
            case .integer: number.map { .integer($0) }
            case .flag: row.optionalBytes(index).map { .integer($0.first == 1 ? 1 : 0) }
            case .time: number.map { .time(Moment(microseconds: $0).milliseconds) }
            case .text: row.optionalBytes(index).map { .text(StoredText.unescapedBytes($0)) }
            case .json: row.optionalBytes(index).map { .text($0) }
            case .bytes: row.optionalBytes(index).map { .bytes($0) }
            case .origin: number.map { .word(Event.Origin(code: $0)?.rawValue ?? "\($0)") }
            case .runState: number.map { .word(Run.State(code: $0)?.rawValue ?? "\($0)") }
            case .stepStatus: number.map { .word(StepRecord.Status(code: $0)?.rawValue ?? "\($0)") }
            }
        return value ?? .null
    }

    /// A long name is whole in the body only, and so is a package's number.
    private func restoreCutTexts(of values: inout [StoreValue], _ row: Row) {
        guard let body = table.place(of: "body") else { return }
        let account = table.place(of: "account").map { row.text($0) } ?? ""
        let wholes: [(String, (JSON) -> String?)] = [
            ("name", { $0["name"]?.string }), ("package_id", { PackageKey.of($0, in: account) }),
        ]
        for (name, whole) in wholes {
            guard let place = table.place(of: name), let bytes = row.optionalBytes(place), StoredText.isCut(bytes),
                let payload = try? JSON(parsing: values[body].bytes ?? [], limits: .stored), let text = whole(payload)
            else { continue }
            values[place] = .word(text)
        }
    }
}
