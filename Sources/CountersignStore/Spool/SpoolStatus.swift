package import CountersignCore
package import Foundation

/// How a spool is at one moment.
package struct SpoolStatus: Sendable, Equatable {
    /// How many callbacks it holds that are not in the store.
    package var events = 0

    /// How many bytes of it are in use.
    package var used = ByteSize(bytes: 0)

    /// How many bytes there are for callbacks.
    package var size = ByteSize(bytes: 0)

    /// Since when it holds any; nil when it is empty.
    package var since: Date?

    /// Why the first of them was not stored; nil where an earlier process knew.
    package var cause: String?

    /// When the oldest of them was received.
    package var oldest: Date?

    /// Frames that were written since it was opened.
    package var frames = 0

    /// Callbacks that it could not take since it was opened.
    package var refused = 0

    /// Whether a failed sync ended it.
    package var isEnded = false

    /// Nothing so far.
    package init() {}

    /// The part of it that is in use, from 0 to 1.
    package var fill: Double { size.bytes > 0 ? Double(used.bytes) / Double(size.bytes) : 0 }

    /// Whether so much is in use that callbacks should go elsewhere, where there is an elsewhere.
    package var isNearlyFull: Bool { fill >= 0.9 }
}
