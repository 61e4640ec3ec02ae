import CountersignCore
import Crypto
import Foundation
import Glibc
import SystemPackage

/// Remembers where steps have appended to a file, in a hidden file beside it, so that a step which is made again after a
/// crash finds what it wrote and does not write it twice.
///
/// An entry is on disk before the line that it tells of. Only the latest entries are kept: a step is made again soon.
struct AppendJournal {
    /// A place in the file at which a step wrote, or was about to.
    private struct Entry {
        let offset: Int
        let count: Int
    }

    /// Larger, and its older half goes: 700 entries at the least stay.
    private static let largest = 64 << 10

    let folder: OutputFolder.Descriptor

    /// The name of the file that is appended to.
    let name: String

    /// What no other step has: the name of its temporary file.
    let step: String

    private var journal: String {
        ".countersign-appends-" + SHA256.hash(data: Data(name.utf8)).prefix(8).hexDigits
    }

    /// Appends the line `bytes` to the open and locked file, or what is missing of it, unless the step has done so.
    ///
    /// It begins a line of its own: where the file's last line has no end, as others leave it, that comes first.
    func append(_ line: [UInt8], to file: CInt) throws(Errno) {
        let size = try folder.size(of: file)
        let lineEnd = UInt8(ascii: "\n")
        for entry in try entries() {
            guard let bytes = [line, [lineEnd] + line].first(where: { $0.count == entry.count }) else { continue }
            let found = try folder.read(file, from: entry.offset, count: entry.count)
            if found == bytes { return }
            // What a power cut left of it, at the very end.
            let isTorn = entry.offset + found.count == size && bytes.starts(with: found)
            if isTorn, !found.isEmpty { return try folder.write(bytes[found.count...], to: file) }
        }
        let last = size > 0 ? try folder.read(file, from: size - 1, count: 1) : [lineEnd]
        let isOpen = last != [lineEnd]
        let bytes = isOpen ? [lineEnd] + line : line
        try note(Entry(offset: size, count: bytes.count))
        FailPoint.beforeAppend.reach()
        try folder.write(bytes[...], to: file)
        FailPoint.afterAppend.reach()
    }

    /// The step's entries, the latest first.
    ///
    /// One that a later entry reaches into is left out: the step ended before it had written all, and another one went on
    /// from there, perhaps with the very same line.
    private func entries() throws(Errno) -> [Entry] {
        let text = try folder.content(of: journal) ?? []
        // Almost every step comes for the first time, and need not have the lines taken apart.
        guard Data(text).range(of: Data(step.utf8)) != nil else { return [] }
        var entries: [Entry] = []
        var next = Int.max
        for line in text.split(separator: UInt8(ascii: "\n")).reversed() {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard words.count == 3, let offset = Int(words[1]), let count = Int(words[2]), offset >= 0, count > 0 else {
                continue
            }
            if words[0] == step, count <= next, offset <= next - count {
                entries.append(Entry(offset: offset, count: count))
            }
            next = min(next, offset)
        }
        return entries
    }

    private func note(_ entry: Entry) throws(Errno) {
        if let text = try folder.content(of: journal), text.count > Self.largest {
            // Lines: what is before the first end of a line may be half of one.
            let half = text.suffix(Self.largest / 2).drop { $0 != UInt8(ascii: "\n") }.dropFirst()
            try folder.replace(journal, with: half)
        }
        try folder.add(Array("\(step) \(entry.offset) \(entry.count)\n".utf8), to: journal)
    }
}
