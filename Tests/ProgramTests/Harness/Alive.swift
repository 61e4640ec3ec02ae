import Foundation

/// Whether a process is there; one that has ended is not, though nobody may have taken note of it.
func isAlive(_ process: String) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return !status.contains(") Z ")
}
