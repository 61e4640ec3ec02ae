import ArgumentParser
import CountersignCore
import CountersignRules
import CountersignServer
import CountersignStore
import Foundation

extension CompletionKind {
    /// The ids of the active rules, and of those in the folder of rules.
    static var rules: CompletionKind {
        .custom { words, _, prefix in await StoredWords(words).rules.filter { $0.hasPrefix(prefix) } }
    }

    /// The numbers of runs that failed and need attention to decide.
    static var failedRuns: CompletionKind {
        .custom { words, _, prefix in await StoredWords(words).failedRuns.filter { $0.hasPrefix(prefix) } }
    }

    /// The numbers of what is due at some time, those due first coming first.
    static var pending: CompletionKind {
        .custom { words, _, prefix in await StoredWords(words).pending.filter { $0.hasPrefix(prefix) } }
    }

    /// The steps from which the runs that the command line names can go on.
    static var reachedSteps: CompletionKind {
        .custom { words, _, prefix in await StoredWords(words).steps(ofRuns: words).filter { $0.hasPrefix(prefix) } }
    }

    /// The names of published samples, and files and folders.
    static var payloads: CompletionKind {
        .custom { _, _, prefix in
            SamplePayload.all.map(\.name).filter { $0.hasPrefix(prefix) } + paths(beginning: prefix)
        }
    }

    /// The files and folders whose paths begin so; a folder ends with a slash.
    private static func paths(beginning prefix: String) -> [String] {
        let folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        let here = FileManager.default.currentDirectoryPath
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: folder.isEmpty ? here : folder.absolute(from: here)
        )
        return (names ?? []).sorted()
            .filter {
                (folder + $0).hasPrefix(prefix) && (!$0.hasPrefix(".") || prefix.dropFirst(folder.count).hasPrefix("."))
            }
            .map { name in
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: (folder + name).absolute(from: here), isDirectory: &isFolder)
                return folder + name + (isFolder.boolValue ? "/" : "")
            }
    }

    /// The ids of the packages of which something arrived last.
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
            let stored = try? await settings.driver.reader().activeSources()
            let inForce = (stored ?? nil).flatMap { RuleSources(json: $0) }?.outlines ?? []
            let inFolder = (try? RuleSources.read(folder: settings.rulesPath))?.outlines ?? []
            return Array(Set((inForce + inFolder).map(\.id))).sorted()
        }
    }

    var packages: [String] {
        get async {
            guard let settings, let archive = try? settings.driver.reader(),
                let page = try? await archive.packages(PackageQuery(limit: Self.packageCount))
            else { return [] }
            return page.packages.map(\.id)
        }
    }

    var failedRuns: [String] {
        get async {
            guard let settings, let archive = try? settings.driver.reader(),
                let runs = try? await archive.runs(RunQuery(state: .failed, limit: Self.packageCount))
            else { return [] }
            return runs.map { "\($0.id)" }
        }
    }

    var pending: [String] {
        get async {
            var query = StateQuery(limit: Self.packageCount)
            query.isDueOnly = true
            guard let settings, let archive = try? settings.driver.reader(),
                let states = try? await archive.states(query)
            else { return [] }
            return states.compactMap { $0.id.map { "\($0)" } }
        }
    }

    /// The steps to which each run whose number is among `words` has come.
    func steps(ofRuns words: [String]) async -> [String] {
        guard let settings, let archive = try? settings.driver.reader() else { return [] }
        var steps: [String] = []
        for id in words.compactMap({ Int64($0) }) {
            guard let found = try? await archive.run(Run.ID(rawValue: id)) else { continue }
            for record in found.records {
                if let step = record.stepID, !steps.contains(step) { steps.append(step) }
                // What comes behind belongs to on_failure and always.
                if record.status == .failed, record.isFinal, record.generation == found.run.retries { break }
            }
        }
        return steps
    }
}
