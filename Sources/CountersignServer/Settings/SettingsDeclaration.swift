import CountersignActions
import CountersignAdmin
package import CountersignCore
import CountersignOneSpan
import CountersignOutbound

/// Every setting, declared once: the file is checked against this, and the README's table is made from it.
package enum SettingsDeclaration {
    static let listen = Field.text(
        "listen",
        "Address and port of the callback endpoint.",
        default: "127.0.0.1:8080"
    )
    static let store = Field.text(
        "store",
        "Where events and runs are stored: `sqlite:FILE`, or a database as `postgresql://USER@HOST/DATABASE`.",
        default: "sqlite:countersign.db"
    )
    static let rules = Field.text("rules", "Folder of the rule files.", default: "rules")

    static let certificateFile = Field<String>
        .text(
            "certificate",
            "PEM file with the certificate and its intermediates; a new one is loaded within ten seconds."
        )
    static let certificateKey = Field<String>.text("key", "PEM file of the certificate's private key.")
    static let clientAuthorities = Field<String>
        .text(
            "client_ca",
            "PEM file of the certificate authorities of clients. Clients are then asked for a certificate; "
                + "`client_certificate` in `callback.auth` requires one."
        )
    static let tls = Field.group(
        "tls",
        [certificateFile.declaration, certificateKey.declaration, clientAuthorities.declaration],
        "TLS of the callback endpoint; not needed behind a proxy that terminates TLS."
    )

    static let callbackPath = Field.text("path", "Path of the callback endpoint.", default: "/callback")
    static let keyFile = Field<String>
        .text(
            "key_file",
            "File with one callback key per line; all are accepted. A line that begins with `#` is a comment; "
                + "a key that does must be set in the environment."
        )
    static let maximumBody = Field.size(
        "max_body",
        in: .kib(1)...(.mib(16)),
        "Largest body of a callback.",
        default: .mib(1)
    )
    static let maximumPendingBodies = Field.size(
        "max_pending_bodies",
        in: .mib(1)...(.gib(16)),
        "How much memory the bodies of all pending callbacks may take together; further ones wait unread, and get 503 after "
            + "eight seconds.",
        default: .mib(64)
    )
    static let callback = Field.group(
        "callback",
        [
            callbackPath.declaration, auth.declaration, keyFile.declaration, trustedProxies.declaration,
            maximumBody.declaration, maximumPendingBodies.declaration,
        ],
        "The callback endpoint."
    )

    static let workers = Field.integer("workers", in: 1...256, "How many runs execute at the same time.", default: 8)
    static let perDestination = Field.integer(
        "per_destination",
        in: 1...256,
        "How many steps use one host or one program at the same time.",
        default: 4
    )
    static let shutdownTimeout = Field.duration(
        "shutdown_timeout",
        "How long running steps may take to finish when the server stops.",
        default: .seconds(20)
    )
    static let lease = Field.duration(
        "lease",
        "How long a run belongs to an instance that gives no sign of life, at least `3s`; another instance then resumes it.",
        default: .seconds(60)
    )
    static let mostKeys = Field.integer(
        "max_keys",
        in: 1...100_000_000,
        "How many keys a rule with `throttle`, `threshold`, `debounce` or `digest` may have open; it opens no further ones "
            + "then and `X_STATE_FULL` is raised.",
        default: 1_000_000
    )
    static let engine = Field.group(
        "engine",
        [
            workers.declaration, perDestination.declaration, shutdownTimeout.declaration, lease.declaration,
            mostKeys.declaration,
        ],
        "Execution of runs."
    )

    static let root = Field<String>
        .text(
            "root",
            "Output folder: `file` writes into it, and it is the working folder of programs; `output` next to the store by default."
        )
    static let sharesFiles = Field.boolean(
        "shared",
        "Whether the output folder is the same for all instances that share a store, and programs find the same files on all "
            + "machines. If not, a run goes on with the instance on which a step has left files, until that has been away for "
            + "ten minutes.",
        default: false
    )
    static let files = Field.group("files", [root.declaration, sharesFiles.declaration], "Files that rules write.")

    static let minimumFree = Field<ByteSize>
        .size(
            "min_free",
            in: ByteSize(bytes: 0)...(.gib(1_048_576)),
            "The event `X_DISK_LOW` is raised when less than this is free on the file system of the store or of the output folder; "
                + "`0B` for never. By default `1GiB`, or a tenth of the file system where that is less."
        )
    static let disk = Field.group("disk", [minimumFree.declaration], "Disk space.")

    static let cpuTime = Field<Duration>.duration("cpu_time", "CPU time; a process that has used it up is killed.")
    static let memory = Field<ByteSize>.size("memory", in: .mib(1)...(.gib(1_024)), "Address space, such as `512MiB`.")
    static let openFiles = Field.integer("open_files", in: 8...1_048_576, "Open files per process.")
    static let processes = Field.integer(
        "processes",
        in: 1...1_048_576,
        "Processes and threads of the user that Countersign runs as, its own included; root is not limited."
    )
    static let processLimits = Field.group(
        "process_limits",
        [cpuTime.declaration, memory.declaration, openFiles.declaration, processes.declaration],
        "Resource limits of each program that a step starts; by default those of Countersign itself."
    )

    static let keptEvents = Field.duration(
        "events",
        "Events with their runs; a callback that is repeated later is stored as new. An event with a "
            + "failed run stays until the run is retried or discarded.",
        default: .seconds(730 * 86_400)
    )
    static let keptRuns = Field.duration(
        "runs",
        "Step details (plans, results, output) of runs that succeeded or were discarded.",
        default: .seconds(90 * 86_400)
    )
    static let keptQuarantine = Field.duration(
        "quarantine",
        "Bodies that could not be read as events.",
        default: .seconds(90 * 86_400)
    )
    static let retention = Field.group(
        "retention",
        [keptEvents.declaration, keptRuns.declaration, keptQuarantine.declaration],
        "How long records are kept; checked every hour."
    )

    static let spoolPath = Field<String>
        .text(
            "path",
            "File of the spool, on a disk; by default the file of the store with `.spool` at the end of its name."
        )
    static let spoolSize = Field.size(
        "size",
        in: .mib(1)...(.gib(4)),
        "How large the file is, all of it from the first start on. `64MiB` hold 16,000 small callbacks that come one by one, and "
            + "140,000 that come many at a time. A change takes effect when the spool is empty at a start.",
        default: .mib(64)
    )
    static let spoolAfter = Field.duration(
        "after",
        "How long the store may take to store a callback before it is spooled.",
        default: .seconds(2)
    )
    static let allowsVolatileSpool = Field.boolean(
        "allow_volatile",
        "Whether the spool may lie on tmpfs or overlay, which lose it with the machine or the container.",
        default: false
    )
    static let spool = Field.group(
        "spool",
        [spoolPath.declaration, spoolSize.declaration, spoolAfter.declaration, allowsVolatileSpool.declaration],
        "Where callbacks are stored while the store cannot store them."
    )

    static let allowedNetworks = Field<[String]>
        .texts("allow_networks", "Private networks that any name may resolve to, such as `10.1.0.0/16`.")
    static let allowedHosts = Field<[String]>
        .texts(
            "allow_hosts",
            "Names that may resolve to private addresses, such as `erp.example.com` or `*.example.com`."
        )
    static let authorityFile = Field<String>
        .text("ca_file", "PEM file of private certificate authorities, trusted in addition to those of the system.")
    static let generalProxy = Field<String>
        .text(
            "proxy",
            "The HTTP proxy of all requests, such as `http://proxy.example.com:3128`, or `none`. By default the variables "
                + "`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide. The address of the proxy has to be allowed like any other."
        )
    static let http = Field.group(
        "http",
        [
            allowedNetworks.declaration, allowedHosts.declaration, authorityFile.declaration,
            generalProxy.declaration,
        ],
        "Outgoing requests."
    )

    static let secretsFolder = Field<String>
        .text(
            "folder",
            "Folder with one file per secret, named after it; only the owner may read them."
        )
    static let secrets = Field.group(
        "secrets",
        [secretsFolder.declaration],
        "Where `${secret:NAME}` is read from, before systemd credentials and environment variables."
    )

    static let adminListen = Field.text(
        "listen",
        "Address and port of the admin UI, the JSON API and the metrics; `off` for none. Every user of the machine may look "
            + "and operate, unless there is a token; an address that is reachable from other machines requires one.",
        default: "127.0.0.1:8081"
    )
    static let adminTokenRole = Field.choice(
        "role",
        AdminRole.allCases.map(\.rawValue),
        "What the holder may do: `view` looks at everything, payloads included; `operate` also retries, discards, replays, polls, "
            + "pauses; `administer` also activates rules, which execute programs.",
        default: AdminRole.view.rawValue
    )
    static let adminTokens = Field.groups(
        "tokens",
        [adminTokenRole.declaration],
        "Tokens for people and tools, by name. The value of `ci` is the secret `ADMIN_TOKEN_CI`; beside them, the secret "
            + "`COUNTERSIGN_ADMIN_TOKEN` is the token `admin`, whose role is `administer`."
    )
    static let admin = Field.group(
        "admin",
        [adminListen.declaration, adminTokens.declaration],
        "The admin UI and API."
    )

    static let collector = Field<String>
        .text(
            "endpoint",
            "Where traces are sent, by OTLP over HTTP in JSON, such as `http://127.0.0.1:4318/v1/traces`; without it there are "
                + "none."
        )
    static let tracing = Field.group("tracing", [collector.declaration], "Traces of events.")

    static let level = Field.choice(
        "level",
        ["debug", "info", "warning", "error"],
        "The minimum level of log lines.",
        default: "info"
    )
    static let logFormat = Field.choice(
        "format",
        ["auto", "logfmt", "json"],
        "The format of a log line: `key=value` pairs (logfmt) or a JSON object; `auto` is logfmt on a terminal and JSON "
            + "elsewhere.",
        default: "auto"
    )
    static let log = Field.group(
        "log",
        [level.declaration, logFormat.declaration],
        "Logging, to standard error."
    )

    static let apiURL = Field<String>
        .text(
            "url",
            "The URL of your account: `https://apps.esignlive.com`, `https://sandbox.esignlive.com` or your region's; "
                + "without it, the API is not used."
        )
    static let apiCredentials = Field.choice(
        "auth",
        ["api_key", "client_app", "oauth"],
        "The authentication method: with the secret `ONESPAN_API_KEY`, or with `ONESPAN_CLIENT_ID` and "
            + "`ONESPAN_CLIENT_SECRET`; secrets are read from the same places as those of rules.",
        default: "api_key"
    )
    static let dateParameters = Field.choice(
        "date_parameters",
        OneSpanAccess.DateParameters.allCases.map(\.rawValue),
        "The date parameters of `GET /api/packages`: `startDate` as in the SDKs, or "
            + "`lastUpdatedStartDate` as in the OpenAPI description.",
        default: OneSpanAccess.DateParameters.sdk.rawValue
    )
    static let concurrency = Field.integer(
        "concurrency",
        in: 1...64,
        "How many downloads, package look-ups and other API calls of rules run at the same time; the others wait without "
            + "occupying a worker. A poll makes its calls one by one in addition.",
        default: 4
    )
    static let pollEvery = Field<Duration>
        .duration(
            "every",
            "The poll interval, to recover events whose callback was lost; OneSpan Sign recommends `6h`, `12h` "
                + "or `24h`."
        )
    static let pollOverlap = Field.duration(
        "overlap",
        "How far each poll overlaps with the previous one.",
        default: .seconds(3_600)
    )
    static let poll = Field.group(
        "poll",
        [pollEvery.declaration, pollOverlap.declaration],
        "Polling, as a backup of callbacks; without `every` there is none."
    )
    static let alertAfter = Field<Duration>
        .duration(
            "alert_after",
            "The time without any callback after which the event `X_NO_CALLBACKS` is raised. Also enables `X_EVENT_MISSING`, raised when a package "
                + "completes whose activation never arrived."
        )
    static let oneSpan = Field.group(
        "onespan",
        [
            apiURL.declaration, apiCredentials.declaration, dateParameters.declaration, concurrency.declaration,
            poll.declaration, alertAfter.declaration,
        ],
        "The REST API of OneSpan Sign."
    )

    static let program = Field.text("program", "The executable.", isRequired: true)
    static let arguments = Field<[String]>.texts("arguments", "Its arguments.")
    static let actions = Field.groups(
        "actions",
        [program.declaration, arguments.declaration],
        "Custom actions that are executables, by the name that rules use."
    )

    /// All settings in the order in which they are explained.
    package static let all: [FieldDeclaration] = [
        listen.declaration, tls.declaration, store.declaration, database.declaration,
        instance.declaration, rules.declaration, callback.declaration, engine.declaration,
        files.declaration, disk.declaration, spool.declaration, retention.declaration, processLimits.declaration,
        http.declaration, destinations.declaration,
        secrets.declaration,
        oneSpan.declaration, accounts.declaration, mail.declaration, admin.declaration, tracing.declaration,
        log.declaration,
        actions.declaration,
    ]

    /// Settings that name files or folders; in the settings file they start at that file's folder.
    static let paths: Set<String> = [
        "tls.certificate", "tls.key", "tls.client_ca", "store", "postgresql.password_file", "rules",
        "callback.key_file", "files.root",
        "http.ca_file",
        "secrets.folder", "spool.path",
    ]

    /// The same among options under a name that the user chose, by their own keys.
    static let pathsInGroups: Set = ["program", "certificate", "key", "ca", "key_file"]

    /// Groups of those that hold such options.
    static let groupsWithPaths: Set = ["client_certificate", "callback"]

    /// Each setting that holds one value, by its dotted key.
    package static let leaves: [Leaf] = all.flatMap { leaves(of: $0, under: []) }

    /// A setting that holds one value.
    package struct Leaf: Sendable {
        /// The keys from the top level down to the setting.
        package let path: [String]

        /// The declaration of its value.
        package let declaration: FieldDeclaration

        /// The dotted key, such as `callback.key_file`.
        package var key: String { path.joined(separator: ".") }

        /// The environment variable that gives it.
        package var variable: String {
            "COUNTERSIGN_" + path.map { $0.uppercased() }.joined(separator: "_")
        }
    }

    private static func leaves(of declaration: FieldDeclaration, under path: [String]) -> [Leaf] {
        let path = path + [declaration.key]
        switch declaration.kind {
        case .group(let fields): return fields.flatMap { leaves(of: $0, under: path) }
        case .groups: return []
        default: return [Leaf(path: path, declaration: declaration)]
        }
    }
}
