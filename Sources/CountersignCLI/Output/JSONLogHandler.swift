import CountersignModel
import Foundation
import Logging

/// Writes log entries to standard error, one JSON object a line: `time`, `level`, `msg`, and the facts under their names.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    var metadataProvider: Logger.MetadataProvider?

    init() {}

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        all.merge(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        var line: JSONObject = [
            "time": .string(Date().formatted(LogfmtHandler.time)), "level": .string("\(event.level)"),
            "msg": .string("\(event.message)"),
        ]
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line[key] = .string("\(value)") }
        FileHandle.standardError.write(Data((JSON.object(line).text + "\n").utf8))
    }
}
