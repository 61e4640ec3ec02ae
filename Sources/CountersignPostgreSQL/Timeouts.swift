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

    /// The building of an index while others write.
    package var index = Duration.seconds(3_600)

    /// Between two looks for what others left to do, where the server tells of it as well.
    package var look = Duration.seconds(2)

    /// The same behind a pooler, where looking is all there is.
    package var pooledLook = Duration.milliseconds(250)

    /// Between two notifications.
    package var notification = Duration.milliseconds(50)

    /// Those of a server in life.
    package init() {}
}
