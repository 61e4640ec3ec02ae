import CountersignCore
import CountersignStore
import Foundation
import GRDB
import Glibc
import Synchronization

/// The newest event that was acknowledged, kept in a small file beside the store.
///
/// When the write-ahead log loses its end (a flipped bit, a lost header), SQLite takes what is before for all there was, and
/// nothing in the store can tell. This file is written behind each commit and before the answers, without a sync of its own:
/// after a power cut it may lag behind the store, but it never leads.
final class AcknowledgedPosition: Sendable {
    /// What the file says.
    struct Content: Equatable {
        /// The identity of the store that it belongs to.
        let store: String
        let number: Int64

        /// The SHA-256 of that event's body, in hex.
        let hash: String

        /// One line of a fixed length, so that one write replaces all of it.
        var line: [UInt8] {
            let text = "\(store) \(number) \(hash)"
            return Array((text + String(repeating: " ", count: max(0, 127 - text.utf8.count)) + "\n").utf8)
        }

        init(store: String, number: Int64, hash: String) {
            self.store = store
            self.number = number
            self.hash = hash
        }

        init?(line: [UInt8]) {
            let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\n" }
            guard words.count == 3, let number = Int64(words[1]), number > 0 else { return nil }
            self.init(store: String(words[0]), number: number, hash: String(words[2]))
        }
    }

    private struct State {
        let file: CInt
        var number: Int64
    }

    private let identity: String
    private let state: Mutex<State>

    static func path(of store: String) -> String { store + "-acknowledged" }

    /// What is beside a store; nil where there is no such file, or nothing in it that can be read.
    static func read(beside store: String) -> Content? {
        FileManager.default.contents(atPath: path(of: store)).flatMap { Content(line: Array($0.prefix(256))) }
    }

    init(store: String, identity: String) {
        self.identity = identity
        let file = open(Self.path(of: store), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        var owner = stat()
        // What root does to the store of another user keeps that user from nothing.
        if file >= 0, geteuid() == 0, stat(store, &owner) == 0 { _ = fchown(file, owner.st_uid, owner.st_gid) }
        state = Mutex(State(file: file, number: 0))
    }

    deinit {
        let file = state.withLock { $0.file }
        if file >= 0 { Glibc.close(file) }
    }

    /// Takes note of the newest event, behind a commit; where that fails, the file lags.
    func note(_ db: Database) {
        let newest = try? db.first("SELECT id, hex(body_hash) FROM events ORDER BY id DESC LIMIT 1", []) { row in
            (number: row.number(at: 0) ?? 0, hash: row.text(at: 1) ?? "")
        }
        guard let newest = newest ?? nil else { return }
        state.withLock { state in
            guard newest.number != state.number, state.file >= 0 else { return }
            state.number = newest.number
            let hash = newest.hash.isEmpty ? "-" : newest.hash
            let line = Content(store: identity, number: newest.number, hash: hash).line
            _ = line.withUnsafeBytes { pwrite(state.file, $0.baseAddress, $0.count, 0) }
        }
    }
}

extension SQLiteArchive {
    /// What was acknowledged, as a file beside the store said before it was read, and is not here; nil where all is.
    static func lostEvents(_ known: AcknowledgedPosition.Content, in db: Database) throws -> LostEvents? {
        let newest = try Int64.fetchOne(db, sql: "SELECT max(id) FROM events") ?? 0
        guard try String.fetchOne(db, sql: "SELECT identity FROM store") == known.store else {
            // Another store has taken its place, or one was made again where all of the old one was in a log that is gone.
            return newest == 0 ? LostEvents(first: 1, last: known.number) : nil
        }
        if newest < known.number { return LostEvents(first: newest + 1, last: known.number) }
        let hash = try db.first("SELECT hex(body_hash) FROM events WHERE id = ?", [known.number]) { $0.text(at: 0) }
        // A number that was given again after a loss names another event.
        guard let hash = hash ?? nil, known.hash != "-", hash != known.hash else { return nil }
        return LostEvents(first: known.number, last: known.number)
    }
}
