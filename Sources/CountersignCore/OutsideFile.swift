package import Foundation

/// Reads what people name by a path: a file, or a pipe such as a shell's `<(…)`.
package enum OutsideFile {
    /// How much is read at most, in bytes.
    package static let limit = 1 << 30

    private static let pieceSize = 1 << 16

    /// The bytes to the end; nil where it is a folder, cannot be opened or read, or holds more than `limit`.
    package static func contents(at path: String, limit: Int = limit) -> Data? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        var data = Data()
        do {
            while let piece = try file.read(upToCount: pieceSize), !piece.isEmpty {
                data += piece
                guard data.count <= limit else { return nil }
            }
        } catch {
            return nil
        }
        return data
    }
}
