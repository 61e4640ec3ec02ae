import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Logging
import NIOSSL
import Synchronization

/// All that a step can touch, beneath a scratch folder.
struct World: Sendable {
    let folder: TemporaryFolder
    let services: ActionServices
    let lines = LogLines()

    init(
        http: any HTTPSending = NoNetwork(),
        environment: [String: String] = ["PATH": "/usr/bin:/bin"],
        packages: (any PackageServing)? = nil,
        mail: (any MailSending)? = nil
    ) throws {
        folder = try TemporaryFolder()
        services = ActionServices(
            outputRoot: "\(folder.path)/output",
            processes: SystemProcesses(environment: environment),
            http: http,
            packages: packages,
            mail: mail
        )
    }

    func context(for event: Event = .sample(message: "no"), key: String = "run-3/step-1") -> ActionContext {
        var logger = Logger(label: "step") { _ in LineHandler(lines: lines) }
        logger.logLevel = .trace
        return ActionContext(
            event: event,
            runID: Run.ID(rawValue: 3),
            ruleID: "rule-1",
            stepID: "step-1",
            attempt: 2,
            idempotencyKey: key,
            logger: logger,
            services: services
        )
    }

    func scope(for event: Event = .sample(message: "no"), secrets: Secrets = Secrets([:])) -> Scope {
        Scope(
            event: event,
            ruleID: "rule-1",
            ruleFolder: folder.path,
            runID: Run.ID(rawValue: 3),
            stepID: "step-1",
            attempt: 2,
            secrets: secrets
        )
    }

    /// Plans and performs one step.
    func run(
        _ action: String,
        _ options: [String: OptionValue],
        event: Event = .sample(message: "no"),
        secrets: Secrets = Secrets([:]),
        key: String = "run-3/step-1"
    ) async throws(StepFailure) -> JSONObject {
        let step = try await prepare(action, options, event: event, secrets: secrets)
        return try await step.perform(context(for: event, key: key))
    }

    func prepare(
        _ action: String,
        _ options: [String: OptionValue],
        event: Event = .sample(message: "no"),
        secrets: Secrets = Secrets([:])
    ) async throws(StepFailure) -> PreparedStep {
        let entries = options.sorted { $0.key < $1.key }.map { Options.Entry(key: $0.key, value: $0.value) }
        guard let made = ActionRegistry.builtIn.make(action, options: Options(entries)) else {
            throw StepFailure("there is no action '\(action)'")
        }
        return try await made.prepare(in: scope(for: event, secrets: secrets))
    }

    /// The failure that one step ends in; nil when it succeeds.
    func failure(
        _ action: String,
        _ options: [String: OptionValue],
        event: Event = .sample(message: "no"),
        secrets: Secrets = Secrets([:])
    ) async -> StepFailure? {
        do throws(StepFailure) {
            _ = try await run(action, options, event: event, secrets: secrets)
            return nil
        } catch {
            return error
        }
    }
}

extension OptionValue {
    /// A template in the place of a template's value.
    static func parsed(_ text: String) throws -> OptionValue { .template(try Template(parsing: text)) }

    static func parsed(_ texts: [String]) throws -> OptionValue {
        .arguments(try texts.map { try Template(parsing: $0) })
    }

    static func parsedJSON(_ members: KeyValuePairs<String, String>) throws -> OptionValue {
        .json(.object(try members.map { .init(key: $0.key, value: .template(try Template(parsing: $0.value))) }))
    }

    static func parsedList(_ texts: String...) throws -> OptionValue {
        .templateList(try texts.map { try Template(parsing: $0) })
    }

    static func parsed(_ texts: KeyValuePairs<String, String>) throws -> OptionValue {
        .templates(try texts.map { NamedTemplate(name: $0.key, template: try Template(parsing: $0.value)) })
    }
}

/// What was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct LineHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level): \(event.message)")
    }
}
