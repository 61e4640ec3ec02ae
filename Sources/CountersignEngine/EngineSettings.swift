/// How the engine works.
package struct EngineSettings: Sendable {
    /// How many runs execute at the same time.
    package var workers: Int

    /// How long a run belongs to a worker that gives no sign of life.
    package var lease: Duration

    /// How long steps that are under way may go on once the program is asked to stop.
    package var shutdownTimeout: Duration

    /// How often the rules folder is looked at; a change counts once two looks have found the same content.
    package var reloadEvery: Duration

    /// Settings for the engine; by default 8 workers, a lease of a minute, and 20 seconds for the shutdown.
    package init(
        workers: Int = 8,
        lease: Duration = .seconds(60),
        shutdownTimeout: Duration = .seconds(20),
        reloadEvery: Duration = .milliseconds(500)
    ) {
        self.workers = workers
        self.lease = lease
        self.shutdownTimeout = shutdownTimeout
        self.reloadEvery = reloadEvery
    }
}
