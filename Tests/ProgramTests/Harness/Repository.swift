import Foundation

/// The files of this repository, and the program that was built from it.
enum Repository {
    static let path = URL(filePath: #filePath).pathComponents.dropFirst().dropLast(4)
        .reduce(into: "") { $0 += "/" + $1 }

    /// The seven published bodies, one file each.
    static let payloads = path + "/examples/payloads"

    /// The files that people write, by their paths from here; what a build or an editor leaves is not among them.
    static func files() -> [String] {
        let places = ["Package.swift", "README.md", "Sources", "Tests", "rules", "examples", ".ci", ".github"]
        return
            places.flatMap { place in
                guard let below = FileManager.default.enumerator(atPath: "\(path)/\(place)") else { return [place] }
                return below.compactMap { $0 as? String }.sorted().map { "\(place)/\($0)" }
            }
            .filter { file in
                var isFolder: ObjCBool = false
                let parts = file.split(separator: "/")
                return FileManager.default.fileExists(atPath: "\(path)/\(file)", isDirectory: &isFolder)
                    && !isFolder.boolValue
                    && !parts.dropFirst()
                        .contains { $0.hasPrefix(".build") || $0 == "__pycache__" || $0.hasPrefix(".swp") }
            }
    }

    /// The program.
    static let program = built("countersign")

    /// The example of a program with an action of its own.
    static let programWithAction = built("CustomAction")

    /// A program, which is built into the folder that the tests themselves are built into.
    private static func built(_ name: String) -> String {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let beside = "\(tests)/\(name)"
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : "\(path)/.build/debug/\(name)"
    }

    /// Whether a program of the system is there; CI installs all that the tests use.
    static func hasProgram(_ name: String) -> Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// The published body in the file `name`.json, byte for byte.
    static func payload(_ name: String) throws -> String {
        try String(contentsOfFile: "\(payloads)/\(name).json", encoding: .utf8)
    }
}
