package import CountersignCore

/// The destinations that the settings define.
package struct Destinations: Sendable {
    private let all: [String: Destination]

    /// These destinations, each with a name of its own.
    package init(_ destinations: [Destination] = []) {
        all = Dictionary(destinations.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Their names.
    package var names: DestinationNames { DestinationNames(all.mapValues(\.isSelectable)) }

    /// The destination called `name`.
    ///
    /// - Throws: `StepFailure` that names the nearest one, or all.
    package func destination(_ name: String) throws(StepFailure) -> Destination {
        if let destination = all[name] { return destination }
        throw .final("\(names.fault(of: name) ?? "there is no destination '\(name)'")")
    }

    /// The limits of each destination, by its name.
    package var limits: [String: Destination.Limits] { all.mapValues(\.limits) }
}
