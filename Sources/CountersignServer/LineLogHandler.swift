import CountersignCore
import CountersignTerminal
import Foundation
import Logging

/// Writes log entries to standard error, one line each, whatever an entry holds; a text of more than 8 KiB is cut.
package struct LineLogHandler: LogHandler {
    /// How a line is written.
    package enum Format {
        /// `key=value` pairs; values with spaces, quotes or control characters are quoted and escaped.
        case logfmt

        /// A JSON object with `time`, `level`, `msg`, and the facts under their names, numbers as numbers.
        case json
    }

    /// How many bytes of a text are written.
    private static let longestText = 8_192

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    var metadataProvider: Logger.MetadataProvider?

    private let format: Format

    /// Writes lines in this format.
    package init(_ format: Format) {
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        all.merge(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        let facts =
            [
                ("time", Date().formatted(Self.time)), ("level", "\(event.level)"),
                ("msg", Self.bounded("\(event.message)")),
            ]
            + all.sorted { $0.key < $1.key }.map { ($0.key, Self.bounded("\($0.value)")) }
        StandardError.write(format.line(facts) + "\n")
    }

    /// The beginning of a text that is longer than a line should be, with how long it is.
    static func bounded(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count > longestText else { return text }
        var end = bytes.index(bytes.startIndex, offsetBy: longestText)
        while bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return "\(text[..<end])… (cut; \(bytes.count) bytes in all)"
    }

    private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

extension LineLogHandler.Format {
    /// The facts that are numbers; each name always has the same type.
    static let numbers: Set<String> = [
        "attempt", "connections.admin", "connections.callbacks", "connections.control", "count", "delivery.id",
        "event.first",
        "event.id", "event.last", "findings", "free.mib", "names", "packages", "port", "processes", "quarantined",
        "recovered",
        "rules", "run.id", "runs", "seconds", "spans", "status", "store.schema", "store.schema.wanted",
        "store.size.mib", "tries",
    ]

    private static func json(_ fact: (key: String, value: String)) -> JSON {
        let number = numbers.contains(fact.key) ? Int64(fact.value) : nil
        return number.map { JSON($0) } ?? .string(fact.value)
    }

    func line(_ facts: [(key: String, value: String)]) -> String {
        switch self {
        case .logfmt: facts.map { "\($0.key)=\(Self.word($0.value))" }.joined(separator: " ")
        case .json: JSON.object(JSONObject(facts.map { .init(key: $0.key, value: Self.json($0)) })).text
        }
    }

    /// The value, in quotes where it would not be one word without them.
    private static func word(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
        }
        guard !isPlain || value.isEmpty else { return value }
        return "\"" + value.replacing(#"\"#, with: #"\\"#).replacing("\"", with: #"\""#).printable + "\""
    }
}
