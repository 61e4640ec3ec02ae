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

    /// The vendor's API of each account that has one, by the name of the account; that of the only one is empty.
    private let packages: [String: any PackageServing]

    /// The account of the event whose step is performed.
    private var account = ""

    /// The mail server; nil where the settings name none.
    package let mail: (any MailSending)?

    /// Runs the statements of steps; nil where no storage driver can.
    package let database: (any DatabaseQuerying)?

    /// What a step's `if` finds set.
    package let configured: Configured

    /// The services of one process; a step that needs the vendor or `mail` fails where there is none.
    ///
    /// `packages` is the vendor's API where accounts have no names, `accounts` has that of each where they have.
    package init(
        outputRoot: String,
        processes: any ProcessRunning = SystemProcesses(),
        http: any HTTPSending,
        addresses: ReachableAddresses = ReachableAddresses(),
        events: any EventRaising = NoEventRaising(),
        clock: any WallClock = SystemWallClock(),
        packages: (any PackageServing)? = nil,
        accounts: [String: any PackageServing] = [:],
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
        self.packages = if let packages { ["": packages] } else { accounts }
    }

    /// The services for the steps of an event of an account.
    package func serving(_ account: String) -> ActionServices {
        var services = self
        services.account = account
        return services
    }

    /// The vendor as the settings name it for the account.
    ///
    /// - Throws: `StepFailure` where they name none.
    package func vendor() throws(StepFailure) -> any PackageServing {
        if let vendor = packages[account] { return vendor }
        throw .final(
            account.isEmpty
                ? "the URL of your OneSpan Sign account is not set; set 'onespan.url' in countersign.yaml, then retry the run"
                : "the account '\(account)' has no URL; set 'accounts.\(account).onespan.url' in countersign.yaml, then retry the run"
        )
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
