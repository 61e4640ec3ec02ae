package import CountersignCore
package import Foundation

/// What an instance says of itself to the others that share its store.
package struct InstanceReport: Sendable, Hashable {
    /// The version of its program, such as `0.1.0`.
    package var version: String

    /// The activation by which it evaluates events; 0 where it evaluates none.
    package var activation: Activation.Number

    /// The rule set that its folder holds; nil where it cannot be read.
    package var folder: RuleSetVersion?

    /// Since when the folder holds it.
    package var folderSince: Date?

    /// The hash of the other files of its folder, such as scripts; nil where they cannot be read.
    package var scripts: String?

    /// How many events are in its spool.
    package var spooled: Int

    /// What an instance says of itself.
    package init(
        version: String,
        activation: Activation.Number,
        folder: RuleSetVersion?,
        folderSince: Date?,
        scripts: String?,
        spooled: Int
    ) {
        self.version = version
        self.activation = activation
        self.folder = folder
        self.folderSince = folderSince
        self.scripts = scripts
        self.spooled = spooled
    }
}

/// An instance that shares a store with others, as it is known there.
package struct InstanceRecord: Sendable, Hashable {
    /// How long after it was last there an instance is taken for gone: three heartbeats.
    package static let patience: TimeInterval = 15

    /// Its number, which each start makes anew.
    package let id: Int64

    /// Its name, which it keeps over restarts.
    package let name: String

    /// When it started.
    package let startedAt: Date

    /// When it was last there.
    package let seenAt: Date

    /// By how much its clock is behind the store's.
    package let clockOffset: Duration

    /// How many runs it works on.
    package let runs: Int

    /// What one at a time does, and this one has taken over.
    package let singletons: [Singleton]

    /// What it said of itself last.
    package let report: InstanceReport

    /// An instance as a store read it.
    package init(
        id: Int64,
        name: String,
        startedAt: Date,
        seenAt: Date,
        clockOffset: Duration,
        runs: Int,
        singletons: [Singleton] = [],
        report: InstanceReport
    ) {
        self.id = id
        self.name = name
        self.startedAt = startedAt
        self.seenAt = seenAt
        self.clockOffset = clockOffset
        self.runs = runs
        self.singletons = singletons
        self.report = report
    }

    /// Whether it is there at `now`.
    package func isUp(at now: Date) -> Bool { now.timeIntervalSince(seenAt) < Self.patience }
}

/// Knows the instances that share a store.
package protocol InstanceDirectory: Sendable {
    /// Says of this instance what the others see of it; the store writes it with its next heartbeat.
    func announce(_ report: InstanceReport)
}

extension InstanceDirectory {
    /// Does nothing: one process has the store alone, and nobody looks.
    package func announce(_: InstanceReport) {}
}
