import CLinux
import CountersignCore
import Foundation

/// Standard error: what a command tells beside its result, and the log of the server.
package enum StandardError {
    /// Writes the text as it is.
    ///
    /// Where it cannot be written, as on a full disk or to a reader who went away, it is lost: a server must not end
    /// for want of a place for its log, and there is no other place left to tell it.
    package static func write(_ text: String) {
        // `write(_:)` would end the program.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Tells a sentence on a line of its own, with the program's name before it.
    package static func tell(_ sentence: String) {
        write("countersign: \(sentence.printable)\n")
    }
}

/// Standard output: the result of a command.
package enum StandardOutput {
    /// Writes bytes at once, as they are.
    ///
    /// - Throws: `CommandFailure` when they cannot be written.
    package static func write(_ bytes: [UInt8]) throws(CommandFailure) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            throw CommandFailure("the output could not be written: \(systemWords(error))")
        }
    }

    /// Hands over what was printed, and tells why not all of it was written; nil when it was.
    ///
    /// A reader who had enough, as `head` has, is no problem.
    package static func flush() -> String? {
        let what = "the output could not be written"
        guard fflush(nil) == 0 else {
            return errno == EPIPE ? nil : "\(what): \(String(cString: strerror(errno)).lowercased())"
        }
        // What did not fit into the buffer was handed over before, and only a flag tells that it was lost.
        return linux_output_failed() == 0 ? nil : "\(what) as a whole"
    }
}
