package import Logging
import Synchronization

/// Keeps what is logged, so that a test can look at it.
package final class LogCapture: Sendable {
    /// One line as it was logged.
    package struct Line: Sendable {
        /// The level at which it was logged.
        package let level: Logger.Level

        /// The message without metadata.
        package let message: String

        /// The logger's metadata and the line's own; where both have a key, the line's value.
        package let metadata: Logger.Metadata

        /// The message and all metadata in one text, as a log file would hold them.
        package var text: String {
            "\(level) \(message) \(metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
        }
    }

    private let kept = Mutex<[Line]>([])

    /// A capture without lines; `logger(level:)` makes the loggers that fill it.
    package init() {}

    /// The lines so far, in the order in which they were logged.
    package var lines: [Line] { kept.withLock { $0 } }

    /// The lines of one level.
    package func lines(at level: Logger.Level) -> [Line] {
        lines.filter { $0.level == level }
    }

    /// A logger whose lines are kept here.
    package func logger(level: Logger.Level = .trace) -> Logger {
        var logger = Logger(label: "test") { _ in Handler(capture: self) }
        logger.logLevel = level
        return logger
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level,
                message: event.message.description,
                metadata: metadata.merging(event.metadata ?? [:]) { $1 }
            )
            capture.kept.withLock { $0.append(line) }
        }
    }
}
