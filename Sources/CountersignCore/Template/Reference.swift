/// What a `${…}` points at.
public enum Reference: Sendable, Hashable {
    /// A field of the event's payload.
    case event(JSONPath)
    /// An output of an earlier step, or its `status`.
    case step(id: String, JSONPath)
    /// A field of the package, as OneSpan Sign tells it.
    case package(JSONPath)
    /// A field of the signer whom the event's `sessionUser` names, or `role`, the id of the signer's role.
    case signer(JSONPath)
    case runID
    case runAttempt
    case ruleID
    case failure(FailureField)
    /// What a word of the rule leaves to its run: `${after.number}`, `${digest.count}`.
    case fact(RuleFact, JSONPath)
    /// A secret by its name.
    case secret(String)

    /// What is known of the failure inside `on_failure`.
    public enum FailureField: String, Sendable, CaseIterable {
        case step
        case reason
        case attempts
    }
}

/// The words of a rule that leave something to its run.
public enum RuleFact: String, Sendable, CaseIterable {
    case after
    case throttle
    case threshold
    case debounce
    case digest

    /// The names of what the word leaves.
    public var fields: [String] {
        switch self {
        case .after: ["number", "late", "due"]
        case .throttle: ["suppressed"]
        case .threshold: ["count", "events"]
        case .debounce: ["count"]
        case .digest: ["count", "from", "to", "events", "lines"]
        }
    }
}

extension Reference {
    static let roots =
        ["event", "steps", "package", "signer", "run", "rule", "failure", "secret"] + RuleFact.allCases.map(\.rawValue)

    /// Parses the reference of a template, or the path of a step's `if`.
    package init(parsing text: String) throws(TemplateError) {
        if text.hasPrefix("secret:") {
            self = .secret(try Self.secretName(String(text.dropFirst("secret:".count))))
            return
        }
        let path: JSONPath
        do {
            path = try JSONPath(parsing: text)
        } catch {
            let hint = text.hasPrefix("{") ? "; one brace is enough: ${event.packageId}, ${secret:NAME}" : ""
            throw TemplateError(
                "'\(text)' is not a path: \(error.description)\(hint)",
                code: "bad-path",
                offset: error.offset
            )
        }
        guard case .key(let root)? = path.components.first else {
            throw TemplateError("a path must begin with one of \(Self.roots.joined(separator: ", "))", code: "bad-path")
        }
        self = try Self.reference(root: root, rest: JSONPath(Array(path.components.dropFirst())), text: text)
    }

    private static func reference(root: String, rest: JSONPath, text: String) throws(TemplateError) -> Reference {
        switch (root, rest.components.first) {
        case ("event", .some): return .event(rest)
        case ("package", .some): return .package(rest)
        case ("signer", .some): return .signer(rest)
        case ("steps", .key(let id)): return .step(id: id, JSONPath(Array(rest.components.dropFirst())))
        case ("run", .key("id")) where rest.components.count == 1: return .runID
        case ("run", .key("attempt")) where rest.components.count == 1: return .runAttempt
        case ("rule", .key("id")) where rest.components.count == 1: return .ruleID
        case ("failure", .key(let name)) where rest.components.count == 1:
            if let field = FailureField(rawValue: name) { return .failure(field) }
        case (_, .key(let field)):
            if let fact = RuleFact(rawValue: root), fact.fields.contains(field) { return .fact(fact, rest) }
        default: break
        }
        let known =
            [
                "event.…", "steps.ID.…", "package.…", "signer.…", "run.id", "run.attempt", "rule.id", "failure.step",
                "failure.reason", "failure.attempts", "secret:NAME",
            ] + RuleFact.allCases.flatMap { fact in fact.fields.map { "\(fact.rawValue).\($0)" } }
        let near = Suggestion.nearest(to: root, among: roots).map { "; did you mean '\($0)'?" }
        throw TemplateError(
            "there is no '\(text)'\(near ?? "; there are \(known.joined(separator: ", "))")",
            code: "unknown-path"
        )
    }

    private static func secretName(_ name: String) throws(TemplateError) -> String {
        let isName = name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "_-.".utf8.contains($0) }
        guard isName, !name.isEmpty else {
            let message = "the name of a secret must consist of letters, digits, '_', '-' and '.', not '\(name)'"
            throw TemplateError(message, code: "bad-path")
        }
        return name
    }
}

extension Reference: CustomStringConvertible {
    /// The reference as a template writes it.
    public var description: String {
        switch self {
        case .event(let path): "event.\(path)"
        case .step(let id, let path):
            path.components.isEmpty
                ? "steps.\(id)" : "steps.\(JSONPath([.key(id)] + path.components))"
        case .package(let path): "package.\(path)"
        case .signer(let path): "signer.\(path)"
        case .runID: "run.id"
        case .runAttempt: "run.attempt"
        case .ruleID: "rule.id"
        case .failure(let field): "failure.\(field.rawValue)"
        case .fact(let fact, let path): "\(fact.rawValue).\(path)"
        case .secret(let name): "secret:\(name)"
        }
    }
}
