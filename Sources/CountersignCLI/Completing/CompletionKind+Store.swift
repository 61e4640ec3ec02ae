import ArgumentParser
import CountersignRules
import CountersignStore
import Foundation

extension CompletionKind {
    /// The ids of the rules in force, and of those in the folder of rules.
    static var rules: CompletionKind {
        .custom { words, _, prefix in await StoredWords(words).rules.filter { $0.hasPrefix(prefix) } }
    }

    /// The ids of the packages of which something came in last.
    static var packages: CompletionKind {
        .custom { words, _, prefix in await StoredWords(words).packages.filter { $0.hasPrefix(prefix) } }
    }
}

/// What a store and its rules offer to somebody who presses the tabulator; nothing where they cannot be read.
private struct StoredWords {
    /// How many packages are offered.
    private static let packageCount = 50

    private let settings: Settings?

    /// - Parameter words: The words of the command line so far, where `--config` and `--store` may stand.
    init(_ words: [String]) {
        func value(of flag: String) -> String? {
            let behind = words.firstIndex(of: flag).map { $0 + 1 }
            return behind.flatMap { $0 < words.count ? words[$0] : nil }
        }
        settings = try? SettingsLoader(
            variables: ProcessInfo.processInfo.environment,
            workingDirectory: FileManager.default.currentDirectoryPath,
            file: value(of: "--config"),
            flags: ["store": value(of: "--store")].compactMapValues { $0 }
        )
        .load()
    }

    var rules: [String] {
        get async {
            guard let settings else { return [] }
            let stored = try? await SQLiteArchive.open(path: settings.storePath).latestSources()
            let inForce = (stored ?? nil).flatMap { RuleSources(json: $0) }?.outlines ?? []
            let inFolder = (try? RuleSources.read(folder: settings.rulesPath))?.outlines ?? []
            return Array(Set((inForce + inFolder).map(\.id))).sorted()
        }
    }

    var packages: [String] {
        get async {
            guard let settings, let archive = try? SQLiteArchive.open(path: settings.storePath),
                let packages = try? await archive.packages(prefix: nil, limit: Self.packageCount)
            else { return [] }
            return packages.map(\.id)
        }
    }
}
