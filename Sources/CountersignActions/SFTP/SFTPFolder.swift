import CountersignCore
import Foundation
import Glibc

/// A private folder in which OpenSSH's program finds what it needs for one step: the key, the host's keys and the file.
struct SFTPFolder {
    let path: String

    /// Makes the folder, readable for nobody else.
    ///
    /// - Throws: `StepFailure` where the system has no room for it.
    init(key: String, knownHosts: String, file: String) throws(StepFailure) {
        var template = Array((NSTemporaryDirectory() + "countersign-sftp-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
        guard made else {
            throw StepFailure("no temporary folder can be made: \(String(cString: strerror(errno)).lowercased())")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            try write(key.hasSuffix("\n") ? key : key + "\n", to: "key")
            try write(knownHosts, to: "known_hosts")
            try FileManager.default.createSymbolicLink(atPath: "\(path)/file", withDestinationPath: file)
        } catch {
            remove()
            throw StepFailure("the temporary folder '\(path)' cannot be written: \(systemWords(error))")
        }
    }

    private func write(_ text: String, to name: String) throws {
        let location = "\(path)/\(name)"
        let isThere = FileManager.default.createFile(
            atPath: location,
            contents: Data(text.utf8),
            attributes: [.posixPermissions: 0o600]
        )
        guard isThere else { throw CocoaError(.fileWriteUnknown) }
    }

    /// Removes it with all that is in it.
    func remove() {
        // What stays behind is the user's own, and the system clears the folder for temporary files.
        try? FileManager.default.removeItem(atPath: path)
    }
}
