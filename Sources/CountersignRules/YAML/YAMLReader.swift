import CYaml
import CountersignCore

/// Reads one YAML document into a tree of nodes, through libyaml's events.
///
/// Aliases are followed, but all that they bring in is bounded, so that a few lines cannot unfold into gigabytes.
package struct YAMLReader: ~Copyable {
    /// How many nodes all aliases of a text may bring in.
    package static let aliasLimit = 10_000

    /// How deep lists and maps may lie within one another.
    package static let depthLimit = 64

    private let source: SourceText
    private let findings: Findings
    // libyaml keeps pointers into the parser, so it must not move.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var anchors: [String: Anchor] = [:]
    private var aliasedNodes = 0

    private struct Anchor {
        let node: Node
        let size: Int
    }

    /// Ends the reading; what is wrong has been reported.
    private struct Stop: Error {}

    /// Reads `bytes`; nil where the text is empty or no YAML.
    package static func read(_ bytes: [UInt8], into findings: Findings) -> Node? {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes[3...] : bytes[...]
        return text.withUnsafeBufferPointer { buffer in
            guard let parser = YAMLReader.make(findings) else { return nil }
            var reader = parser
            return reader.document(buffer)
        }
    }

    private static func make(_ findings: Findings) -> YAMLReader? {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            findings.report(
                .yamlSyntax,
                "there is not enough memory to read the file",
                at: SourceSpan(line: 1, column: 1)
            )
            return nil
        }
        return YAMLReader(findings, parser)
    }

    private init(_ findings: Findings, _ parser: UnsafeMutablePointer<yaml_parser_t>) {
        source = findings.source
        self.findings = findings
        self.parser = parser
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    private mutating func document(_ text: UnsafeBufferPointer<UInt8>) -> Node? {
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        do {
            var root: Node?
            while true {
                var event = try next()
                defer { yaml_event_delete(&event) }
                switch event.type {
                case YAML_STREAM_END_EVENT: return root
                case YAML_DOCUMENT_START_EVENT where root != nil:
                    let message = "the file has a second document; merge them into one, without '---'"
                    throw stop(.yamlDocuments, message, at: span(event.start_mark, event.end_mark))
                case YAML_DOCUMENT_START_EVENT: root = try node(depth: 0).node
                default: break
                }
            }
        } catch {
            return nil
        }
    }

    private func stop(_ code: DiagnosticCode, _ message: String, at span: SourceSpan) -> Stop {
        findings.report(code, message, at: span)
        return Stop()
    }

    private func next() throws(Stop) -> yaml_event_t {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        return event
    }

    private func syntaxError() -> Stop {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the text cannot be read"
        if parser.pointee.error == YAML_READER_ERROR {
            return stop(
                .yamlSyntax,
                "this is not valid YAML: \(problem)",
                at: place(ofByte: parser.pointee.problem_offset)
            )
        }
        let mark = parser.pointee.problem_mark
        var context = parser.pointee.context.map { " " + String(cString: $0) } ?? ""
        let begin = parser.pointee.context_mark.line
        if !context.isEmpty, begin < mark.line { context += " that begins in line \(begin + 1)" }
        var advice = Self.advice[problem].map { "; " + $0 } ?? ""
        let line = findings.source.line(Int(mark.line) + 1)
        if problem.contains("escape code"), line.contains(/\\u[dD][89a-fA-F]/) {
            advice =
                "; unlike JSON, YAML has no surrogate pairs: write the character itself, or \\U and eight hex digits"
        } else if line.contains("${"), line.contains("{ ") || line.contains(": {") || line.contains("[") {
            advice = "; a text with '${…}' within { } or [ ] needs quotes: \"${…}\""
        }
        return stop(.yamlSyntax, "this is not valid YAML: \(problem)\(context)\(advice)", at: span(mark, mark))
    }

    /// What to do about the slips that are made most.
    private static let advice = [
        "mapping values are not allowed in this context":
            "quote a text that contains ': ', or put it on its own lines below '|'",
        "found character that cannot start any token":
            "indent with spaces, not tabs, and quote a text that begins with a special character",
        "did not find expected key": "check the indentation and the quotes here and in the line above",
        "could not find expected ':'": "a key ends with ': ', and a text of several lines goes below '|'",
        "found a tab character that violates indentation": "indent with spaces",
        "found unexpected end of stream": "a quote is not closed",
        "did not find expected alphabetic or numeric character": "a text that begins with '*' or '&' needs quotes",
    ]

    /// The place of a byte that libyaml refuses.
    private func place(ofByte offset: Int) -> SourceSpan {
        var rest = offset
        for (index, line) in source.lines.enumerated() {
            if rest <= line.utf8.count {
                return SourceSpan(
                    line: index + 1,
                    column: String(decoding: line.utf8.prefix(rest), as: UTF8.self).count + 1
                )
            }
            rest -= line.utf8.count + 1
        }
        return SourceSpan(line: max(1, source.lines.count), column: 1)
    }

    private func span(_ start: yaml_mark_t, _ end: yaml_mark_t) -> SourceSpan {
        let line = Int(start.line) + 1
        guard line <= source.lines.count else {
            // At the end of a text without a last line break, libyaml counts one.
            let last = source.lines.count
            return SourceSpan(line: last, column: source.length(ofLine: last) + 1)
        }
        let column = source.column(afterScalars: Int(start.column), inLine: line)
        let endOfLine = source.length(ofLine: line) + 1
        let end = end.line == start.line ? source.column(afterScalars: Int(end.column), inLine: line) : endOfLine
        return SourceSpan(line: line, column: column, length: max(1, min(end, endOfLine) - column))
    }

    // MARK: Nodes

    /// The next node and how many nodes it holds, itself included.
    private mutating func node(depth: Int) throws(Stop) -> (node: Node, size: Int) {
        try node(from: try next(), depth: depth)
    }

    private mutating func node(from event: yaml_event_t, depth: Int) throws(Stop) -> (node: Node, size: Int) {
        var event = event
        defer { yaml_event_delete(&event) }
        let place = span(event.start_mark, event.end_mark)
        guard depth <= Self.depthLimit else {
            throw stop(.yamlDepth, "lists and maps are nested deeper than \(Self.depthLimit) levels", at: place)
        }
        let result: (node: Node, size: Int)
        let properties: Properties
        switch event.type {
        case YAML_ALIAS_EVENT: return try alias(Self.text(event.data.alias.anchor), at: place)
        case YAML_SCALAR_EVENT:
            properties = Properties(event.data.scalar.anchor, event.data.scalar.tag)
            result = (Node(content: .scalar(Self.scalar(event)), span: place), 1)
        case YAML_SEQUENCE_START_EVENT:
            properties = Properties(event.data.sequence_start.anchor, event.data.sequence_start.tag)
            result = try sequence(from: event.start_mark, depth: depth)
        case YAML_MAPPING_START_EVENT:
            properties = Properties(event.data.mapping_start.anchor, event.data.mapping_start.tag)
            result = try mapping(from: event.start_mark, depth: depth)
        default: throw stop(.yamlSyntax, "this is not valid YAML", at: place)
        }
        if properties.tag != nil {
            findings.report(
                .yamlTag,
                "tags are not supported; remove the tag and quote the string",
                at: place
            )
        }
        if let anchor = properties.anchor { anchors[anchor] = Anchor(node: result.node, size: result.size) }
        return result
    }

    private struct Properties {
        let anchor: String?
        let tag: String?

        init(_ anchor: UnsafePointer<UInt8>?, _ tag: UnsafePointer<UInt8>?) {
            self.anchor = anchor.map { String(cString: $0) }
            self.tag = tag.map { String(cString: $0) }
        }
    }

    private static func text(_ bytes: UnsafePointer<UInt8>?) -> String {
        bytes.map { String(cString: $0) } ?? ""
    }

    private static func scalar(_ event: yaml_event_t) -> Node.Scalar {
        let scalar = event.data.scalar
        let style: Node.Scalar.Style =
            switch scalar.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
            case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
            case YAML_LITERAL_SCALAR_STYLE: .literal
            case YAML_FOLDED_SCALAR_STYLE: .folded
            default: .plain
            }
        return Node.Scalar(
            text: String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self),
            style: style,
            isOnOneLine: event.start_mark.line == event.end_mark.line
        )
    }

    private mutating func alias(_ name: String, at place: SourceSpan) throws(Stop) -> (node: Node, size: Int) {
        guard let anchor = anchors[name] else {
            let near = Suggestion.clause(for: name, among: anchors.keys)
            throw stop(.yamlAnchor, "no anchor '&\(name)' is complete before this alias\(near)", at: place)
        }
        aliasedNodes += anchor.size
        guard aliasedNodes <= Self.aliasLimit else {
            throw stop(.yamlExpansion, "the file's aliases expand past \(Self.aliasLimit) nodes", at: place)
        }
        return (anchor.node, anchor.size)
    }

    private mutating func sequence(from start: yaml_mark_t, depth: Int) throws(Stop) -> (node: Node, size: Int) {
        var items: [Node] = []
        var size = 1
        while true {
            var event = try next()
            if event.type == YAML_SEQUENCE_END_EVENT {
                defer { yaml_event_delete(&event) }
                return (Node(content: .sequence(items), span: span(start, event.end_mark)), size)
            }
            let item = try node(from: event, depth: depth + 1)
            items.append(item.node)
            size += item.size
        }
    }

    private mutating func mapping(from start: yaml_mark_t, depth: Int) throws(Stop) -> (node: Node, size: Int) {
        var entries: [Node.Entry] = []
        var keys: Set<String> = []
        var size = 1
        while true {
            var event = try next()
            if event.type == YAML_MAPPING_END_EVENT {
                defer { yaml_event_delete(&event) }
                return (Node(content: .mapping(entries), span: span(start, event.end_mark)), size)
            }
            let key = try node(from: event, depth: depth + 1)
            let value = try node(depth: depth + 1)
            size += key.size + value.size
            if let name = name(of: key.node, among: &keys) {
                entries.append(Node.Entry(key: name, keySpan: key.node.span, value: value.node))
            }
        }
    }

    /// The text of a key, when it is one and means the first time.
    private func name(of key: Node, among keys: inout Set<String>) -> String? {
        guard let scalar = key.scalar else {
            findings.report(.yamlKey, "\(key.kind) cannot be a key; a key must be a text", at: key.span)
            return nil
        }
        if scalar.text == "<<", scalar.style == .plain {
            findings.report(
                .yamlKey,
                "merge keys are not supported; write the keys out, or alias a whole value",
                at: key.span
            )
            return nil
        }
        guard keys.insert(scalar.text).inserted else {
            findings.report(
                .duplicateKey,
                "the key '\(scalar.text)' is repeated in this map; remove one",
                at: key.span
            )
            return nil
        }
        return scalar.text
    }
}
