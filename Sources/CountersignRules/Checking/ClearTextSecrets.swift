import CountersignCore

/// Warns of texts that look like a secret: rule files are shared, logged and kept in repositories.
struct ClearTextSecrets {
    let findings: Findings

    private static let advice =
        "looks like a secret in clear text; set it as an environment variable and write ${secret:NAME}"

    /// What secrets look like wherever they stand: keys of well-known services, bearer tokens, passwords in URLs.
    private static let patterns: [RegularExpression] =
        [
            #"\b(Bearer|Basic|Token)\s+[A-Za-z0-9+/_.=-]{16,}"#,
            #"\bwhsec_[A-Za-z0-9+/=]{16,}"#,
            #"\b(ghp|gho|ghs|ghr|github_pat|glpat|sk_live|rk_live|xox[abpr])[_-][A-Za-z0-9_-]{16,}"#,
            #"\bAKIA[0-9A-Z]{16}\b"#,
            #"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"#,
            #"-----BEGIN [A-Z ]*PRIVATE KEY-----"#,
            #"https?://[^/\s:@$]+:[^/\s@$]+@"#,
            #"https://hooks\.slack\.com/services/[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]+"#,
            #"(?i)[?&](api_?key|access_?token|token|secret|password|sig)=[A-Za-z0-9+/_.%-]{8,}"#,
        ]
        .compactMap { try? RegularExpression($0) }

    /// Names under which a literal value is hardly anything else.
    private static let names = try? RegularExpression(
        #"(^|[_-])(authorization|password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)$"#,
        ignoresCase: true
    )

    /// How shells, systemd, Windows and template languages write a variable; here all of them are plain text.
    private static let variables: [(pattern: RegularExpression, advice: String)] =
        [
            (#"(^|[^$\\\w])\$[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b"#, "${secret:NAME} for a secret, ${event.…} for a value"),
            (#"%[A-Z][A-Z0-9]*(_[A-Z0-9]+)+%"#, "${secret:NAME} for a secret, ${event.…} for a value"),
            (#"(^|[^$])\{\{.+\}\}"#, "${event.…}"),
        ]
        .compactMap { pattern, advice in (try? RegularExpression(pattern)).map { ($0, advice) } }

    /// Warns of variables as others write them, which would be sent as they stand.
    func checkVariables(_ node: Node) {
        switch node.content {
        case .mapping(let entries):
            for entry in entries { checkVariables(entry.value) }
        case .sequence(let items):
            for item in items { checkVariables(item) }
        case .scalar(let scalar):
            guard let found = Self.variables.first(where: { $0.pattern.isFound(in: scalar.text) }) else { return }
            let message =
                "a variable written like this is literal text; write \(found.advice)"
            findings.report(.literalVariable, message, at: node.span)
        }
    }

    /// Looks at all texts under `node`.
    func check(_ node: Node, under key: String? = nil) {
        switch node.content {
        case .mapping(let entries):
            for entry in entries { check(entry.value, under: entry.key) }
        case .sequence(let items):
            for item in items { check(item, under: key) }
        case .scalar(let scalar):
            guard looksSecret(scalar.text, under: key) else { return }
            findings.report(.secretInClear, "this " + Self.advice, at: node.span)
        }
    }

    private func looksSecret(_ text: String, under key: String?) -> Bool {
        if Self.patterns.contains(where: { $0.isFound(in: text) }) { return true }
        guard let key, Self.names?.isFound(in: key) == true else { return false }
        // A short word is a name or a placeholder, and what holds a '${' is filled in later.
        return text.count >= 8 && !text.contains("${") && !text.contains(" ")
    }
}
