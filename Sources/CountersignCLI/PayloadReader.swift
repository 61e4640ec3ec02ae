import CountersignCore
import CountersignServer
import CountersignTerminal
import Foundation

/// Finds the payloads that a command is pointed at: files, folders, standard input, or published samples by name.
struct PayloadReader {
    /// One payload and where it came from.
    struct Source {
        /// The file, with the line where several are in one; `-` for standard input; or the sample's name.
        let name: String
        let body: [UInt8]
    }

    let workingDirectory: String

    /// What other names mean, beside files and samples.
    var others: [String: Source] = [:]

    /// Which of the arguments are neither standard input nor the name of a file or a sample.
    func unknownNames(among arguments: [String]) -> [String] {
        let samples = Set(SamplePayload.all.map(\.name))
        return arguments.filter { argument in
            argument != "-" && !samples.contains(argument)
                && !FileManager.default.fileExists(atPath: argument.absolute(from: workingDirectory))
        }
    }

    /// The payloads of each argument, in order.
    ///
    /// - Throws: `CommandFailure` when something cannot be read or is no JSON, with its place.
    func sources(_ arguments: [String]) throws -> [Source] {
        try arguments.flatMap { try sources(of: $0) }
    }

    private func sources(of argument: String) throws -> [Source] {
        if argument == "-" {
            return try split(Array(FileHandle.standardInput.readDataToEndOfFile()), from: "-")
        }
        let path = argument.absolute(from: workingDirectory)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            return try isFolder.boolValue ? folder(path, called: argument) : file(path, called: argument)
        }
        if let sample = SamplePayload.all.first(where: { $0.name == argument }) {
            return [Source(name: sample.name, body: Array(sample.body.utf8))]
        }
        if let other = others[argument] { return [other] }
        let names = SamplePayload.all.map(\.name)
        let near = Suggestion.clause(for: argument, among: names)
        throw CommandFailure(
            "there is no file or sample named '\(argument)'"
                + (near.isEmpty ? "; the samples are \(names.joined(separator: ", "))" : near)
        )
    }

    private func folder(_ path: String, called name: String) throws -> [Source] {
        let files = try FileManager.default.subpathsOfDirectory(atPath: path)
            .filter { $0.hasSuffix(".json") || $0.hasSuffix(".jsonl") }
            .sorted()
        guard !files.isEmpty else { throw CommandFailure("the folder '\(name)' has no .json or .jsonl files") }
        let prefix = name.hasSuffix("/") ? name : name + "/"
        return try files.flatMap { try file(path + "/" + $0, called: prefix + $0) }
    }

    private func file(_ path: String, called name: String) throws -> [Source] {
        guard let data = OutsideFile.contents(at: path) else {
            throw CommandFailure("'\(name)' cannot be read; check its permissions")
        }
        return try split(Array(data), from: name)
    }

    /// A text is one JSON value, an array of them, or one a line.
    private func split(_ text: [UInt8], from name: String) throws -> [Source] {
        // The limits hold for each payload, not for a recording of many.
        let limits = JSON.Limits(depth: 65, keys: .max)
        let whole: JSONError
        do throws(JSONError) {
            let value = try JSON(parsing: text, limits: limits)
            guard let items = value.array else { return [Source(name: name, body: text)] }
            return items.enumerated().map { Source(name: "\(name)[\($0)]", body: $1.bytes) }
        } catch {
            whole = error
        }
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
            .filter { !$0.element.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }
        // One value a line, when the first line is a value; else the text was meant as one value.
        guard lines.count > 1, let first = lines.first, (try? JSON(parsing: first.element, limits: limits)) != nil
        else {
            throw CommandFailure("\(name): \(whole)")
        }
        return try lines.map { number, line in
            do throws(JSONError) {
                _ = try JSON(parsing: line, limits: limits)
                return Source(name: "\(name):\(number + 1)", body: Array(line))
            } catch {
                throw CommandFailure("\(name): line \(number + 1): \(error.problem.sentence) at column \(error.column)")
            }
        }
    }
}
