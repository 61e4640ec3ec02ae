import CountersignCore
package import CountersignStore
import Foundation

/// Stores in one SQLite file.
package struct SQLiteDriver: StoreDriver {
    private let path: String

    /// A driver for the store at `path`, which is absolute and leads over no link.
    package init(path: String) {
        self.path = path
    }

    /// Whether there is a file at the path, be it a store or not.
    package var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// Opens the file for writing, and makes or upgrades it where needed; see `SQLiteStore.open`.
    package func open(willUpgrade: (StoreUpgrade) throws -> Void) throws -> any OwnedStore {
        try SQLiteStore.open(path: path, willUpgrade: willUpgrade)
    }

    /// Opens the file read-only; see `SQLiteArchive.open`.
    package func reader() throws -> any ReadableStore { try SQLiteArchive.open(path: path) }

    /// Locks the file, so that no server starts on it while it is copied.
    package func source() throws -> any StoreSource { try CopySource(path: path) }

    /// Locks the file, and makes it where needed.
    package func target() throws -> any StoreTarget { try CopyTarget(path: path) }

    /// The size of the file and of its write-ahead log, and a warning where the file has several names (hard links).
    package func facts() -> [StoreFact] {
        let (size, log) = (size(of: path), size(of: path + "-wal"))
        var facts = [StoreFact("store", .fine, "'\(path)', \(size.rounded) and a log of \(log.rounded)")]
        let names = StoreFile(path: path).nameCount
        if names > 1 {
            let text =
                "its file has \(names) names (hard links), and a program that opens it by another name misses the newest "
                + "events; remove the others"
            facts.append(StoreFact("store", .warning, text))
        }
        return facts
    }

    private func size(of file: String) -> ByteSize {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        return ByteSize(bytes: attributes?[.size] as? Int64 ?? 0)
    }
}

extension SQLiteStore: OwnedStore {
    /// What durability rests on, by the names of SQLite's settings (https://sqlite.org/pragma.html).
    private static let wanted = [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")]

    /// SQLite's settings as one fact, or a failure for each that durability rests on and that did not take.
    package func facts() async throws -> [StoreFact] {
        let settings = try await pragmas()
        let values = Dictionary(settings) { first, _ in first }
        let wrong = Self.wanted.filter { values[$0.0] != $0.1 }
            .map { name, value in
                StoreFact("sqlite", .failure, "\(name) is \(values[name] ?? "nothing") instead of \(value)")
            }
        guard wrong.isEmpty else { return wrong }
        let text = settings.sorted { $0.name < $1.name }.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        return [StoreFact("sqlite", .fine, text)]
    }
}

extension SQLiteArchive: ReadableStore {}
