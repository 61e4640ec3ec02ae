package import CountersignCore

/// What is about to be done to a store that an older Countersign made.
package struct StoreUpgrade: Equatable, Sendable {
    /// The schema that the store has.
    package let from: Int

    /// The schema that it will have.
    package let to: Int

    /// How large the store is.
    package let size: ByteSize

    /// An upgrade of a store from one schema to another.
    package init(from: Int, to: Int, size: ByteSize) {
        self.from = from
        self.to = to
        self.size = size
    }

    /// How much free space it may take for a while.
    ///
    /// The tables are written again into the log and then into the file; a million events of 691 MiB took 1.6 GiB.
    package var room: ByteSize { .mib(max(1, (size.bytes >> 20) * 5 / 2)) }
}
