package import CountersignCore
package import CountersignOutbound

/// The ways of the built-in actions to the outside world; tests give working fakes.
package struct ActionServices: Sendable {
    /// The absolute path of the folder beneath which `file` writes and in which programs start.
    package let outputRoot: String

    /// Runs the programs of steps.
    package let processes: any ProcessRunning

    /// Sends the HTTP requests of steps.
    package let http: any HTTPSending

    /// The addresses that connections other than those of `http` and `mail` may go to.
    package let addresses: ReachableAddresses

    /// Stores the events that `emit` raises.
    package let events: any EventRaising

    /// The clock for webhook signatures, the date of mails and `Retry-After`.
    package let clock: any WallClock

    /// The vendor's API; nil where the settings name none.
    package let packages: (any PackageServing)?

    /// The mail server; nil where the settings name none.
    package let mail: (any MailSending)?

    /// Runs the statements of steps; nil where no storage driver can.
    package let database: (any DatabaseQuerying)?

    /// What a step's `if` finds set.
    package let configured: Configured

    /// The services of one process; a step that needs `packages` or `mail` fails where they are nil.
    package init(
        outputRoot: String,
        processes: any ProcessRunning = SystemProcesses(),
        http: any HTTPSending,
        addresses: ReachableAddresses = ReachableAddresses(),
        events: any EventRaising = NoEventRaising(),
        clock: any WallClock = SystemWallClock(),
        packages: (any PackageServing)? = nil,
        mail: (any MailSending)? = nil,
        database: (any DatabaseQuerying)? = nil,
        configured: Configured = Configured()
    ) {
        self.mail = mail
        self.database = database
        self.configured = configured
        self.outputRoot = outputRoot
        self.processes = processes
        self.http = http
        self.addresses = addresses
        self.events = events
        self.clock = clock
        self.packages = packages
    }

    /// The vendor as the settings name it.
    ///
    /// - Throws: `StepFailure` where they name none.
    package func vendor() throws(StepFailure) -> any PackageServing {
        guard let packages else {
            throw .final(
                "the URL of your OneSpan Sign account is not set; set 'onespan.url' in countersign.yaml, then retry the run"
            )
        }
        return packages
    }

    /// The mail server as the settings name it.
    ///
    /// - Throws: `StepFailure` where they name none.
    package func mailServer() throws(StepFailure) -> any MailSending {
        guard let mail else {
            throw .final("no mail server is set; set 'mail.server' in countersign.yaml, then retry the run")
        }
        return mail
    }
}
