import CountersignTerminal
import Foundation

/// Asks on the terminal whether something is to be done; with `yes` it is taken for granted.
///
/// - Throws: `CommandFailure` when it is not, or when there is nobody to ask.
func confirm(_ transition: String, yes: Bool) throws {
    if yes { return }
    guard isatty(STDIN_FILENO) == 1 else {
        throw CommandFailure("nothing was done; with --yes this would \(transition)")
    }
    StandardError.write("\(transition)\nGo on? [y/N] ")
    guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
        throw CommandFailure("nothing was done")
    }
}
