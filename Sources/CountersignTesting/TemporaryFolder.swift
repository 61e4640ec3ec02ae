import Foundation

/// A fresh folder that is removed with all that is in it when the value goes.
package final class TemporaryFolder: Sendable {
    /// The absolute path, without symbolic links.
    package let path: String

    /// Creates the folder in the system's folder for temporary files.
    ///
    /// - Throws: An error of the file system where the folder cannot be created.
    package init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "countersign-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Without the symbolic links that some systems have in the way to it.
        path = folder.resolvingSymlinksInPath().path
    }

    deinit {
        // What a test leaves behind in the system's temporary folder does no harm.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of something in the folder.
    package func path(_ name: String) -> String {
        "\(path)/\(name)"
    }
}
