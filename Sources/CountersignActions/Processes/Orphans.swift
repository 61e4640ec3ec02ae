import CLinux
import Foundation
package import Glibc
import Synchronization

/// Processes that outlive the program which started them.
///
/// Once `adopt` was called, a descendant whose parent has ended becomes a child of this process, wherever it went: into
/// the background, into a group or a session of its own. The mark that it inherited tells whose it was.
package enum Orphans {
    /// Has orphans come to this process from now on.
    ///
    /// - Returns: Why the system refused it, in words; nil when it is so.
    package static func adopt() -> String? {
        let status = linux_adopt_orphans()
        return status < 0 ? String(cString: strerror(-status)) : nil
    }

    /// Takes note of the ends of children that nobody waits for; call it now and then, with what it gave the last time.
    ///
    /// Whoever starts a program waits for its end at once, so one that is still a zombie the next time is an orphan.
    ///
    /// - Returns: The children that have ended and may belong to somebody.
    package static func bury(_ suspects: Set<pid_t>) -> Set<pid_t> {
        let ended = Set(children().filter { isZombie($0) })
        for process in ended.intersection(suspects) { _ = waitpid(process, nil, WNOHANG) }
        return ended.subtracting(suspects)
    }

    /// Ends what programs of a dead owner of this name left running, with all their descendants.
    ///
    /// - Returns: How many processes were ended.
    package static func endLeftovers(of owner: String) async -> Int {
        let prefix = ProcessMarks.prefix(of: owner)
        var ended: Set<pid_t> = []
        // One that is being ended may start another; what starts others faster than this is beyond us.
        for _ in 0..<100 {
            let found = numbers(in: "/proc")
                .filter { $0 != getpid() && isAlive($0) && isMarked($0) { $0.hasPrefix(prefix) } }
            if found.isEmpty { break }
            for process in found where kill(process, SIGKILL) == 0 { ended.insert(process) }
            await pause()
        }
        return ended.count
    }

    /// The programs that run, and when each began, in the system's ticks since it was started.
    private static let running = Mutex<[pid_t: UInt64]>([:])

    /// Takes note that a program of ours runs.
    static func begin(_ program: pid_t) {
        let start = startTime(of: program) ?? 0
        running.withLock { $0[program] = start }
    }

    /// Ends orphans that carry no mark, when no program runs that they could belong to; call it now and then.
    package static func endUnclaimed() {
        for process in unclaimed() { kill(process, SIGKILL) }
    }

    /// Orphans that have taken the mark off (`env -i`), and began before every program that still runs.
    ///
    /// One that began later may be that program's own, and is looked at again when it ends.
    private static func unclaimed() -> [pid_t] {
        let children = adopted()
        if children.isEmpty { return [] }
        let earliest = running.withLock { $0.values.min() } ?? .max
        return children.filter { child in
            !isMarked(child) { _ in true } && !isZombie(child) && startTime(of: child).map { $0 < earliest } ?? false
        }
    }

    /// When a process began (proc(5), field 22 of `stat`); nil where there is none.
    private static func startTime(of process: pid_t) -> UInt64? {
        let status = text(of: "/proc/\(process)/stat")
        guard let bracket = status.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = status[bracket...].dropFirst(2).split(separator: UInt8(ascii: " "))
        return fields.count > 19 ? UInt64(String(decoding: fields[19], as: UTF8.self)) : nil
    }

    /// Ends what the program of a group left behind, in the group or out of it, and takes note of their ends.
    ///
    /// The program has ended, and its end was noted. The calling thread waits.
    static func end(of group: pid_t, markedBy mark: String) {
        running.withLock { $0[group] = nil }
        for _ in 0..<200 {
            while waitpid(-group, nil, WNOHANG) > 0 {}
            let found = adopted().filter { child in isMarked(child) { $0 == mark } } + unclaimed()
            for process in found { kill(process, SIGKILL) }
            for process in found { _ = waitpid(process, nil, WNOHANG) }
            if found.isEmpty, kill(-group, 0) != 0 { return }
            usleep(2_000)
        }
    }

    /// Waits until a signal may have had its effect, also for a caller that is cancelled.
    private static func pause() async {
        await Task { try? await Task.sleep(for: .milliseconds(2)) }.value
    }

    /// The children of this process, those of each of its threads.
    private static func children() -> [pid_t] {
        numbers(in: "/proc/self/task").flatMap { children(ofThread: $0) }
    }

    /// The children that came to this process when their own parents ended: the system gives them to its first thread,
    /// which itself starts no programs.
    private static func adopted() -> [pid_t] { children(ofThread: getpid()) }

    private static func children(ofThread thread: pid_t) -> [pid_t] {
        text(of: "/proc/self/task/\(thread)/children").split(separator: UInt8(ascii: " "))
            .compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
    }

    private static func numbers(in folder: String) -> [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { pid_t($0) }
    }

    /// Whether the mark of a process, if it has one, is the wanted one.
    private static func isMarked(_ process: pid_t, _ isWanted: (String) -> Bool) -> Bool {
        let variable = Array("\(ProcessMarks.variable)=".utf8)
        return text(of: "/proc/\(process)/environ").split(separator: 0)
            .contains { entry in
                entry.starts(with: variable)
                    && isWanted(String(decoding: entry.dropFirst(variable.count), as: UTF8.self))
            }
    }

    private static func isAlive(_ process: pid_t) -> Bool { kill(process, 0) == 0 }

    /// Whether a process has ended and nobody has taken note of it.
    private static func isZombie(_ process: pid_t) -> Bool {
        // The state follows the name, which is in brackets and may hold some itself (proc(5)).
        let status = text(of: "/proc/\(process)/stat")
        guard let bracket = status.lastIndex(of: UInt8(ascii: ")")) else { return false }
        return status[bracket...].dropFirst(2).first == UInt8(ascii: "Z")
    }

    /// The content of a small file of the system's; empty when it cannot be read.
    private static func text(of path: String) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while case let count = read(file, &piece, piece.count), count > 0 { text += piece[..<count] }
        return text
    }
}
