import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOutbound
package import CountersignStore
import CountersignTerminal
import Foundation

package /// What a deployment runs with, put together from flags, environment and file.
    struct Settings: Sendable
{
    /// An action that is an executable.
    struct Executable: Sendable {
        let name: String
        let program: String
        let arguments: [String]
    }

    /// The address at which callbacks are accepted.
    package let host: String

    /// The port at which callbacks are accepted; 0 for any free one.
    package let port: Int

    /// Where admin pages, API and metrics are served; nil for nowhere.
    package let admin: (host: String, port: Int)?

    /// The named tokens that let in there, beside the one of the secret `COUNTERSIGN_ADMIN_TOKEN`.
    let adminTokens: [AdminTokenSettings]

    /// The absolute paths of the files for TLS, the last one that of the authorities of clients.
    package let certificate: (chain: String, key: String, clientAuthorities: String?)?

    /// Where the store lies.
    package let store: StoreAddress

    /// What opens it.
    package let driver: any StoreDriver

    /// The name of this instance among those that share the store.
    package let instanceName: String

    /// The path on this machine beside which the control socket lies: that of the store, or one in the folder in which the
    /// output folder is.
    package let storePath: String

    /// The folder of the rules as it was named, absolute.
    package let rulesPath: String

    /// The accounts, at least one.
    package let accounts: [AccountSettings]

    /// The account that is meant where one is: the first, unless another was selected.
    package internal(set) var account: AccountSettings

    /// The networks of the proxies before the endpoint.
    let trustedProxies: [NetworkPrefix]
    let maximumBody: Int
    let maximumPendingBodies: Int
    let workers: Int
    let workersPerDestination: Int
    let shutdownTimeout: Duration

    /// How long a run belongs to an instance that gives no sign of life.
    let lease: Duration

    /// How many keys a rule may have open.
    let mostKeys: Int

    /// The absolute path of the output folder.
    let outputRoot: String

    /// Whether runs whose steps leave files may go on with any instance.
    package let sharesFiles: Bool

    /// Fewer free bytes than this are reported; nil for what the size of the file system suggests.
    let minimumFree: ByteSize?

    /// Where callbacks are stored while the store cannot store them.
    package let spool: SpoolSettings

    /// How long things are kept.
    let retention: Retention

    /// What programs may use.
    let processLimits: ProcessLimits

    /// Outgoing requests.
    let outgoingPolicy: OutgoingPolicy

    /// The proxy of requests; nil for that of the environment.
    let proxy: GeneralProxy

    /// The destinations that rules can name; nil where there is no settings file.
    let destinations: [DestinationSettings]?

    /// The absolute path of a PEM file of authorities beside those of the system.
    let authorityFile: String?

    /// The absolute path of the folder whose files are secrets.
    let secretsFolder: String?

    /// The mail server; nil where rules send no mail.
    let mail: MailSettings?

    /// Where traces are sent; nil for nowhere.
    let collector: String?

    /// From which level on the log has lines, such as `info`.
    package let logLevel: String

    /// `auto`, `logfmt` or `json`.
    package let logFormat: String
    let executables: [Executable]

    /// - Parameters:
    ///   - options: What was set.
    ///   - workingDirectory: Where relative paths start.
    ///   - settingsFolder: Where the settings file lies, or would.
    /// - Throws: `UsageError`.
    init(_ options: Options, workingDirectory: String, settingsFolder: String) throws {
        typealias Declared = SettingsDeclaration
        let callback = options[Declared.callback] ?? Options()
        let engine = options[Declared.engine] ?? Options()
        (host, port) = try Self.address(options.required(Declared.listen), of: "listen")
        let adminOptions = options[Declared.admin] ?? Options()
        adminTokens = try AdminTokenSettings.all(adminOptions.required(Declared.adminTokens))
        let adminAddress = adminOptions.required(Declared.adminListen)
        admin = adminAddress == "off" ? nil : try Self.address(adminAddress, of: "admin.listen")
        certificate = try Self.certificate(options[Declared.tls] ?? Options(), workingDirectory)
        store = try Self.storeAddress(options.required(Declared.store), workingDirectory)
        instanceName = try Self.instanceName(options)
        rulesPath = options.required(Declared.rules).absolute(from: workingDirectory)
        accounts = try AccountSettings.all(options, workingDirectory)
        account = accounts[0]
        trustedProxies = callback.required(Declared.trustedProxies).compactMap { NetworkPrefix($0) }
        maximumBody = callback.required(Declared.maximumBody).count
        maximumPendingBodies = callback.required(Declared.maximumPendingBodies).count
        workers = engine.required(Declared.workers)
        workersPerDestination = engine.required(Declared.perDestination)
        shutdownTimeout = engine.required(Declared.shutdownTimeout)
        lease = try Self.lease(engine.required(Declared.lease))
        mostKeys = engine.required(Declared.mostKeys)
        let root = (options[Declared.files] ?? Options())[Declared.root]
        driver = try Self.driver(options, workingDirectory)
        outputRoot =
            root?.absolute(from: workingDirectory) ?? "output".absolute(from: store.file?.folder ?? settingsFolder)
        sharesFiles = (options[Declared.files] ?? Options()).required(Declared.sharesFiles)
        storePath = store.file ?? "countersign".absolute(from: outputRoot.folder)
        minimumFree = (options[Declared.disk] ?? Options())[Declared.minimumFree]
        spool = SpoolSettings(options[Declared.spool] ?? Options(), storePath: storePath, workingDirectory)
        retention = Self.retention(options[Declared.retention] ?? Options())
        processLimits = Self.processLimits(options[Declared.processLimits] ?? Options())
        let http = options[Declared.http] ?? Options()
        outgoingPolicy = try Self.policy(http)
        proxy = try GeneralProxy(http)
        destinations = try Self.destinations(options)
        authorityFile = http[Declared.authorityFile]?.absolute(from: workingDirectory)
        secretsFolder = (options[Declared.secrets] ?? Options())[Declared.secretsFolder]?
            .absolute(from: workingDirectory)
        mail = try MailSettings(options[Declared.mail] ?? Options())
        collector = try Self.collector(options[Declared.tracing] ?? Options())
        logLevel = (options[Declared.log] ?? Options()).required(Declared.level)
        logFormat = (options[Declared.log] ?? Options()).required(Declared.logFormat)
        executables = options.required(Declared.actions).map(Self.executable)
    }

    private static func retention(_ options: Options) -> Retention {
        typealias Declared = SettingsDeclaration
        return Retention(
            events: options.required(Declared.keptEvents),
            runs: options.required(Declared.keptRuns),
            quarantine: options.required(Declared.keptQuarantine)
        )
    }

    private static func processLimits(_ options: Options) -> ProcessLimits {
        typealias Declared = SettingsDeclaration
        return ProcessLimits(
            cpuTime: options[Declared.cpuTime],
            memory: options[Declared.memory]?.count,
            openFiles: options[Declared.openFiles],
            processes: options[Declared.processes]
        )
    }

    private static func executable(_ entry: OptionValue.NamedOptions) -> Executable {
        Executable(
            name: entry.name,
            program: entry.options.required(SettingsDeclaration.program),
            arguments: entry.options.required(SettingsDeclaration.arguments)
        )
    }

    /// What is wrong with options taken together; each group is looked at, those of `except` left out.
    static func problems(of options: Options, except: Set<String>, _ workingDirectory: String) -> [String] {
        typealias Declared = SettingsDeclaration
        let checks: [(group: String, check: () throws -> Void)] = [
            ("listen", { _ = try address(options.required(Declared.listen), of: "listen") }),
            (
                "admin",
                {
                    let address = (options[Declared.admin] ?? Options()).required(Declared.adminListen)
                    if address != "off" { _ = try Self.address(address, of: "admin.listen") }
                }
            ),
            ("tls", { _ = try certificate(options[Declared.tls] ?? Options(), workingDirectory) }),
            ("store", { _ = try driver(options, workingDirectory) }),
            ("callback", { _ = try AccountSettings.all(options, workingDirectory) }),
            ("http", { _ = try policy(options[Declared.http] ?? Options()) }),
            ("http", { _ = try GeneralProxy(options[Declared.http] ?? Options()) }),
            ("destinations", { _ = try destinations(options) }),
            ("mail", { _ = try MailSettings(options[Declared.mail] ?? Options()) }),
            ("tracing", { _ = try collector(options[Declared.tracing] ?? Options()) }),
        ]
        return checks.filter { !except.contains($0.group) }
            .compactMap { check in
                do {
                    try check.check()
                    return nil
                } catch {
                    return "\(error)"
                }
            }
    }

    /// Where callbacks of the account are posted to, and by whom.
    package var callback: CallbackSettings { account.callback }

    /// The API of the account; nil where nothing is asked of it.
    package var oneSpan: OneSpanSettings? { account.oneSpan }

    /// After how long without a callback of the account somebody is reported; nil for never.
    var alertAfter: Duration? { account.alertAfter }

    /// The Unix socket through which commands reach the running server.
    package var controlSocket: String { storePath + ".sock" }

    /// The host and port of a text such as `127.0.0.1:8080`; an IPv6 address is in brackets.
    ///
    /// - Throws: `UsageError` that names the setting.
    /// - Returns: The host without brackets, and the port.
    package static func address(
        _ text: String,
        of setting: String,
        such example: String = "127.0.0.1:8080"
    ) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
            throw UsageError("'\(setting)' must be HOST:PORT, such as \(example), not '\(text)'")
        }
        guard (0...65_535).contains(port) else {
            throw UsageError("the port of '\(setting)' must be a number from 0 to 65535, not \(port)")
        }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host.isEmpty ? "0.0.0.0" : host, port)
    }

    private static func certificate(
        _ tls: Options,
        _ folder: String
    ) throws -> (chain: String, key: String, clientAuthorities: String?)? {
        let authorities = tls[SettingsDeclaration.clientAuthorities]?.absolute(from: folder)
        switch (tls[SettingsDeclaration.certificateFile], tls[SettingsDeclaration.certificateKey]) {
        case (nil, nil) where authorities == nil: return nil
        case (let chain?, let key?): return (chain.absolute(from: folder), key.absolute(from: folder), authorities)
        default: throw UsageError("'tls' requires both 'certificate' and 'key'")
        }
    }

    private static func collector(_ tracing: Options) throws -> String? {
        guard let text = tracing[SettingsDeclaration.collector] else { return nil }
        do throws(StepFailure) {
            return try RequestURL(text, source: text).url
        } catch {
            throw UsageError("'tracing.endpoint' must be a URL such as http://127.0.0.1:4318/v1/traces: \(error)")
        }
    }

    private static func policy(_ http: Options) throws -> OutgoingPolicy {
        let networks = try http.required(SettingsDeclaration.allowedNetworks)
            .map { text in
                guard let network = NetworkPrefix(text) else {
                    throw UsageError(
                        "'http.allow_networks' has '\(text)', which is not a network; write 10.1.0.0/16 or fd12::/48"
                    )
                }
                return network
            }
        let hosts = try http.required(SettingsDeclaration.allowedHosts)
            .map { text in
                guard let host = HostPattern(text) else {
                    throw UsageError(
                        "'http.allow_hosts' has '\(text)', which is not a name; write erp.example.com or *.example.com"
                    )
                }
                return host
            }
        return OutgoingPolicy(allowing: networks, hosts: hosts)
    }

    private static func storeAddress(_ text: String, _ folder: String) throws -> StoreAddress {
        guard let address = StoreAddress(text, in: folder) else {
            let example = text.isEmpty || text.contains(":") ? "countersign.db" : text
            throw UsageError(
                "'store' must be postgresql://USER@HOST/DATABASE, or sqlite:FILE, such as sqlite:\(example), not '\(text)'"
            )
        }
        return address
    }

    private static func driver(_ options: Options, _ folder: String) throws -> any StoreDriver {
        typealias Declared = SettingsDeclaration
        return try storeAddress(options.required(Declared.store), folder)
            .driver(
                options[Declared.database].map { DatabaseSettings($0, workingDirectory: folder) },
                instance: try instanceName(options)
            )
    }

    private static func lease(_ duration: Duration) throws -> Duration {
        guard duration >= .seconds(3) else {
            throw UsageError("'engine.lease' must be at least 3s, not '\(duration.text)'")
        }
        return duration
    }
}

extension String {
    /// The path with `folder` before it, unless it is absolute already.
    ///
    /// Links in it are left unchanged: a link to a folder of rules may be swapped while the program runs.
    package func absolute(from folder: String) -> String {
        if hasPrefix("~/") { return NSString(string: self).expandingTildeInPath }
        if hasPrefix("/") { return self }
        // Where the working folder is gone, the system says so of a relative path.
        guard !folder.isEmpty else { return self }
        let path = hasPrefix("./") ? String(dropFirst(2)) : self
        return folder.hasSuffix("/") ? folder + path : folder + "/" + path
    }

    /// The folder of a path.
    package var folder: String {
        NSString(string: self).deletingLastPathComponent
    }
}
