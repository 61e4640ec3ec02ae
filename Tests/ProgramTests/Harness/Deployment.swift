import CountersignCore
import CountersignTesting
import Foundation
import Subprocess
import SystemPackage

/// A folder in which the program is used: rules, settings, a store and an output folder of its own.
final class Deployment: Sendable {
    static let key = "The/key-of-the+tests="

    /// How a process ended.
    enum Ending: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)

        init(_ status: TerminationStatus) {
            self =
                switch status {
                case .exited(let code): .exited(code)
                case .signaled(let signal): .signalled(signal)
                }
        }
    }

    /// What a command came to.
    struct Outcome: Sendable {
        let status: Ending
        let output: String
        let errors: String

        /// The values on the lines of standard output.
        var json: [JSON] {
            get throws { try output.split(separator: "\n").map { try JSON(parsing: String($0)) } }
        }
    }

    let folder: TemporaryFolder
    private let environment: [String: String]
    private let program: String

    /// - Parameters:
    ///   - rules: The one rule file; nil for the rules of the repository that need no account.
    ///   - settings: The content of `countersign.yaml`; nil for none.
    ///   - environment: Variables beside the key and the address; an empty value takes one away.
    ///   - program: The program to use.
    /// - Throws: An error of the file system.
    init(
        rules: String?,
        settings: String? = nil,
        environment: [String: String] = [:],
        program: String = Repository.program
    ) throws {
        folder = try TemporaryFolder()
        self.program = program
        let inherited = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "LANG", "TZ"].contains($0.key) }
        self.environment =
            inherited
            .merging([
                "COUNTERSIGN_CALLBACK_KEY": Self.key, "COUNTERSIGN_LISTEN": "127.0.0.1:0",
                "COUNTERSIGN_LOG_FORMAT": "logfmt", "COUNTERSIGN_ADMIN_LISTEN": "off",
                // Where hundreds of tests share a machine, a commit may take long; a test that wants it says so.
                "COUNTERSIGN_SPOOL_SIZE": "1MiB", "COUNTERSIGN_SPOOL_AFTER": "1m",
            ]) { $1 }
            .merging(environment) { $1 }
            .filter { !$0.value.isEmpty }
        if let rules {
            try write(rules, to: "rules/rules.yaml")
        } else {
            try FileManager.default.copyItem(atPath: Repository.path + "/rules", toPath: path("rules"))
            try FileManager.default.removeItem(atPath: path("rules/contracts.yaml"))
        }
        if let settings { try write(settings, to: "countersign.yaml") }
    }

    func path(_ name: String) -> String { folder.path(name) }

    /// Writes a file as a whole, and the folders it lies in.
    func write(_ text: String, to name: String, mode: Int = 0o644) throws {
        let path = path(name)
        try FileManager.default.createDirectory(
            atPath: NSString(string: path).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// The text of a file; nil when there is none.
    func text(of name: String) -> String? {
        FileManager.default.contents(atPath: path(name)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Every file and folder with its permissions and size, to see whether something was touched.
    func listing(of name: String = "") throws -> [String: String] {
        let root = name.isEmpty ? folder.path : path(name)
        var listing: [String: String] = [:]
        for entry in try FileManager.default.subpathsOfDirectory(atPath: root) {
            let attributes = try FileManager.default.attributesOfItem(atPath: root + "/" + entry)
            let facts = [FileAttributeKey.posixPermissions, .size, .modificationDate, .type].map { attributes[$0] }
            listing[entry] = facts.map { $0.map { "\($0)" } ?? "-" }.joined(separator: " ")
        }
        return listing
    }

    /// The permissions of a file.
    func mode(of name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int
    }

    /// Runs a command of the program to its end.
    func run(_ arguments: String..., input: String = "", environment: [String: String] = [:]) async throws -> Outcome {
        try await run(arguments, input: input, environment: environment)
    }

    /// Runs a command of the program to its end.
    func run(_ arguments: [String], input: String = "", environment: [String: String] = [:]) async throws -> Outcome {
        let result = try await Subprocess.run(
            configuration(arguments, environment),
            input: .string(input),
            output: .string(limit: 4 << 20),
            error: .string(limit: 4 << 20)
        )
        return Outcome(
            status: Ending(result.terminationStatus),
            output: result.standardOutput,
            errors: result.standardError
        )
    }

    /// Has a server run while `body` does, and ends it with SIGTERM unless `body` ended it.
    @discardableResult
    func serve(
        _ arguments: String...,
        environment: [String: String] = [:],
        during body: (RunningServer) async throws -> Void
    ) async throws -> (status: Ending, log: ServerLog) {
        let log = ServerLog()
        let configuration = configuration(["serve"] + arguments, environment)
        let result = try await Subprocess.run(configuration, input: .none, output: .discarded, error: .sequence) {
            execution in
            let (process, errors) = (execution.processIdentifier.value, execution.standardError)
            try await withThrowingTaskGroup { group in
                group.addTask {
                    defer { log.end() }
                    for try await line in errors.strings() { log.append(line.trimmingCharacters(in: .newlines)) }
                }
                do {
                    let line = try await log.line(with: "msg=Listening")
                    let server = RunningServer(process: process, port: try Self.port(in: line), log: log)
                    try await body(server)
                    if !server.stop.isMade { kill(process, SIGTERM) }
                } catch {
                    kill(process, SIGKILL)
                    throw error
                }
                try await group.waitForAll()
            }
        }
        return (Ending(result.terminationStatus), log)
    }

    /// Has a command run that writes to standard output and ends by a signal only, while `body` does.
    @discardableResult
    func background(
        _ arguments: [String],
        during body: (ServerLog, pid_t) async throws -> Void
    ) async throws -> Ending {
        let log = ServerLog()
        let result = try await Subprocess.run(
            configuration(arguments, [:]),
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            let (process, lines) = (execution.processIdentifier.value, execution.standardOutput)
            try await withThrowingTaskGroup { group in
                group.addTask {
                    defer { log.end() }
                    for try await line in lines.strings() { log.append(line.trimmingCharacters(in: .newlines)) }
                }
                defer { kill(process, SIGKILL) }
                try await body(log, process)
            }
        }
        return Ending(result.terminationStatus)
    }

    private static func port(in line: String) throws -> Int {
        let number = line.split(separator: " ").first { $0.hasPrefix("port=") }?.dropFirst("port=".count)
        guard let port = number.flatMap({ Int($0) }) else { throw NeverCame(what: "a port in '\(line)'") }
        return port
    }

    func configuration(_ arguments: [String], _ changes: [String: String]) -> Configuration {
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment.merging(changes, uniquingKeysWith: { $1 }) where !value.isEmpty {
            if let key = Environment.Key(rawValue: name) { variables[key] = value }
        }
        return Configuration(
            executable: .path(FilePath(program)),
            arguments: Arguments(arguments),
            environment: .custom(variables),
            workingDirectory: FilePath(folder.path)
        )
    }
}
