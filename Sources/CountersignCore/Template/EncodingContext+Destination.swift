/// Where requests go: destinations, and paths behind their URLs.
extension EncodingContext {
    static func destinationProblem(of template: Template) -> (message: String, expression: Template.Expression)? {
        let foreign = template.expressions.first { expression in
            guard case .package(let path) = expression.reference else { return true }
            return path.components.first != .key("data") || path.components.count < 2
        }
        return foreign.map {
            ("only '${package.data.…}' may choose a destination, which a signer cannot write; name it otherwise", $0)
        }
    }

    static func destinationFault(in template: Template) -> String? {
        guard let name = template.literal, !DestinationNames.isName(name) else { return nil }
        return "a destination has a name of letters, digits, '-' and '_', not '\(name.cut(to: 100))'"
    }

    static func settingProblem(of template: Template) -> (message: String, expression: Template.Expression)? {
        template.expressions.first { !$0.isSecret }
            .map { ("settings know no event: only '${secret:NAME}' has a value here", $0) }
    }

    static func urlPathFault(in template: Template) -> String? {
        // A value is a segment, or a part of one, that is neither '.' nor '..'.
        let text = template.segments.map { if case .literal(let text) = $0 { text } else { "v" } }.joined()
        do throws(StepFailure) {
            try checkURLPath(text, source: template.source)
            return nil
        } catch {
            return error.reason
        }
    }

    static func apiPathFault(in template: Template) -> String? {
        let text = template.segments.map { if case .literal(let text) = $0 { text } else { "v" } }.joined()
        do throws(StepFailure) {
            try checkAPIPath(text, source: template.source)
            return nil
        } catch {
            return error.reason
        }
    }

    /// Makes sure that `path` is one of the vendor's API, below `/api/`.
    ///
    /// - Throws: `StepFailure` that names `source`.
    package static func checkAPIPath(_ path: String, source: String) throws(StepFailure) {
        let shown = source.cut(to: 200).onOneLine
        guard path.hasPrefix("/api/") else {
            let rest = path.hasPrefix("/") ? path : "/" + path
            let example =
                rest.hasPrefix("/packages") ? "/api\(String(rest.prefix { $0 != "?" }).cut(to: 60))" : "/api/packages"
            throw .final("the path '\(shown)' must begin with '/api/', such as '\(example.onOneLine)'")
        }
        guard !path.contains("#") else { throw .final("the path '\(shown)' contains '#', which is not sent") }
        try checkURLPath(path, source: source)
    }

    /// Makes sure that `path` is one behind a URL, which stays on the URL's host and beneath its path.
    ///
    /// - Throws: `StepFailure` that names `source`.
    package static func checkURLPath(_ path: String, source: String) throws(StepFailure) {
        guard path.isEmpty || path.hasPrefix("/") || path.hasPrefix("?") else {
            throw .final("the path '\(source.cut(to: 200))' must begin with '/', such as '/contracts', or with '?'")
        }
        guard !path.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            throw .final(
                "the path '\(source.cut(to: 200).onOneLine)' contains a space, a control character or '\\', which a URL does not"
            )
        }
        let segments = path.prefix { !"?#".contains($0) }.split(separator: "/")
        let isOdd = segments.contains { [".", ".."].contains($0.lowercased().replacing("%2e", with: ".")) }
        guard !isOdd else {
            throw .final("the path '\(source.cut(to: 200))' has a segment '.' or '..', which leads elsewhere")
        }
    }
}

extension Template {
    /// The text of a setting with its secrets filled in.
    ///
    /// - Throws: `StepFailure` where a secret is not set, or has a line end or a NUL in it.
    package func text(with secrets: Secrets) throws(StepFailure) -> String {
        var text = ""
        for segment in segments {
            switch segment {
            case .literal(let literal): text += literal
            case .value(let expression):
                guard case .secret(let name) = expression.reference else {
                    throw .final("'${\(expression.reference)}' has no value in the settings")
                }
                text += try secrets.value(of: name, through: expression.filters)?.plainText ?? ""
            }
        }
        return try EncodingContext.setting.checked(text, of: self)
    }

    /// The names of the secrets in it.
    package var secretNames: Set<String> {
        Set(expressions.compactMap { if case .secret(let name) = $0.reference { name } else { nil } })
    }
}
