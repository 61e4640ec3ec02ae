import Configuration
import CountersignCore
import CountersignRules
import CountersignTerminal
import Foundation

/// Puts the settings together: flags count before the environment, the environment before the file.
package struct SettingsLoader {
    /// The environment variables, without white space around those that are settings.
    let variables: [String: String]

    /// The absolute path that relative paths start from.
    let workingDirectory: String

    /// The file named by `--config`; nil for `COUNTERSIGN_CONFIG`, or else `countersign.yaml` where there is one.
    let file: String?

    /// The settings given as flags, by their dotted keys.
    let flags: [String: String]

    /// Reads the file of settings, the environment and flags, of which flags count most.
    package init(variables: [String: String], workingDirectory: String, file: String?, flags: [String: String]) {
        self.variables = Dictionary(
            uniqueKeysWithValues: variables.map { name, value in
                // No setting begins or ends with white space, and `$(…)` and files for `env` leave some behind.
                (name, name.hasPrefix("COUNTERSIGN_") ? value.trimmingCharacters(in: .whitespacesAndNewlines) : value)
            }
        )
        self.workingDirectory = workingDirectory
        self.file = file
        self.flags = flags
    }

    /// The settings.
    ///
    /// - Throws: `UsageError` with all findings in the file, or about the flag or variable that is wrong.
    package func load() throws -> Settings {
        var problems: [String] = []
        var fromFile = FileContent()
        do { fromFile = try readFile() } catch let error as UsageError { problems.append(error.description) }
        let reader = ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: Self.values(flags.mapValues(ConfigContent.string))),
            EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "countersign"),
            InMemoryProvider(name: "file", values: Self.values(fromFile.values)),
        ])
        var options = OptionTree()
        var wrong: Set<String> = []
        for leaf in SettingsDeclaration.leaves where !isTakenAway(leaf) {
            do {
                guard let value = try Self.value(of: leaf, in: reader) else { continue }
                options.set(value, at: leaf.path)
            } catch let error as UsageError {
                problems.append(error.description)
                wrong.insert(leaf.path[0])
            }
        }
        for (key, groups) in fromFile.groups where !isGivenElsewhere(key, options.options) {
            options.set(groups, at: key.split(separator: ".").map(String.init))
        }
        if fromFile.isThere, fromFile.groups["destinations"] == nil { options.set(.groups([]), at: ["destinations"]) }
        // A group of which a part is wrong would be found wrong for the lack of that part.
        problems += Settings.problems(of: options.options, except: wrong, workingDirectory)
        guard problems.isEmpty else { throw UsageError(problems.joined(separator: "\ncountersign: ")) }
        return try Settings(
            options.options,
            workingDirectory: workingDirectory,
            settingsFolder: (file ?? "countersign.yaml").absolute(from: workingDirectory).folder
        )
    }

    /// Whether a flag or a variable gives what the file has as a list of maps.
    private func isGivenElsewhere(_ key: String, _ options: Options) -> Bool {
        guard let leaf = SettingsDeclaration.leaves.first(where: { $0.key == key }) else { return false }
        return flags[key] != nil || variables[leaf.variable] != nil
    }

    /// Whether an empty variable has the setting's default count, whatever the file says.
    private func isTakenAway(_ leaf: SettingsDeclaration.Leaf) -> Bool {
        // Who names a file as the store for once means nothing of what goes with the one of the settings.
        let isForOther = leaf.path[0] == "postgresql" && flags["store"]?.hasPrefix("sqlite:") == true
        return isForOther || variables[leaf.variable]?.isEmpty == true && flags[leaf.key] == nil
    }

    private static func values(_ contents: [String: ConfigContent]) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, content) in contents {
            values[AbsoluteConfigKey(key.split(separator: ".").map(String.init))] = ConfigValue(
                content,
                isSecret: false
            )
        }
        return values
    }

    private static func value(of leaf: SettingsDeclaration.Leaf, in reader: ConfigReader) throws -> OptionValue? {
        let key = ConfigKey(leaf.path)
        // A file lists texts as YAML does; a variable has commas between them.
        switch leaf.declaration.kind {
        case .texts, .forms:
            let texts = reader.stringArray(forKey: key)?
                .map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty }
            guard let texts else { return nil }
            if case .forms(let form) = leaf.declaration.kind, let fault = texts.lazy.compactMap(form.fault).first {
                throw UsageError("the setting '\(leaf.key)' (\(leaf.variable)) \(fault)")
            }
            return .texts(texts)
        default: break
        }
        return try reader.string(forKey: key).map { try value(of: $0, leaf) }
    }

    private static func value(of text: String, _ leaf: SettingsDeclaration.Leaf) throws -> OptionValue {
        func wrong(_ wanted: String) -> UsageError {
            UsageError("the setting '\(leaf.key)' (\(leaf.variable)) must be \(wanted), not '\(text)'")
        }
        switch leaf.declaration.kind {
        case .duration:
            guard let duration = Duration(text: text) else { throw wrong("a duration such as 30s") }
            return .duration(duration)
        case .size(let range):
            guard let size = ByteSize(text), range.contains(size) else {
                throw wrong("a size from \(range.lowerBound) to \(range.upperBound), such as 1MiB")
            }
            return .size(size)
        case .integer(let range):
            guard let number = Int(text), range.contains(number) else {
                throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return .integer(number)
        case .boolean:
            guard ["true", "false"].contains(text) else { throw wrong("true or false") }
            return .boolean(text == "true")
        case .choice(let words), .maps(_, let words):
            guard words.contains(text) else { throw wrong("one of \(words.joined(separator: ", "))") }
            return .text(text)
        default: return .text(text)
        }
    }
}

extension SettingsLoader {
    private struct FileContent {
        /// Whether there is a file.
        var isThere = false

        /// What is under the dotted keys, but for `groups`.
        var values: [String: ConfigContent] = [:]

        /// What is under the keys whose names the user chooses, such as `actions`.
        var groups: [String: OptionValue] = [:]
    }

    private func readFile() throws -> FileContent {
        let name = file ?? variables["COUNTERSIGN_CONFIG"]
        let path = (name ?? "countersign.yaml").absolute(from: workingDirectory)
        guard name != nil || FileManager.default.fileExists(atPath: path) else { return FileContent() }
        guard let data = OutsideFile.contents(at: path) else {
            throw UsageError("the settings file '\(path)' cannot be read; check that it exists and is readable")
        }
        let text = [UInt8](data)
        let shown = name ?? "countersign.yaml"
        let (options, findings) = SettingsFile.read(text: text, file: shown, declarations: SettingsDeclaration.all)
        guard let options, !findings.contains(where: { $0.severity == .error }) else {
            throw UsageError(DiagnosticPrinter(sources: [SourceText(path: shown, bytes: text)]).text(findings))
        }
        var content = FileContent(isThere: true)
        Self.flatten(options, under: [], folder: path.folder, into: &content)
        return content
    }

    /// Turns options into values under dotted keys; paths among them start at the file's folder.
    private static func flatten(
        _ options: Options,
        under path: [String],
        folder: String,
        into content: inout FileContent
    ) {
        for entry in options.entries {
            let path = path + [entry.key]
            let key = path.joined(separator: ".")
            switch entry.value {
            case .group(let options): flatten(options, under: path, folder: folder, into: &content)
            case .groups(let groups):
                content.groups[key] = .groups(
                    groups.map { .init(name: $0.name, options: absolute($0.options, folder)) }
                )
            case .maps: content.groups[key] = entry.value
            case .text(let text): content.values[key] = .string(absolute(text, key, folder))
            case .duration(let duration): content.values[key] = .string(duration.text)
            case .size(let size): content.values[key] = .string(size.description)
            case .integer(let number): content.values[key] = .string(String(number))
            case .texts(let texts): content.values[key] = .stringArray(texts)
            case .boolean(let flag): content.values[key] = .string(String(flag))
            default: preconditionFailure("the setting '\(key)' is of a kind that no setting has")
            }
        }
    }

    private static func absolute(_ text: String, _ key: String, _ folder: String) -> String {
        guard SettingsDeclaration.paths.contains(key) else { return text }
        if key == "store" {
            guard text.hasPrefix("sqlite:") else { return text }
            return "sqlite:" + String(text.dropFirst("sqlite:".count)).absolute(from: folder)
        }
        return text.absolute(from: folder)
    }

    /// Options of a group whose name the user chose; those that are files start at `folder`.
    private static func absolute(_ options: Options, _ folder: String) -> Options {
        let entries = options.entries.map { option in
            switch option.value {
            case .text(let path) where SettingsDeclaration.pathsInGroups.contains(option.key):
                Options.Entry(key: option.key, value: .text(path.absolute(from: folder)))
            case .group(let inner) where SettingsDeclaration.groupsWithPaths.contains(option.key):
                Options.Entry(key: option.key, value: .group(absolute(inner, folder)))
            default: option
            }
        }
        return Options(entries)
    }
}

/// Options that are put together one by one, groups within them.
private struct OptionTree {
    private(set) var options = Options()

    mutating func set(_ value: OptionValue, at path: [String]) {
        options = Self.setting(value, at: path[...], in: options)
    }

    private static func setting(_ value: OptionValue, at path: ArraySlice<String>, in options: Options) -> Options {
        guard let key = path.first else { return options }
        var entries = options.entries
        let index = entries.firstIndex { $0.key == key }
        var entry = Options.Entry(key: key, value: value)
        if path.count > 1 {
            var group = Options()
            if let index, case .group(let existing) = entries[index].value { group = existing }
            entry = Options.Entry(key: key, value: .group(setting(value, at: path.dropFirst(), in: group)))
        }
        if let index { entries[index] = entry } else { entries.append(entry) }
        return Options(entries)
    }
}
