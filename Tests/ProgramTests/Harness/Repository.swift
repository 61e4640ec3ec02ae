import Foundation

/// The files of this repository, and the program that was built from it.
enum Repository {
    static let path = URL(filePath: #filePath).pathComponents.dropFirst().dropLast(4)
        .reduce(into: "") { $0 += "/" + $1 }

    /// The seven published bodies, one file each.
    static let payloads = path + "/examples/payloads"

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
