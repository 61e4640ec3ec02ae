import CountersignCore
package import CountersignStore
import Foundation
import Synchronization

/// What this process says of itself in the table of instances.
final class OwnInstance: Sendable {
    /// Its number; nil where it is not among the instances, as in suites.
    let id: Int64?

    private let clock: DatabaseClock
    private let report = Mutex<InstanceReport?>(nil)

    init(id: Int64?, clock: DatabaseClock) {
        self.id = id
        self.clock = clock
    }

    /// Takes what it says from now on; returns whether that is something else than before.
    func announce(_ new: InstanceReport) -> Bool {
        report.withLock { report in
            defer { report = new }
            return report != new
        }
    }

    /// Says that it is there, and what it says of itself.
    var heartbeat: Statement {
        guard let report = report.withLock({ $0 }) else {
            return Statement("update @.instances set seen_at = clock_timestamp() where id = $1::int8", [.integer(id)])
        }
        return Statement(
            """
            update @.instances set seen_at = clock_timestamp(), version = $2::text, activation = $3::int8,
                folder = $4::text, folder_since = $5::timestamptz, spooled = $6::int8, clock_offset_ms = $7::int8,
                scripts = $8::text
            where id = $1::int8
            """,
            [
                .integer(id), .verbatim(report.version), .integer(report.activation),
                .verbatim(report.folder?.rawValue),
                .time(report.folderSince.map { clock.moment($0) }), .integer(report.spooled),
                .integer(clock.offset.milliseconds), .verbatim(report.scripts),
            ]
        )
    }
}

extension PostgreSQLStore {
    /// Says of this instance what the others see of it: at once where it is new, and with each heartbeat.
    package func announce(_ report: InstanceReport) {
        guard own.announce(report) else { return }
        // Where the database cannot be reached, the next heartbeat says it.
        changes.change(own.heartbeat) { _ in }
    }
}

extension PostgreSQLArchive {
    /// The instances that have said something of themselves, by name.
    package func instances() async throws -> [InstanceRecord] {
        let statement = Statement(
            """
            select i.id, i.name, i.started_at, i.seen_at, i.clock_offset_ms, i.version, i.activation, i.folder,
                i.folder_since, i.spooled, (select count(*) from @.runs r where r.state = 1 and r.owner = i.id),
                (
                    select string_agg(s.name, ' ' order by s.name) from @.singletons s
                    where s.holder = i.name and s.until > clock_timestamp()
                ),
                i.scripts
            from @.instances i where i.version is not null order by i.name, i.id
            """
        )
        return try await all(statement) { [clock] row in
            let report = InstanceReport(
                version: row.verbatim(5),
                activation: row.integer(6),
                folder: row.optionalVerbatim(7).map { RuleSetVersion(rawValue: $0) },
                folderSince: row.optionalTime(8).map { clock.date($0) },
                scripts: row.optionalVerbatim(12),
                spooled: row.count(9)
            )
            return InstanceRecord(
                id: row.integer(0),
                name: row.text(1),
                startedAt: clock.date(row.time(2)),
                seenAt: clock.date(row.time(3)),
                clockOffset: .milliseconds(row.integer(4)),
                runs: row.count(10),
                singletons: row.verbatim(11).split(separator: " ").map { Singleton(rawValue: String($0)) },
                report: report
            )
        }
    }
}
