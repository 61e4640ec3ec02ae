import CountersignModel
import Foundation
import Logging

/// Writes log entries to standard error, one line each, whatever an entry holds.
struct LineLogHandler: LogHandler {
    /// How a line is written.
    enum Format {
        /// `key=value` pairs; values with spaces, quotes or control characters are quoted and escaped.
        case logfmt

        /// A JSON object with `time`, `level`, `msg`, and the facts under their names.
        case json
    }

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    var metadataProvider: Logger.MetadataProvider?

    private let format: Format

    init(_ format: Format) {
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
            [("time", Date().formatted(Self.time)), ("level", "\(event.level)"), ("msg", "\(event.message)")]
            + all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        StandardError.write(format.line(facts) + "\n")
    }

    private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

extension LineLogHandler.Format {
    func line(_ facts: [(key: String, value: String)]) -> String {
        switch self {
        case .logfmt: facts.map { "\($0.key)=\(Self.word($0.value))" }.joined(separator: " ")
        case .json: JSON.object(JSONObject(facts.map { .init(key: $0.key, value: .string($0.value)) })).text
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
