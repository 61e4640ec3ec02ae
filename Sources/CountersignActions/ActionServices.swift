package import CountersignModel

/// The ways of the built-in actions to the outside world; tests give working fakes.
package struct ActionServices: Sendable {
    /// The absolute path of the folder beneath which `file` writes and in which programs start.
    package let outputRoot: String
    package let processes: any ProcessRunning
    package let http: any HTTPSending
    package let events: any EventRaising
    package let clock: any WallClock

    /// The vendor's API; nil where the settings name none.
    package let packages: (any PackageServing)?

    package init(
        outputRoot: String,
        processes: any ProcessRunning = SystemProcesses(),
        http: any HTTPSending,
        events: any EventRaising = NoEventRaising(),
        clock: any WallClock = SystemWallClock(),
        packages: (any PackageServing)? = nil
    ) {
        self.outputRoot = outputRoot
        self.processes = processes
        self.http = http
        self.events = events
        self.clock = clock
        self.packages = packages
    }
}
