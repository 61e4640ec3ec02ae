import CountersignActions
package import CountersignModel
import CountersignOneSpan

/// Every setting, declared once: the file is checked against this, and the README's table is made from it.
package enum SettingsDeclaration {
    static let listen = Field.text(
        "listen",
        "Address and port on which callbacks are taken in.",
        default: "127.0.0.1:8080"
    )
    static let store = Field.text("store", "Where events and runs are kept.", default: "sqlite:countersign.db")
    static let rules = Field.text("rules", "Folder of the rule files.", default: "rules")

    static let certificateFile = Field<String>
        .text(
            "certificate",
            "PEM file of the certificate and those that lead to its authority; a new one counts within ten seconds."
        )
    static let certificateKey = Field<String>.text("key", "PEM file of the certificate's private key.")
    static let tls = Field.group(
        "tls",
        [certificateFile.declaration, certificateKey.declaration],
        "Take callbacks in over TLS; without it a proxy does so."
    )

    static let callbackPath = Field.text("path", "Path to which the vendor posts.", default: "/callback")
    static let auth = Field.choice(
        "auth",
        ["key", "none"],
        "Whether callbacks must carry a key; `none` lets anybody in.",
        default: "key"
    )
    static let keyFile = Field<String>
        .text(
            "key_file",
            "File with one callback key a line; all of them count. A line that begins with `#` is a comment; "
                + "a key that does must come from the environment."
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
            callbackPath.declaration, auth.declaration, keyFile.declaration, maximumBody.declaration,
            maximumPendingBodies.declaration,
        ],
        "The door through which callbacks come in."
    )

    static let workers = Field.integer("workers", in: 1...256, "How many runs are worked on at a time.", default: 8)
    static let perDestination = Field.integer(
        "per_destination",
        in: 1...256,
        "How many steps are on their way to one host, or in one program, at a time.",
        default: 4
    )
    static let shutdownTimeout = Field.duration(
        "shutdown_timeout",
        "How long steps may go on once the program is asked to stop.",
        default: .seconds(20)
    )
    static let engine = Field.group(
        "engine",
        [workers.declaration, perDestination.declaration, shutdownTimeout.declaration],
        "How rules are carried out."
    )

    static let root = Field<String>
        .text(
            "root",
            "Output folder: `file` writes beneath it, programs start in it; `output` beside the store if not given."
        )
    static let files = Field.group("files", [root.declaration], "Where rules write.")

    static let minimumFree = Field<ByteSize>
        .size(
            "min_free",
            in: ByteSize(bytes: 0)...(.gib(1_048_576)),
            "The event `X_DISK_LOW` is raised when less than this is free on the file system of the store or of the output folder; "
                + "`0B` for never. By default `1GiB`, or a tenth of the file system where that is less."
        )
    static let disk = Field.group("disk", [minimumFree.declaration], "When room runs out.")

    static let cpuTime = Field<Duration>.duration("cpu_time", "CPU time; a process that has used it up is killed.")
    static let memory = Field<ByteSize>.size("memory", in: .mib(1)...(.gib(1_024)), "Address space, such as `512MiB`.")
    static let openFiles = Field.integer("open_files", in: 8...1_048_576, "Open files of one process.")
    static let processes = Field.integer(
        "processes",
        in: 1...1_048_576,
        "Processes and threads of the user as whom Countersign runs, its own among them; root is not bound by it."
    )
    static let processLimits = Field.group(
        "process_limits",
        [cpuTime.declaration, memory.declaration, openFiles.declaration, processes.declaration],
        "What each program that a step starts may use; without a value, as much as Countersign itself."
    )

    static let keptEvents = Field.duration(
        "events",
        "Events with their runs; a callback that is sent again after that is taken for a new one. An event whose run "
            + "failed stays until the run is retried or discarded.",
        default: .seconds(730 * 86_400)
    )
    static let keptRuns = Field.duration(
        "runs",
        "What the steps of runs that succeeded or were discarded did: plans, results, output.",
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
        "How long things are kept; looked at every hour."
    )

    static let allowedNetworks = Field<[String]>
        .texts("allow_networks", "Inner addresses to which every name may lead, such as `10.1.0.0/16`.")
    static let allowedHosts = Field<[String]>
        .texts("allow_hosts", "Names that may lead to inner addresses, such as `erp.example.com` or `*.example.com`.")
    static let authorityFile = Field<String>
        .text("ca_file", "PEM file of private authorities, trusted beside those of the system.")
    static let http = Field.group(
        "http",
        [allowedNetworks.declaration, allowedHosts.declaration, authorityFile.declaration],
        "Where requests may go."
    )

    static let secretsFolder = Field<String>
        .text(
            "folder",
            "Folder of files that each hold one secret, named after it; nobody but the owner may read them."
        )
    static let secrets = Field.group(
        "secrets",
        [secretsFolder.declaration],
        "Where `${secret:NAME}` is looked for, before systemd's credentials and environment variables."
    )

    static let adminListen = Field.text(
        "listen",
        "Address and port of the admin pages, the JSON API and the metrics; `off` for none. Everybody on the machine may "
            + "look and order there, unless the secret `COUNTERSIGN_ADMIN_TOKEN` is set; an address that others reach "
            + "takes one.",
        default: "127.0.0.1:8081"
    )
    static let admin = Field.group("admin", [adminListen.declaration], "What operators look at and put right.")

    static let collector = Field<String>
        .text(
            "endpoint",
            "Where traces are sent, by OTLP over HTTP in JSON, such as `http://127.0.0.1:4318/v1/traces`; without it there are "
                + "none."
        )
    static let tracing = Field.group("tracing", [collector.declaration], "The ways of events, as traces.")

    static let level = Field.choice(
        "level",
        ["debug", "info", "warning", "error"],
        "The least important lines that are logged.",
        default: "info"
    )
    static let logFormat = Field.choice(
        "format",
        ["auto", "logfmt", "json"],
        "How a line is written: `key=value` pairs (logfmt), or a JSON object; `auto` is logfmt on a terminal and JSON "
            + "elsewhere.",
        default: "auto"
    )
    static let log = Field.group(
        "log",
        [level.declaration, logFormat.declaration],
        "What is logged, to standard error."
    )

    static let apiURL = Field<String>
        .text(
            "url",
            "Where your account is: `https://apps.esignlive.com`, `https://sandbox.esignlive.com` or your region's; "
                + "without it nothing is asked of OneSpan Sign."
        )
    static let apiCredentials = Field.choice(
        "auth",
        ["api_key", "client_app", "oauth"],
        "How requests prove who asks: with the secret `ONESPAN_API_KEY`, or with `ONESPAN_CLIENT_ID` and "
            + "`ONESPAN_CLIENT_SECRET`; secrets are looked for as those of rules are.",
        default: "api_key"
    )
    static let dateParameters = Field.choice(
        "date_parameters",
        OneSpanAccess.DateParameters.allCases.map(\.rawValue),
        "The parameters that name a span of time to `GET /api/packages`: `startDate` as in the SDKs, or "
            + "`lastUpdatedStartDate` as in the OpenAPI description.",
        default: OneSpanAccess.DateParameters.sdk.rawValue
    )
    static let concurrency = Field.integer(
        "concurrency",
        in: 1...64,
        "How many downloads, look-ups of packages and other calls of rules are under way at a time; the others wait without "
            + "holding a worker. A poll asks one thing after another beside them.",
        default: 4
    )
    static let pollEvery = Field<Duration>
        .duration(
            "every",
            "How often packages are asked for, to make events of what no callback told; OneSpan Sign advises `6h`, `12h` "
                + "or `24h`."
        )
    static let pollOverlap = Field.duration(
        "overlap",
        "How much further back than the last poll each one looks.",
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
            "After how long without a callback the event `X_NO_CALLBACKS` is raised; `X_EVENT_MISSING` is raised then, too, when a package "
                + "completes that was never seen activated. Without it, neither is."
        )
    static let oneSpan = Field.group(
        "onespan",
        [
            apiURL.declaration, apiCredentials.declaration, dateParameters.declaration, concurrency.declaration,
            poll.declaration, alertAfter.declaration,
        ],
        "The REST API of OneSpan Sign."
    )

    static let mailServer = Field<String>
        .text("server", "Host and port of the mail server, such as `smtp.example.com:587`; without it no mail is sent.")
    static let mailSecurity = Field.choice(
        "security",
        MailServer.Security.allCases.map(\.rawValue),
        "How mail is kept from others on the way: `starttls` as a rule on port 587, `tls` on port 465; `none` is for "
            + "servers of the own network.",
        default: MailServer.Security.startTLS.rawValue
    )
    static let mailHello = Field<String>
        .text(
            "hello",
            "The name that mail servers are told in EHLO, such as `app.example.com` or `[192.0.2.1]`; without it the name of "
                + "this machine, or its address where that name has no domain."
        )
    static let mailFrom = Field<String>.text("from", "The sender, such as `Countersign <countersign@example.com>`.")
    static let mailTo = Field<[String]>.texts("to", "Whom mails go to whose step names nobody.")
    static let mailUser = Field<String>
        .text(
            "user",
            "The user to log in as; the password is the secret `MAIL_PASSWORD`, which is looked for as those of rules are."
        )
    static let mail = Field.group(
        "mail",
        [
            mailServer.declaration, mailSecurity.declaration, mailHello.declaration, mailFrom.declaration,
            mailTo.declaration, mailUser.declaration,
        ],
        "The server through which rules send mail."
    )

    static let program = Field.text("program", "The executable.", isRequired: true)
    static let arguments = Field<[String]>.texts("arguments", "Arguments that it is started with.")
    static let actions = Field.groups(
        "actions",
        [program.declaration, arguments.declaration],
        "Actions that are executables, by the name that rules give them."
    )

    /// All settings in the order in which they are explained.
    package static let all: [FieldDeclaration] = [
        listen.declaration, tls.declaration, store.declaration, rules.declaration, callback.declaration,
        engine.declaration,
        files.declaration, disk.declaration, retention.declaration, processLimits.declaration, http.declaration,
        secrets.declaration,
        oneSpan.declaration, mail.declaration, admin.declaration, tracing.declaration, log.declaration,
        actions.declaration,
    ]

    /// Settings that name files or folders; in the settings file they start at that file's folder.
    static let paths: Set<String> = [
        "tls.certificate", "tls.key", "store", "rules", "callback.key_file", "files.root", "http.ca_file",
        "secrets.folder",
    ]

    /// Each setting that holds one value, by its dotted key.
    package static let leaves: [Leaf] = all.flatMap { leaves(of: $0, under: []) }

    /// A setting that holds one value.
    package struct Leaf: Sendable {
        package let path: [String]
        package let declaration: FieldDeclaration

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
