import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignOutbound
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// The engine with all actions as they are, beneath a folder of its own and with a receiver on the loopback interface.
struct InjectionFixture: Sendable {
    let folder: TemporaryFolder
    let server: RecordingServer
    let store = MemoryStore()
    let clock = ManualClock()
    let log = LogCapture()
    private let book: RuleBook
    private let worker: RunWorker
    private let dispatcher: Dispatcher

    /// What means the address of the receiver in rules.
    static let receiver = "http://receiver"

    /// Runs `body` in a world with these rules, and ends all of it behind.
    static func with(rules: String, _ body: (InjectionFixture) async throws -> Void) async throws {
        try await RecordingServer.with(answering: Self.answer) { server in
            let clients = OutgoingClients()
            let result: Result<Void, any Error>
            do {
                let rules = rules.replacing(Self.receiver, with: server.url)
                let world = try await InjectionFixture(server: server, clients: clients, rules: rules)
                result = .success(try await body(world))
            } catch {
                result = .failure(error)
            }
            try await clients.shutdown()
            try result.get()
        }
    }

    private init(server: RecordingServer, clients: OutgoingClients, rules: String) async throws {
        folder = try TemporaryFolder()
        try Self.prepare(folder)
        self.server = server
        let sender = HTTPClientSender(clients: clients, userAgent: "Countersign/test")
        let registry = ActionRegistry.builtIn
        book = RuleBook(
            compiler: RuleCompiler(catalogue: registry.declarations),
            store: store,
            folder: "/rules",
            instance: "one",
            clock: clock,
            loadSecrets: { _ in Secrets(["SFTP_KEY": "no key of anybody"]) }
        )
        worker = RunWorker(
            store: store,
            book: book,
            planner: Planner(registry: registry),
            services: ActionServices(
                outputRoot: folder.path("output"),
                processes: SystemProcesses(environment: ["PATH": "\(folder.path("bin")):/usr/bin:/bin"]),
                http: sender,
                events: InboxEvents(inbox: store, clock: clock),
                clock: clock,
                packages: OneSpanClient(
                    access: OneSpanAccess(baseURL: server.url) { .apiKey("key") },
                    http: sender,
                    clock: clock
                )
            ),
            clock: clock,
            logger: log.logger(),
            spread: { 1 }
        )
        dispatcher = Dispatcher(store: store, book: book, clock: clock, logger: log.logger())
        let sources = RuleSources(
            folder: folder.path("rules"),
            files: [.init(path: "hostile.yaml", text: Array(rules.utf8))]
        )
        if case .refused(let findings) = try await book.install(sources, because: .folder) {
            Issue.record("\(findings)")
        }
    }

    /// A file to send, and a program in the place of OpenSSH's that keeps the commands that it is given.
    private static func prepare(_ folder: TemporaryFolder) throws {
        for name in ["bin", "output"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        try Data("content".utf8).write(to: URL(filePath: folder.path("output/sent.txt")))
        let program = "#!/bin/sh\ncat > \"${0%/*}/commands\"\n"
        try Data(program.utf8).write(to: URL(filePath: folder.path("bin/sftp")))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("bin/sftp"))
    }

    /// What the receiver says: as OneSpan Sign does below its path, and nothing elsewhere.
    private static func answer(to request: RecordingServer.Request) -> RecordingServer.Answer {
        let path = request.uri.prefix { $0 != "?" }
        let body: String =
            switch (request.method, path) {
            case ("GET", "/api/packages"): #"{"count":0,"results":[]}"#
            case ("GET", _) where path.contains("/roles/"): #"{"signers":[{"email":"old@example.com"}]}"#
            case ("GET", _) where path.hasPrefix("/api/packages/"): #"{"status":"SENT","due":"2018-01-01T00:00:00Z"}"#
            case ("POST", _) where path.hasSuffix("/clone"): #"{"id":"N"}"#
            default: ""
            }
        return .status(200, headers: [("Content-Type", "application/json")], body: body)
    }

    /// Takes an event in and works on its runs.
    func receive(_ payload: JSON) async throws {
        let delivery = Delivery(
            name: payload["name"]?.string ?? "",
            payload: payload,
            body: payload.bytes,
            origin: .callback,
            deduplicationKey: nil
        )
        _ = try await store.append(delivery, at: clock.now)
        try await work()
    }

    /// Makes the runs of events that have none yet, and works on all that are due.
    func work() async throws {
        _ = try await dispatcher.dispatchBatch()
        let lease = Lease(id: "lease", for: .seconds(60))
        for run in try await store.claim(limit: 100, lease: lease, at: clock.now) {
            await worker.work(on: run, lease: lease.id) { false }
        }
    }

    /// Why the run of a rule failed; nil where it succeeded.
    func reason(_ rule: String) async throws -> String? {
        let run = try #require(try await store.runs(RunQuery()).first { $0.ruleID == rule })
        let claimed = try #require(try await store.run(run.id))
        switch run.state {
        case .succeeded: return nil
        case .failed: return claimed.records.last?.reason ?? ""
        default:
            Issue.record("the run of '\(rule)' is \(run.state.rawValue)")
            return nil
        }
    }

    /// The bytes of a file in the output folder; nil where there is none.
    func bytes(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: folder.path("output/\(name)")).map { Array($0) }
    }

    /// The names of all files and folders of the world.
    var names: [String] {
        let all = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return all.map { $0.split(separator: "/").last.map(String.init) ?? "" }
    }

    /// What the receiver was sent to a path that begins so; nil when nothing came, or more than one request.
    func request(_ prefix: String) -> RecordingServer.Request? {
        let requests = server.requests.filter { $0.uri.hasPrefix(prefix) }
        return requests.count == 1 ? requests[0] : nil
    }
}
