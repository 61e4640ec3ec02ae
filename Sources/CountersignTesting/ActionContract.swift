public import CountersignActions
package import CountersignCore
import CountersignRules
import Foundation
import Logging
import Testing

/// What every action keeps to, whoever wrote it.
public struct ActionContract: Sendable {
    /// A kind of action with options that make it work, and the world that it acts on.
    package struct Subject: Sendable {
        /// The kind of action under test: its declaration, and how it is made from options.
        package let kind: ActionRegistry.Kind

        /// The options of the step; `${event.message}` in them carries the hostile value.
        package let options: Options

        /// The context of an attempt whose event has this message.
        package let context: @Sendable (_ event: Event) -> ActionContext

        /// All that the world has seen so far, such as files with their content, or requests.
        package let traces: @Sendable () throws -> [String]

        /// The action of `kind` with `options`; `traces` must find everything that the action can write or send.
        package init(
            kind: ActionRegistry.Kind,
            options: Options,
            context: @escaping @Sendable (_ event: Event) -> ActionContext,
            traces: @escaping @Sendable () throws -> [String]
        ) {
            self.kind = kind
            self.options = options
            self.context = context
            self.traces = traces
        }
    }

    private let subject: Subject

    /// The contract for this subject; `check(message:)` runs it.
    package init(_ subject: Subject) {
        self.subject = subject
    }

    /// Checks an action of your own, as a rule would use it, in a folder that is removed afterwards.
    ///
    /// That planning it twice gives the same and touches nothing, that it has the outputs that it declares, and that it
    /// fails with a clear reason or not at all. Call it from a test of Swift Testing, once for each of `HostileText.all`.
    ///
    /// - Parameters:
    ///   - action: The action.
    ///   - options: Its options as a rule writes them, in YAML; `${event.message}` in them is the hostile text, and `FOLDER`
    ///     stands for the folder.
    ///   - message: What a signer may have typed.
    /// - Throws: `ContractError` where the options are no options of the action.
    public static func check(_ action: any Action.Type, options: String, message: String) async throws {
        let folder = try TemporaryFolder()
        let registry = ActionRegistry([action])
        let step = try step(of: action.declaration.name, options.replacing("FOLDER", with: folder.path), registry)
        let services = ActionServices(outputRoot: folder.path("output"), http: NoNetwork())
        let subject = Subject(
            kind: ActionRegistry.Kind(declaration: action.declaration) { action.init(options: $0) },
            options: step.options,
            context: { event in
                ActionContext(
                    event: event,
                    runID: Run.ID(rawValue: 1),
                    ruleID: "rule",
                    stepID: step.id,
                    attempt: 1,
                    idempotencyKey: "key",
                    logger: Logger(label: "contract") { _ in SwiftLogNoOpLogHandler() },
                    services: services
                )
            },
            traces: { try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() }
        )
        try await ActionContract(subject).check(message: message)
    }

    private static func step(of name: String, _ options: String, _ registry: ActionRegistry) throws -> Step {
        let indented = options.split(separator: "\n", omittingEmptySubsequences: false).map { "          \($0)" }
        let yaml = """
            rules:
              - id: rule
                when: { event: PACKAGE_OPT_OUT }
                then:
                  - \(name):
            \(indented.joined(separator: "\n"))
            """
        let sources = RuleSources(folder: "/", files: [.init(path: "rule.yaml", text: Array(yaml.utf8))])
        let outcome = RuleCompiler(catalogue: registry.declarations).compile(sources)
        guard let step = outcome.ruleSet?.rules.first?.steps.first else {
            throw ContractError(description: outcome.diagnostics.map(\.description).joined(separator: "\n"))
        }
        return step
    }

    /// Checks the whole contract with a message that a signer may have typed.
    package func check(message: String) async throws {
        let event = Event.sample(message: message)
        let context = subject.context(event)
        let scope = Scope(
            event: event,
            ruleID: context.ruleID,
            ruleFolder: "/",
            runID: context.runID,
            stepID: context.stepID,
            attempt: context.attempt,
            secrets: Secrets([:])
        )
        let before = try subject.traces()
        let action = subject.kind.make(subject.options)
        let first = await prepared(action, in: scope)
        let second = await prepared(action, in: scope)
        #expect(try subject.traces() == before, "a plan touches nothing")
        #expect(first.map(\.plan) == second.map(\.plan), "the same scope gives the same plan")
        guard case .success(let step) = first else {
            expectClearFailure(first)
            return
        }
        do {
            let outputs = try await step.perform(context)
            let declared = Set(subject.kind.declaration.outputs.map(\.name))
            #expect(declared.isSuperset(of: outputs.keys), "the outputs are those of the declaration")
        } catch {
            expectClearFailure(.failure(error))
        }
    }

    private func prepared(_ action: any PlannedAction, in scope: Scope) async -> Result<PreparedStep, StepFailure> {
        do throws(StepFailure) {
            return .success(try await action.prepare(in: scope))
        } catch {
            return .failure(error)
        }
    }

    private func expectClearFailure(_ result: Result<PreparedStep, StepFailure>) {
        guard case .failure(let failure) = result else { return }
        #expect(!failure.reason.isEmpty)
        #expect(!failure.reason.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "a reason stays on its line")
        #expect(failure.reason.utf8.count < 1_000, "a reason does not repeat the value")
    }
}

/// The options that were given to a contract are no options of the action.
public struct ContractError: Error, CustomStringConvertible {
    /// What is wrong, with its position.
    public let description: String
}

/// Texts that a signer may type to make a program do something else.
public enum HostileText {
    /// The texts; each that tries to run a command would create the file `pwned` in the folder that it runs in.
    public static let all = [
        #""; touch pwned #$(touch pwned)"#,
        "'; touch pwned; '",
        "`touch pwned`\n$(touch pwned)",
        "-rf",
        "--help",
        "../../../pwned",
        "/pwned",
        "a\r\nX-Injected: yes\r\n\r\nGET /pwned HTTP/1.1",
        "\u{1B}[2J\u{1B}]0;pwned\u{7}",
        "\u{202E}gnp.exe\u{200F}",
        "%s%n%x ${event.name} $${x} {{x}}",
        "=HYPERLINK(\"http://evil.example\")",
        "e\u{301} \u{0} after",
        // A combining mark makes another character of the one before it, but not for those who read bytes.
        "\"\u{301} \\\u{301} '\u{301} pwned <\u{338}b>&\u{301}",
        "x\"\u{301}\r\u{301}\n\u{301}X-Injected: yes\r\u{301}\n",
        "null",
        "",
        String(repeating: "x", count: 100_000),
        String(repeating: "é", count: 80_000),
    ]
}

extension Event {
    /// A signer's opt-out with this message.
    package static func sample(message: String) -> Event {
        Event(
            id: Event.ID(rawValue: 7),
            name: "PACKAGE_OPT_OUT",
            payload: [
                "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": "PACKAGE_OPT_OUT",
                "sessionUser": "18EZDL44xgsX", "packageId": "wVdZEaPD2igwUnFGJBjDD0dpO7k=",
                "message": .string(message), "documentId": .null, "createdDate": "2018-06-30T20:04:55.384Z",
            ],
            origin: .callback,
            receivedAt: Date(timeIntervalSince1970: 1_530_389_095)
        )
    }
}
