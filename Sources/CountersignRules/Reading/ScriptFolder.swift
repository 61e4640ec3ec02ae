package import CountersignCore
import Crypto
import Foundation
import Glibc
import Synchronization

/// The files of a rules folder that are no rules: scripts, and whatever else steps start or read.
///
/// They belong to the deployment of an instance and not to a rule set, so instances compare a hash of them.
package final class ScriptFolder: Sendable {
    /// Far more than any folder of rules holds; more is not compared.
    private static let mostEntries = 10_000

    /// Of a larger file the size is compared.
    private static let mostBytes = 1 << 20

    /// How long a hash is given without another look, in seconds.
    private static let interval: TimeInterval = 5

    /// A file as its folder shows it; where none of this has changed, it is not read again.
    private struct Entry: Equatable {
        let path: String
        let node: ino_t
        let size: Int64
        let mode: mode_t
        let modified: [[UInt8]]

        init(_ path: String, _ status: stat) {
            self.path = path
            node = status.st_ino
            size = Int64(status.st_size)
            mode = status.st_mode
            modified = [status.st_mtim, status.st_ctim].map { time in withUnsafeBytes(of: time) { Array($0) } }
        }
    }

    private struct State {
        var entries: [Entry]?
        var hash: String?
        var lookedAt: Date?
    }

    private let folder: String
    private let clock: any WallClock
    private let state = Mutex(State())

    /// The files in the folder of rules at this path.
    package init(_ folder: String, clock: any WallClock) {
        self.folder = folder
        self.clock = clock
    }

    /// The SHA-256 over the paths, contents and permissions to execute of all files, in hexadecimal; nil where the folder
    /// cannot be read, or holds too many.
    ///
    /// Rule files are left out, and what begins with a dot. It may be five seconds old.
    package var hash: String? {
        let now = clock.now
        return state.withLock { state in
            if let last = state.lookedAt, abs(now.timeIntervalSince(last)) < Self.interval { return state.hash }
            state.lookedAt = now
            let entries = look()
            if entries != state.entries { state.hash = entries.map { hash(of: $0) } }
            state.entries = entries
            return state.hash
        }
    }

    private func look() -> [Entry]? {
        var walk = Walk()
        guard walk.enter(folder, as: "") else { return nil }
        return walk.entries.sorted { $0.path < $1.path }
    }

    private func hash(of entries: [Entry]) -> String {
        var hash = SHA256()
        func add(_ part: some Collection<UInt8>) {
            // Each part is preceded by its length, so that no two folders run together into one text.
            withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(part))
        }
        for entry in entries {
            add(entry.path.utf8)
            add([entry.mode & 0o111 == 0 ? 0 : 1])
            let isWhole = entry.size <= Self.mostBytes
            let text = isWhole ? OutsideFile.contents(at: "\(folder)/\(entry.path)", limit: Self.mostBytes) : nil
            add(text.map { Array($0) } ?? Array("\(entry.size) bytes".utf8))
        }
        return hash.finalize().hexDigits
    }

    /// Collects the files of a folder and of those in it; symbolic links are followed, but never round in a circle.
    private struct Walk {
        private(set) var entries: [Entry] = []
        private var ancestors: [[UInt64]] = []

        /// Whether the folder could be read as a whole; `name` is its path in the one where the walk began.
        mutating func enter(_ path: String, as name: String) -> Bool {
            guard let status = Self.status(path) else { return false }
            let identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
            guard !ancestors.contains(identity) else { return true }
            ancestors.append(identity)
            defer { ancestors.removeLast() }
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return false }
            for entry in names where !entry.hasPrefix(".") && !RuleSources.isRuleFile(entry) {
                // What is gone by now, or a link that leads nowhere.
                guard let status = Self.status("\(path)/\(entry)") else { continue }
                let inner = name.isEmpty ? entry : "\(name)/\(entry)"
                switch status.st_mode & S_IFMT {
                case S_IFDIR: guard enter("\(path)/\(entry)", as: inner) else { return false }
                case S_IFREG: entries.append(Entry(inner, status))
                default: break
                }
                guard entries.count <= ScriptFolder.mostEntries else { return false }
            }
            return true
        }

        private static func status(_ path: String) -> stat? {
            var status = stat()
            return stat(path, &status) == 0 ? status : nil
        }
    }
}
