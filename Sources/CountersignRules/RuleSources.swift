package import CountersignCore
import Crypto

/// The texts of a folder of rules, read but not yet understood.
package struct RuleSources: Sendable, Equatable {
    /// One file.
    package struct File: Sendable, Equatable {
        /// The path relative to the folder.
        package let path: String

        /// The content, byte for byte; whether it is valid UTF-8 is not checked here.
        package let text: [UInt8]

        /// A file that has been read; `path` is absolute where the file is not in the folder of rules.
        package init(path: String, text: [UInt8]) {
            self.path = path
            self.text = text
        }
    }

    /// The absolute path of the folder.
    package let folder: String

    /// The files in the order of their paths.
    package let files: [File]

    /// What is before a file's path in findings: the folder as the reader named it.
    package let label: String

    /// Sources of a folder, sorted by the files' paths; without a label findings name a file by its path alone.
    package init(folder: String, files: [File], label: String = "") {
        self.folder = folder
        self.files = files.sorted { $0.path < $1.path }
        self.label = label
    }
}

extension RuleSources {
    /// The hash over the paths and contents of all files.
    package var version: RuleSetVersion {
        var hash = SHA256()
        for file in files {
            // Each part is preceded by its length, so that no two sets run together into one text.
            for part in [Array(file.path.utf8), file.text] {
                withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
                hash.update(data: part)
            }
        }
        return RuleSetVersion(rawValue: hash.finalize().hexDigits)
    }

    /// The sources as the store keeps them; a file that is no UTF-8 would not come back, but is no rule set either.
    package var json: JSON {
        [
            "folder": .string(folder),
            "label": .string(label),
            // Pairs and not objects: the parser bounds the keys of a text.
            "files": .array(files.map { [.string($0.path), .string(String(decoding: $0.text, as: UTF8.self))] }),
        ]
    }

    /// The sources that `json` made; nil where the value is something else.
    ///
    /// Another instance may have made it: with `folder`, they are as if they lay there.
    package init?(json: JSON, in folder: String? = nil) {
        guard let written = json["folder"]?.string, let label = json["label"]?.string, let pairs = json["files"]?.array
        else { return nil }
        let files = pairs.compactMap { pair -> File? in
            guard let pair = pair.array, pair.count == 2, let path = pair[0].string, let text = pair[1].string else {
                return nil
            }
            return File(path: path, text: Array(text.utf8))
        }
        guard files.count == pairs.count else { return nil }
        self.init(folder: folder ?? written, files: files, label: label)
    }

    /// The lines of all files, for showing findings.
    package var sourceTexts: [SourceText] { files.map(sourceText) }

    /// The path of a file as findings name it, with the label of its sources before it.
    package static func shownPath(_ path: String, under label: String) -> String {
        label.isEmpty || path.hasPrefix("/") ? path : "\(label)/\(path)"
    }

    func sourceText(of file: File) -> SourceText {
        SourceText(path: Self.shownPath(file.path, under: label), bytes: file.text)
    }

    /// The folder of the files as findings name it.
    package var shownFolder: String {
        guard label.isEmpty else { return label }
        let outermost = files.map(\.path).min { $0.count { $0 == "/" } < $1.count { $0 == "/" } }
        return outermost.flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } } ?? folder
    }

    /// The absolute path of the folder that holds `file`.
    func folder(of file: File) -> String {
        let path = file.path.hasPrefix("/") ? file.path : "\(folder)/\(file.path)"
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? folder
    }
}
