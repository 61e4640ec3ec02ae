package import CountersignCore
package import Foundation

/// What is known of a package at a glance.
package struct PackageSummary: Sendable, Equatable {
    /// The vendor's id.
    package let id: String

    /// Its name at the vendor; nil where no rule has needed the package so far.
    package let name: String?

    /// How many events about it are stored.
    package let events: Int

    /// When the first of them was stored.
    package let firstAt: Date

    /// When the last of them was stored.
    package let lastAt: Date

    /// The name of the last of them.
    package let lastEvent: String

    /// How many runs of its events are in each state that has any.
    package let runs: [Run.State: Int]

    /// A summary as a store counted it from the events that name the package.
    package init(
        id: String,
        name: String?,
        events: Int,
        firstAt: Date,
        lastAt: Date,
        lastEvent: String,
        runs: [Run.State: Int]
    ) {
        self.id = id
        self.name = name
        self.events = events
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.lastEvent = lastEvent
        self.runs = runs
    }
}

/// Some packages of a list.
package struct PackagePage: Sendable {
    /// The packages in the order of the list, at most as many as the query asks for.
    package let packages: [PackageSummary]

    /// Behind which place the next page begins; nil where there is none.
    package let next: PackagePosition?

    /// A page as a store read it; `next` is nil for the last one.
    package init(packages: [PackageSummary], next: PackagePosition?) {
        self.packages = packages
        self.next = next
    }
}
