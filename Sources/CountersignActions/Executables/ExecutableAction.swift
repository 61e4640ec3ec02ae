package import CountersignCore

/// An action that is a program of its own, named in the settings; it answers `describe`, `plan` and `perform`.
package struct ExecutableAction: PlannedAction {
    /// What the program says it is about to do, or the options that it will be given.
    package struct Plan: ActionPlan {
        /// The program's answer to `plan`; the options with all values filled in where it answers null.
        package let json: JSON

        /// The action's name: its program is one other rule.
        package let destination: String?
    }

    private let program: ExecutableProgram
    private let description: ExecutableDescription
    private let limit: Duration
    private let options: Options

    /// Asks a program what it is, and makes a kind of action of it.
    ///
    /// The program, given by its absolute path, must call itself `name`. It has `limit` to answer `describe`, and later
    /// `plan`.
    package static func load(
        name: String,
        program: String,
        arguments: [String] = [],
        services: ActionServices,
        limit: Duration = .seconds(10)
    ) async throws(ExecutableActionError) -> ActionRegistry.Kind {
        let program = ExecutableProgram(
            action: name,
            path: program,
            arguments: arguments,
            processes: services.processes
        )
        guard program.path.utf8.first == UInt8(ascii: "/") else { throw program.error("describe", .relativePath) }
        let answer = try await program.ask("describe", [:], within: limit)
        let description: ExecutableDescription
        do throws(ExecutableDescription.Fault) {
            description = try ExecutableDescription(answer)
        } catch {
            throw program.error("describe", .badAnswer(error.words))
        }
        guard description.declaration.name == name else {
            throw program.error(
                "describe",
                .badAnswer("its name is '\(description.declaration.name)', not '\(name)'")
            )
        }
        return ActionRegistry.Kind(declaration: description.declaration) { options in
            ExecutableAction(program: program, description: description, limit: limit, options: options)
        }
    }

    /// Asks the program for its plan, within the time limit that was given to `load`.
    ///
    /// - Throws: `StepFailure` where a value cannot be filled in, or the answer is not valid.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let options = try rendered(in: scope)
        let request: JSONObject = ["options": .object(options), "event": Self.json(of: scope.event)]
        let answer = try await ask("plan", request, within: limit)
        guard answer.keys == ["plan"], let plan = answer["plan"] else {
            throw failure("plan", "it must be {\"plan\": …} and nothing else")
        }
        let name = description.declaration.name
        return Plan(json: plan == .null ? .object(options) : plan, destination: name)
    }

    /// Asks the program to carry out its plan, in the output folder; only the step's timeout limits it.
    ///
    /// - Throws: `StepFailure`; where the program answers `error`, its `retry` says whether another attempt may help.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let request: JSONObject = [
            "plan": plan.json,
            "event": Self.json(of: context.event),
            "run_id": JSON(context.runID.rawValue),
            "rule_id": .string(context.ruleID),
            "step_id": .string(context.stepID),
            "attempt": JSON(context.attempt),
            "idempotency_key": .string(context.idempotencyKey),
        ]
        try await OutputFolder(path: context.services.outputRoot).create()
        let answer = try await ask("perform", request, in: context.services.outputRoot, within: nil)
        if answer.keys == ["outputs"], let outputs = answer["outputs"]?.object {
            let names = description.declaration.outputs.map(\.name)
            if let unknown = outputs.keys.first(where: { !names.contains($0) }) {
                throw failure("perform", "it has the output '\(unknown)', which its description does not name")
            }
            return outputs
        }
        guard let reason = answer["error"]?.string, Set(answer.keys).isSubset(of: ["error", "retry"]),
            let isWorthRetrying = (answer["retry"] ?? true).bool
        else {
            throw failure("perform", "it must be {\"outputs\": {…}} or {\"error\": \"…\", \"retry\": true or false}")
        }
        throw StepFailure(reason.showingControls, isWorthRetrying: isWorthRetrying)
    }

    /// The options with all values filled in.
    private func rendered(in scope: Scope) throws(StepFailure) -> JSONObject {
        var object: JSONObject = [:]
        for field in description.declaration.fields {
            let entry = options.entries.first { $0.key == field.key }
            object[field.key] =
                try entry.map { entry throws(StepFailure) in
                    try Self.json(of: entry.value, in: scope)
                } ?? description.defaults[field.key]
        }
        return object
    }

    private static func json(of value: OptionValue, in scope: Scope) throws(StepFailure) -> JSON? {
        switch value {
        case .template(let template): return .string(try template.text(in: scope, for: .text))
        case .json(let template): return try template.json(in: scope)
        case .integer(let number): return JSON(number)
        case .boolean(let flag): return .bool(flag)
        case .duration(let duration): return .string(duration.text)
        case .size(let size): return .string(size.description)
        case .templates(let entries):
            var members: [JSONObject.Member] = []
            for entry in entries {
                members.append(.init(key: entry.name, value: .string(try entry.template.text(in: scope, for: .text))))
            }
            return .object(JSONObject(members))
        case .arguments, .templateList, .text, .texts, .integers, .group, .maps, .groups, .entries: return nil
        }
    }

    private static func json(of event: Event) -> JSON {
        ["name": .string(event.name), "payload": event.payload, "origin": .string(event.origin.rawValue)]
    }

    private func ask(
        _ name: String,
        _ request: JSONObject,
        in folder: String? = nil,
        within limit: Duration?
    ) async throws(StepFailure) -> JSONObject {
        do throws(ExecutableActionError) {
            return try await program.ask(name, request, in: folder, within: limit)
        } catch {
            throw StepFailure(error.description, isWorthRetrying: error.isPassing)
        }
    }

    private func failure(_ request: String, _ fault: String) -> StepFailure {
        .final(program.error(request, .badAnswer(fault)).description)
    }
}
