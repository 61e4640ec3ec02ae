extension EncodingContext {
    /// Why what is written here can never work, whatever the event may be; nil when it can.
    ///
    /// It is asked about templates in which `problem(of:)` finds nothing.
    package func fault(in template: Template) -> String? {
        switch self {
        case .filePath: Self.pathFault(in: template)
        case .url: Self.urlFault(in: template)
        case .urlPath: Self.urlPathFault(in: template)
        case .apiPath: Self.apiPathFault(in: template)
        case .destination: Self.destinationFault(in: template)
        case .mailAddress: Self.addressFault(in: template)
        case .argument, .environment: Self.lengthFault(in: template)
        case .query, .header, .folder, .text, .requestField, .credential, .message, .mailHeader, .setting:
            nil
        }
    }

    /// Why `name` is none for a value at this place; nil when it is one.
    package func fault(ofName name: String) -> String? {
        switch self {
        case .header where !Self.isHeaderName(name): "'\(name)' is not a valid header name"
        case .environment where !Self.isVariableName(name):
            "'\(name)' is not a valid variable name; use letters, digits and '_'"
        default: nil
        }
    }

    private static func pathFault(in template: Template) -> String? {
        // A value is a component, or a part of one, that is neither '.' nor '..'.
        let text = template.segments.map { if case .literal(let text) = $0 { text } else { "v" } }.joined()
        do throws(StepFailure) {
            _ = try components(ofPath: text, source: template.source)
            return nil
        } catch {
            return error.reason
        }
    }

    private static func lengthFault(in template: Template) -> String? {
        // A NUL of the rule itself cannot be handed to a program either, nor can values make the text shorter.
        let literals = template.segments.map { if case .literal(let text) = $0 { text } else { "" } }
        let count = literals.reduce(0) { $0 + $1.utf8.count }
        guard count > longestForProgram else {
            return literals.contains { $0.utf8.contains(0) }
                ? "this contains a NUL, which cannot be passed to a program" : nil
        }
        return
            "this has \(count) bytes, and a program takes \(longestForProgram) for one argument or variable; pass it on "
            + "standard input, or write it to a file"
    }

    private static func addressFault(in template: Template) -> String? {
        guard let text = template.literal else { return nil }
        do throws(StepFailure) {
            _ = try MailAddress(text, source: template.source)
            return nil
        } catch {
            return error.reason
        }
    }

    private static func urlFault(in template: Template) -> String? {
        var text = ""
        for segment in template.segments {
            switch segment {
            case .literal(let literal): text += literal
            // A secret may be any part of a URL, which is evaluated when it is known.
            case .value(let expression) where expression.isSecret: return nil
            case .value: text += "v"
            }
        }
        do throws(StepFailure) {
            _ = try RequestURL(text, source: template.source)
            return nil
        } catch {
            return error.reason
        }
    }

    /// The components of a path beneath the output folder; `source` is how the rule writes it.
    package static func components(ofPath path: String, source: String) throws(StepFailure) -> [String] {
        guard path.utf8.first != UInt8(ascii: "/") else {
            throw .final("'path' is relative to the output folder; '\(source)' begins with '/'")
        }
        // By bytes: a combining mark behind a '/' would make another character of it, but not for the system.
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let components = parts.map { String(decoding: $0, as: UTF8.self) }
        guard let name = components.last, !name.isEmpty, name != "." else {
            throw .final("'path' must end in a file name; '\(source)' does not")
        }
        guard !components.contains("..") else {
            throw .final("'path' must stay in the output folder; '\(source)' contains '..'")
        }
        guard !path.utf8.contains(0) else { throw .final("'path' contains a NUL, which is not allowed in a path") }
        guard components.allSatisfy({ $0.utf8.count <= 255 }), path.utf8.count <= 3_000 else {
            throw .final(
                "a name in 'path' is longer than 255 bytes after substitution, or the path longer than 3000; use '| filename', which "
                    + "limits a value to 200 bytes"
            )
        }
        return components.filter { !$0.isEmpty && $0 != "." }
    }

    /// Whether `text` is a token (RFC 9110, section 5.6.2).
    private static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    private static func isVariableName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !first.isDigit else { return false }
        return text.utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") }
    }
}
