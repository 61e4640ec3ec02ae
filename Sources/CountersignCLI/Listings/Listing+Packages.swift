import CountersignCore
import CountersignOperations
package import CountersignStore
import CountersignTerminal

extension Listing {
    /// Packages, in the order given.
    package static func packages(_ packages: [PackageSummary]) -> Listing {
        var table = Table([
            .init("PACKAGE", yields: 1, minimum: 12), .init("NAME", yields: 3, minimum: 10),
            .init("LAST EVENT", yields: 2, minimum: 16), .time("WHEN"), .init("EVENTS", yields: 5, isNumber: true),
            .init("RUNS", yields: 4, minimum: 4, isNumber: true),
            .init("FAILED", isNumber: true, style: { $0 == "0" ? nil : .bad }),
        ])
        for package in packages {
            table.add([
                package.id.bounded, (package.name ?? "").bounded, package.lastEvent, package.lastAt.tableTime,
                "\(package.events)",
                "\(package.runs.values.reduce(0, +))", "\(package.runs[.failed] ?? 0)",
            ])
        }
        return Listing(table: table, objects: packages.map(\.json), none: "no packages")
    }
}
