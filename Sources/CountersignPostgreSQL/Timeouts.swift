/// How long calls to the database may take.
package struct Timeouts: Sendable {
    /// One call that writes.
    package var write = Duration.seconds(2)

    /// One call that reads.
    package var read = Duration.seconds(10)

    /// The storing of an event, with all that is tried again.
    package var event = Duration.seconds(2)

    /// A change, with all that is tried again: as long as a lease, behind which its result is not wanted any more.
    package var change = Duration.seconds(30)

    /// The migration of a schema.
    package var migration = Duration.seconds(30)

    /// Those of a server in life.
    package init() {}
}
