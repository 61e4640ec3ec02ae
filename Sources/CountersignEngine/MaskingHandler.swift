import CountersignCore
import Logging

/// Hands log entries on to another logger with every loaded secret in them masked.
struct MaskingHandler: LogHandler {
    private let secrets: Secrets
    private var target: Logger

    init(secrets: Secrets, target: Logger) {
        self.secrets = secrets
        self.target = target
    }

    var logLevel: Logger.Level {
        get { target.logLevel }
        set { target.logLevel = newValue }
    }

    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        target.log(
            level: event.level,
            "\(secrets.masking("\(event.message)"))",
            metadata: all.mapValues { "\(secrets.masking("\($0)"))" },
            source: event.source,
            file: event.file,
            function: event.function,
            line: event.line
        )
    }
}

extension Logger {
    /// This logger, with every loaded secret masked in what it writes.
    func masking(_ secrets: Secrets) -> Logger {
        let target = self
        return Logger(label: label) { _ in MaskingHandler(secrets: secrets, target: target) }
    }
}
