import CountersignModel
import Foundation
import Logging
import Synchronization

/// Writes log entries to standard error, one line each, as `key=value` pairs (logfmt).
///
/// Whatever an entry holds, it stays one line: values with spaces, quotes or control characters are quoted and escaped.
struct LogfmtHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    var metadataProvider: Logger.MetadataProvider?

    private let label: String

    init(label: String) {
        self.label = label
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        all.merge(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        var line = "time=\(Date().formatted(Self.time)) level=\(event.level) msg=\(Self.encoded("\(event.message)"))"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.encoded("\(value)"))" }
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// The value, in quotes where it would not be one word without them.
    static func encoded(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
        }
        guard !isPlain || value.isEmpty else { return value }
        var out = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": out += #"\""#
            case "\\": out += #"\\"#
            case "\n": out += #"\n"#
            case "\r": out += #"\r"#
            case "\t": out += #"\t"#
            case _ where scalar.isHarmful: out += #"\u{"# + String(scalar.value, radix: 16) + "}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
