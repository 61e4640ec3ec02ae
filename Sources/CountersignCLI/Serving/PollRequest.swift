import CountersignCore
import CountersignOneSpan
import CountersignStore
import Foundation
import Logging

/// A poll that a command asks for, and the running server makes.
struct PollRequest {
    /// The earliest time; nil for where the last poll went on from.
    let since: Date?
    let isDryRun: Bool

    init(since: Date?, isDryRun: Bool) {
        self.since = since
        self.isDryRun = isDryRun
    }

    init(json: JSON) {
        self.init(
            since: json["since"]?.string.flatMap { Date(rfc3339: $0) },
            isDryRun: json["dry_run"]?.bool ?? false
        )
    }

    var json: JSON { ["since": JSON(since?.rfc3339), "dry_run": .bool(isDryRun)] }

    func carryOut(by poller: Poller) async throws -> PollReport {
        try await poller.poll(since: since, isDryRun: isDryRun)
    }
}

extension PollReport {
    var json: JSON {
        [
            "since": .string(since.rfc3339), "packages": JSON(packages),
            "recovered": .array(
                recoveries.map { recovery in
                    [
                        "event": JSON(recovery.event?.description), "name": .string(recovery.name),
                        "packageId": .string(recovery.packageID),
                    ]
                }
            ),
        ]
    }

    /// Reads what `json` gives; nil for anything else.
    init?(json: JSON) {
        guard let since = json["since"]?.string.flatMap({ Date(rfc3339: $0) }),
            let packages = json["packages"]?.number?.integer, let recovered = json["recovered"]?.array
        else { return nil }
        let recoveries = recovered.map { item in
            Recovery(
                name: item["name"]?.string ?? "",
                packageID: item["packageId"]?.string ?? "",
                event: item["event"]?.string.flatMap { Int64($0) }.map { Event.ID(rawValue: $0) }
            )
        }
        self.init(since: since, packages: packages, recoveries: recoveries)
    }
}

extension Settings {
    /// What polls by these settings.
    func poller(_ client: OneSpanClient, over store: any Store, logger: Logger) -> Poller {
        let overlap = oneSpan?.pollOverlap ?? .zero
        return Poller(client: client, store: store, overlap: overlap.timeInterval, logger: logger)
    }
}
