/// Where a value of the event ends up; the place decides how it is encoded, never the author of the rule.
///
/// All payload values are hostile: a signer types `message`.
public enum EncodingContext: Sendable, Hashable {
    /// One argument of a program.
    case argument
    /// An environment variable.
    case environment
    /// An http or https URL: values are percent-encoded as one path segment or one query value.
    case url
    /// A value of a query parameter, encoded when the URL is put together.
    case query
    /// A path behind the URL of a destination: values are percent-encoded as in a URL.
    case urlPath
    /// A path of the vendor's API, below `/api/`: values are percent-encoded as in a URL.
    case apiPath
    /// The name of a destination; only the package's own data may choose one.
    case destination
    /// A text of the settings, in which only secrets have values.
    case setting
    /// An HTTP header.
    case header
    /// A path beneath the output folder: a value is one component, or a part of one.
    case filePath
    /// The path of any folder: a value is one component, or a part of one.
    case folder
    /// Text that nothing reads as code: a log line, a file's content, a request's body, standard input.
    case text
    /// A field of a form or of JSON that a request carries, such as the password of a token request.
    case requestField
    /// A key that signs or opens something, such as the secret of a signature.
    case credential
    /// Text that people read, in a chat or a mail: a value shows as it is, whatever its characters mean there.
    case message(Markup)
    /// A header of a mail: one line.
    case mailHeader
    /// An address of a mail, with or without a name before it: `Ops <ops@example.com>`.
    case mailAddress
}

extension EncodingContext {
    /// How many bytes an argument, a variable or a script of a program may have.
    ///
    /// Linux refuses to start one with more
    /// (MAX_ARG_STRLEN, 32 pages); the rest is for the variable's name.
    package static let longestForProgram = 131_000

    /// Whether `${secret:…}` may be here.
    package var allowsSecrets: Bool {
        switch self {
        case .environment, .url, .urlPath, .query, .header, .requestField, .credential, .setting: true
        case .argument, .apiPath, .destination, .filePath, .folder, .text, .message, .mailHeader, .mailAddress: false
        }
    }

    /// What is wrong with `template` at this place, whatever the event may be; nil when nothing is.
    package func problem(of template: Template) -> (message: String, expression: Template.Expression)? {
        if !allowsSecrets, let secret = template.expressions.first(where: { $0.isSecret }) {
            return (
                "a secret is not allowed here; it is allowed in headers, url, query, form, json, env and sign", secret
            )
        }
        switch self {
        case .url: return Self.urlProblem(of: template)
        case .destination: return Self.destinationProblem(of: template)
        case .setting: return Self.settingProblem(of: template)
        case .message(.html): return Self.htmlProblem(of: template)
        default: return nil
        }
    }

    private static func urlProblem(of template: Template) -> (message: String, expression: Template.Expression)? {
        var before = ""
        for segment in template.segments {
            switch segment {
            case .literal(let text): before += text
            case .value(let expression) where expression.isSecret: before += before.isEmpty ? "s://s" : "s"
            case .value(let expression):
                guard isBehindAuthority(before) else {
                    return ("the scheme and the host of a URL must be literal or a secret", expression)
                }
                before += "v"
            }
        }
        return nil
    }

    private static func htmlProblem(of template: Template) -> (message: String, expression: Template.Expression)? {
        var before = ""
        for segment in template.segments {
            switch segment {
            case .literal(let text): before += text
            case .value(let expression):
                guard HTMLSpot(behind: before) != .hidden else {
                    return (Self.hiddenSpot, expression)
                }
                before += "v"
            }
        }
        return nil
    }

    fileprivate static let hiddenSpot =
        "in HTML, a value is allowed only in text or in a link after its host (href=\"https://host/…\")"

    /// Whether the text of a URL has reached its path, query or fragment.
    private static func isBehindAuthority(_ text: String) -> Bool {
        guard let authority = text.firstRange(of: "://") else { return false }
        return text[authority.upperBound...].contains { "/?#".contains($0) }
    }
}

extension Template.Expression {
    /// Whether it means a secret.
    package var isSecret: Bool {
        if case .secret = reference { true } else { false }
    }

    /// The value after its filters; nil where there is none, or null.
    func value(in scope: Scope) throws(StepFailure) -> JSON? {
        if case .secret(let name) = reference { return try scope.secrets.value(of: name, through: filters) }
        var value = try scope.value(of: reference)
        for filter in filters { value = try filter.apply(to: value) }
        return value == .null ? nil : value
    }
}

extension Template {
    /// The text with all values filled in, encoded for `place`.
    public func text(in scope: Scope, for place: EncodingContext) throws(StepFailure) -> String {
        var text = ""
        for segment in segments {
            switch segment {
            case .literal(let literal): text += literal
            case .value(let expression):
                let value = try expression.value(in: scope)
                text += try place.encode(value, of: expression, after: text)
            }
        }
        return try place.checked(text, of: self)
    }
}

extension Template {
    /// The same; nil where the template is a value alone, and there is none.
    package func optionalText(in scope: Scope, for place: EncodingContext) throws(StepFailure) -> String? {
        if segments.count == 1, case .value(let expression)? = segments.first, try expression.value(in: scope) == nil {
            return nil
        }
        return try text(in: scope, for: place)
    }
}

extension EncodingContext {
    fileprivate func encode(
        _ value: JSON?,
        of expression: Template.Expression,
        after text: String
    ) throws(StepFailure) -> String {
        let plain = value?.plainText ?? ""
        switch self {
        // A secret may be the whole URL, or its beginning; behind the host it is a part like any other, but that a webhook's
        // secret has slashes in it as a rule.
        case .url where expression.isSecret:
            guard Self.isBehindAuthority(text) else { return plain }
            return Self.encodedSecret(plain, after: text)
        case .urlPath where expression.isSecret: return Self.encodedSecret(plain, after: text)
        case .url, .urlPath, .apiPath:
            let isInQuery = text.contains("?") || text.contains("#")
            if !isInQuery || value == nil { try requireComponent(plain, value, expression, "URL") }
            if !isInQuery, plain == "." || plain == ".." {
                throw .final(
                    "'${\(expression.reference)}' is '\(plain)', which a URL reads as a reference to another folder"
                )
            }
            return plain.percentEncoded
        case .filePath, .folder:
            try requireComponent(plain, value, expression, "file path")
            if plain == "." || plain == ".." { return String(repeating: "_", count: plain.count) }
            return String(String.UnicodeScalarView(plain.unicodeScalars.map { $0 == "/" || $0 == "\0" ? "_" : $0 }))
        case .message(.html):
            switch HTMLSpot(behind: text) {
            case .text: return Markup.html.encoding(plain, behind: text)
            case .link: return plain.percentEncoded
            case .hidden: throw .final(Self.hiddenSpot)
            }
        case .message(let markup): return markup.encoding(plain, behind: text)
        case .mailHeader, .mailAddress: return plain.onOneLine
        default: return plain
        }
    }

    private static func encodedSecret(_ plain: String, after text: String) -> String {
        let isInQuery = text.contains("?") || text.contains("#")
        return isInQuery ? plain.percentEncoded : plain.percentEncoded.replacing("%2F", with: "/")
    }

    private func requireComponent(
        _ plain: String,
        _ value: JSON?,
        _ expression: Template.Expression,
        _ what: String
    ) throws(StepFailure) {
        guard plain.isEmpty else { return }
        let fault = value == nil ? "the event has no value for" : "the value is empty for"
        throw .final("\(fault) '${\(expression.reference)}', which the \(what) needs")
    }

    /// `text` when the place can carry it.
    func checked(_ text: String, of template: Template) throws(StepFailure) -> String {
        let forbidden: [UInt8] =
            switch self {
            case .header, .setting: [0, 0x0A, 0x0D]
            case .argument, .environment: [0]
            default: []
            }
        if let byte = text.utf8.first(where: { forbidden.contains($0) }) {
            let name = byte == 0 ? "NUL" : byte == 0x0A ? "a line feed" : "a carriage return"
            throw .final("'\(template.source)' became a text with \(name) in it, which \(self.words) cannot carry")
        }
        if self == .argument || self == .environment, text.utf8.count > Self.longestForProgram {
            throw .final(
                "'\(template.source.prefix(200))' became \(text.utf8.count) bytes, but \(self.words) holds at most "
                    + "\(Self.longestForProgram)"
            )
        }
        return text
    }

    private var words: String {
        switch self {
        case .argument: "an argument"
        case .environment: "an environment variable"
        case .header: "a header"
        case .url, .urlPath, .apiPath, .destination, .setting, .query, .filePath, .folder, .text, .requestField,
            .credential, .message, .mailHeader, .mailAddress:
            "this place"
        }
    }
}

extension JSON {
    /// The value as a person would write it: a string without quotes, null as nothing, all else as JSON.
    public var plainText: String {
        switch self {
        case .null: ""
        case .string(let text): text
        default: text
        }
    }
}

extension String {
    /// The text with a space in the place of line ends, controls and signs that turn the direction of writing.
    package var onOneLine: String {
        let scalars = unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: " "
            case .format where scalar.properties.isBidiControl: " "
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// All but unreserved characters (RFC 3986, section 2.3) as `%XX`, so that no sign of the text means anything.
    package var percentEncoded: String {
        var out: [UInt8] = []
        for byte in utf8 {
            if byte.isLetter || byte.isDigit || "-._~".utf8.contains(byte) {
                out.append(byte)
            } else {
                out += "%\(byte.hexDigits.uppercased())".utf8
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
