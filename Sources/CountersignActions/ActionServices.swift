package import CountersignModel

/// The ways of the built-in actions to the outside world; tests give working fakes.
package struct ActionServices: Sendable {
    /// The absolute path of the folder beneath which `file` writes and in which programs start.
    package let outputRoot: String
    package let processes: any ProcessRunning
    package let http: any HTTPSending
    package let clock: any WallClock

    package init(
        outputRoot: String,
        processes: any ProcessRunning = SystemProcesses(),
        http: any HTTPSending,
        clock: any WallClock = SystemWallClock()
    ) {
        self.outputRoot = outputRoot
        self.processes = processes
        self.http = http
        self.clock = clock
    }
}
