import CountersignCore
import CountersignStore
import Foundation
import GRDB

/// The commands of operators that were carried out, within a transaction.
struct CommandTable {
    let db: Database

    /// What `work` gives, or what it gave when the same command came before.
    func once(_ token: CommandToken?, at now: Date, _ work: () throws -> [ReplayedRun]) throws -> [ReplayedRun] {
        guard let token else { return try work() }
        let oldest = now.addingTimeInterval(-CommandToken.memory).milliseconds
        try db.change("DELETE FROM commands WHERE made_at < ?", [oldest])
        let known = try db.first("SELECT answer FROM commands WHERE token = ?", [token.text]) { $0[0] as String }
        if let known {
            return (try? JSON(parsing: known, limits: JSON.Limits(keys: .max)))?.array?
                .compactMap { ReplayedRun(kept: $0) } ?? []
        }
        let runs = try work()
        try db.change(
            "INSERT INTO commands (token, made_at, answer) VALUES (?, ?, ?)",
            [token.text, now.milliseconds, JSON.array(runs.map(\.kept)).text]
        )
        return runs
    }
}
