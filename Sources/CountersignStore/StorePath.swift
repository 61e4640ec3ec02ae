import Foundation

/// Where a store's path leads to.
package enum StorePath {
    /// As many symbolic links as Linux follows in one path.
    private static let mostLinks = 40

    /// The path without symbolic links, whether its end is there yet or not.
    ///
    /// The lock, the write-ahead log and the control socket lie beside the file itself, so that whoever comes through
    /// a link finds them too.
    package static func resolved(_ path: String) -> String {
        resolved(path, links: mostLinks)
    }

    private static func resolved(_ path: String, links: Int) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        let (folder, name) = (
            NSString(string: path).deletingLastPathComponent, NSString(string: path).lastPathComponent
        )
        if links > 0, let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
            let isAbsolute = target.hasPrefix("/") || folder.isEmpty
            return resolved(isAbsolute ? target : folder + "/" + target, links: links - 1)
        }
        guard folder != path else { return path }
        let parent = resolved(folder.isEmpty ? "." : folder, links: links)
        return parent.hasSuffix("/") ? parent + name : parent + "/" + name
    }
}
