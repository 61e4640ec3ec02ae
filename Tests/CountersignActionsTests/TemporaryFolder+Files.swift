import CountersignTesting
import Foundation
import Glibc

/// What tests of actions put into a folder and find there.
extension TemporaryFolder {
    func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }

    func write(_ text: String, to name: String, isExecutable: Bool = false) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        if isExecutable {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(path)/\(name)")
            waitUntilNobodyWrites("\(path)/\(name)")
        }
    }

    /// `F_SETLEASE` of fcntl(2), which Glibc's module does not show.
    private static var setLease: CInt { 1_024 }

    /// Returns when nobody has a file open for writing, as nobody could execute it before (ETXTBSY).
    ///
    /// A program that another test is just starting has a copy of each file that was open, for a moment.
    private func waitUntilNobodyWrites(_ path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        // A lease for reading is granted to who shares the file with no writer (fcntl(2)); it ends with the descriptor.
        while fcntl(file, Self.setLease, F_RDLCK) != 0, errno == EAGAIN { sched_yield() }
        close(file)
    }

    func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(name)")
    }

    /// All files and folders beneath it, and what the files hold.
    func contents() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
            .map { name in
                "\(name): \((try? text(name)) ?? "")"
            }
    }
}
