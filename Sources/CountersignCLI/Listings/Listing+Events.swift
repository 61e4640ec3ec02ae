import CountersignCore
import CountersignOperations
package import CountersignStore
import CountersignTerminal

extension Listing {
    /// Events, in the order given.
    package static func events(_ events: [StoredEvent]) -> Listing {
        var table = Table([
            .init("ID", isNumber: true), .time("RECEIVED"), .init("EVENT", yields: 1, minimum: 16),
            .init("PACKAGE", yields: 2, minimum: 10), .init("ORIGIN", yields: 4),
            .init("DUPLICATES", yields: 5, minimum: 5, isNumber: true), .init("MESSAGE", yields: 3, minimum: 12),
        ])
        // A package of an account is written with its name before it, so that the account needs no column.
        for stored in events {
            let payload = stored.event.payload
            let subject = stored.event.packageKey ?? (stored.event.account.isEmpty ? "" : stored.event.account + "/")
            table.add([
                "\(stored.event.id)", stored.event.receivedAt.tableTime, stored.event.name, subject.bounded,
                stored.event.origin.rawValue,
                stored.duplicates > 0 ? "\(stored.duplicates)" : "",
                stored.damage.map { "DAMAGED: \($0)" } ?? String((payload["message"]?.plainText ?? "").prefix(60)),
            ])
        }
        return Listing(table: table, objects: events.map(\.json), none: "no events")
    }

    /// Bodies that could not be read, in the order given.
    package static func quarantined(_ bodies: [QuarantinedBody]) -> Listing {
        var table = Table([
            .init("ID", isNumber: true), .time("RECEIVED"), .init("REASON", yields: 1, minimum: 16),
            .init("BODY", yields: 2, minimum: 12),
        ])
        for body in bodies {
            table.add([
                "\(body.id)", body.receivedAt.tableTime, body.reason.bounded,
                String(String(decoding: body.body, as: UTF8.self).prefix(60)),
            ])
        }
        return Listing(table: table, objects: bodies.map(\.json), none: "there are no quarantined bodies")
    }
}
