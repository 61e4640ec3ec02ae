import Foundation

/// The files of this repository, and the program that was built from it.
enum Repository {
    static let path = URL(filePath: #filePath).pathComponents.dropFirst().dropLast(4)
        .reduce(into: "") { $0 += "/" + $1 }

    /// The seven published bodies, one file each.
    static let payloads = path + "/examples/payloads"

    /// The program: it is built into the folder that the tests themselves are built into.
    static let program: String = {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let beside = tests + "/countersign"
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : path + "/.build/debug/countersign"
    }()

    /// The published body in the file `name`.json, byte for byte.
    static func payload(_ name: String) throws -> String {
        try String(contentsOfFile: "\(payloads)/\(name).json", encoding: .utf8)
    }
}
