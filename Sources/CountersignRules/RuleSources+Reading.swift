import CountersignCore
import Foundation

/// Why rule files cannot be read.
package struct RuleSourcesError: Error, Equatable, CustomStringConvertible {
    /// What cannot be read.
    package let path: String

    /// The cause as a clause, such as `no such file or directory`.
    package let reason: String

    /// An error about the file or folder at `path`.
    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The error as one sentence, with the path and the cause.
    package var description: String { "cannot read '\(path)': \(reason)" }
}

extension RuleSources {
    /// A file that is larger than this is no rule file.
    package static let sizeLimit = 16 << 20

    /// Reads all rule files (`*.yaml`, `*.yml`, in capitals too) of a folder and the folders in it.
    ///
    /// Symbolic links are followed, but never round in a circle. What begins with a dot is left unchanged: it is an editor's,
    /// a version control's, or the folder that a mounted config map swaps its links to.
    package static func read(folder: String) throws(RuleSourcesError) -> RuleSources {
        var reader = FolderReader()
        guard try reader.isFolder(folder) else { throw RuleSourcesError(path: folder, reason: "it is not a folder") }
        try reader.read(folder: folder, as: "")
        let label = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        return RuleSources(folder: FolderReader.absolute(folder), files: reader.files, label: label)
    }

    /// Reads these files and folders; paths are kept as they are given.
    package static func read(paths: [String]) throws(RuleSourcesError) -> RuleSources {
        var reader = FolderReader()
        for path in paths {
            if try reader.isFolder(path) {
                try reader.read(folder: path, as: path.hasSuffix("/") ? String(path.dropLast()) : path)
            } else {
                try reader.read(file: path, as: path, isNamed: true)
            }
        }
        return RuleSources(folder: FolderReader.absolute("."), files: reader.files)
    }

    /// Whether a file of this name is one of rules.
    static func isRuleFile(_ name: String) -> Bool {
        [".yaml", ".yml"].contains { name.lowercased().hasSuffix($0) }
    }
}

private struct FolderReader {
    private(set) var files: [RuleSources.File] = []
    private var seen: Set<String> = []
    private var ancestors: [FileIdentity] = []
    private var visited = 0

    /// Far more than any folder of rules holds; what has more is another one, such as '/'.
    private static let mostEntries = 100_000

    private struct FileIdentity: Equatable {
        let device: dev_t
        let node: ino_t
    }

    static func absolute(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.path(percentEncoded: false).trimmingEnd("/")
    }

    func isFolder(_ path: String) throws(RuleSourcesError) -> Bool {
        try status(path).st_mode & S_IFMT == S_IFDIR
    }

    private func status(_ path: String) throws(RuleSourcesError) -> stat {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.error(path) }
        return status
    }

    private static func error(_ path: String) -> RuleSourcesError {
        RuleSourcesError(path: path, reason: String(cString: strerror(errno)).lowercasedFirst)
    }

    mutating func read(folder: String, as name: String) throws(RuleSourcesError) {
        let status = try status(folder)
        let identity = FileIdentity(device: status.st_dev, node: status.st_ino)
        guard !ancestors.contains(identity) else { return }
        ancestors.append(identity)
        defer { ancestors.removeLast() }
        for entry in try Self.entries(of: folder) where !entry.hasPrefix(".") {
            let path = "\(folder)/\(entry)"
            let inner = name.isEmpty ? entry : "\(name)/\(entry)"
            visited += 1
            guard visited <= Self.mostEntries else {
                let reason =
                    "it contains more than \(Self.mostEntries) files; give the folder that contains only the rules"
                throw RuleSourcesError(path: folder, reason: reason)
            }
            let isRuleFile = RuleSources.isRuleFile(entry)
            // A link that leads nowhere matters only where a rule file is meant.
            guard isRuleFile || access(path, F_OK) == 0 else { continue }
            if try isFolder(path) {
                try read(folder: path, as: inner)
            } else if isRuleFile {
                try read(file: path, as: inner)
            }
        }
    }

    private static func entries(of folder: String) throws(RuleSourcesError) -> [String] {
        guard let handle = opendir(folder) else { throw error(folder) }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name -> Result<String, RuleSourcesError> in
                    if let text = String(validatingCString: name) { return .success(text) }
                    return isLookedInto(name, in: dirfd(handle))
                        ? .failure(unreadableName(name, in: folder)) : .success("")
                }
            }
            names.append(try name.get())
        }
        return names.filter { !$0.isEmpty }.sorted()
    }

    /// Whether an entry, whose name is not UTF-8, is a folder or meant as a rule file.
    private static func isLookedInto(_ name: UnsafePointer<CChar>, in folder: CInt) -> Bool {
        var status = stat()
        let isFolder = fstatat(folder, name, &status, 0) == 0 && status.st_mode & S_IFMT == S_IFDIR
        let text = String(cString: name)
        return !text.hasPrefix(".") && (isFolder || RuleSources.isRuleFile(text))
    }

    private static func unreadableName(_ name: UnsafePointer<CChar>, in folder: String) -> RuleSourcesError {
        RuleSourcesError(
            path: "\(folder)/\(String(cString: name))",
            reason: "its name is not valid UTF-8 and cannot be shown in findings; rename it"
        )
    }

    mutating func read(file: String, as name: String, isNamed: Bool = false) throws(RuleSourcesError) {
        let status = try status(file)
        // A pipe is read where somebody names it; in a folder it would keep everybody waiting.
        let isPipe = isNamed && status.st_mode & S_IFMT == S_IFIFO
        guard isPipe || status.st_mode & S_IFMT == S_IFREG else {
            throw RuleSourcesError(path: file, reason: "it is neither a file nor a folder")
        }
        guard status.st_size <= RuleSources.sizeLimit else {
            throw RuleSourcesError(path: file, reason: "it is larger than \(RuleSources.sizeLimit >> 20) MiB")
        }
        guard seen.insert(name).inserted else { return }
        guard access(file, R_OK) == 0 else { throw Self.error(file) }
        guard let text = OutsideFile.contents(at: file, limit: RuleSources.sizeLimit) else {
            let reason = "it disappeared or failed to be read, or is larger than \(RuleSources.sizeLimit >> 20) MiB"
            throw RuleSourcesError(path: file, reason: reason)
        }
        files.append(RuleSources.File(path: name, text: Array(text)))
    }
}

extension String {
    fileprivate func trimmingEnd(_ character: Character) -> String {
        count > 1 && last == character ? String(dropLast()) : self
    }

    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
