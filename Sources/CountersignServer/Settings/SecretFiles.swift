package import CountersignCore
import CountersignTerminal
import Foundation

/// Where secrets are looked for: files of a folder, systemd's credentials, environment variables; in this order.
///
/// The first place that has a secret counts; one that is found but cannot be used is not looked for further, so that no
/// other value slips in.
package struct SecretFiles: Sendable {
    /// Larger than any key or certificate; what is larger is a wrong file.
    private static let largest = 64 * 1_024

    /// The absolute path of the folder that the settings name.
    private let folder: String?

    /// The folder that systemd makes for the service (`LoadCredential=`).
    private let credentials: String?

    private let variables: [String: String]

    /// The folder of the settings, the variables, and the folder that `CREDENTIALS_DIRECTORY` in them names.
    package init(folder: String?, variables: [String: String]) {
        self.folder = folder
        self.variables = variables
        credentials = variables["CREDENTIALS_DIRECTORY"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    /// The secrets called `names`, as they are now.
    package func load(_ names: Set<String>) -> Secrets {
        var values: [String: String] = [:]
        var missing: [String: String] = [:]
        for name in names {
            do throws(Fault) {
                values[name] = try value(of: name)
                if values[name] == nil { missing[name] = absence(of: name) }
            } catch {
                missing[name] = "the secret '\(name)' cannot be used: \(error.sentence)"
            }
        }
        return Secrets(values, missing: missing)
    }

    /// The secret `name`, which nobody has to set; nil where it is set nowhere.
    ///
    /// - Throws: `UsageError` when it is found and cannot be used.
    func optional(_ name: String) throws(UsageError) -> String? {
        do throws(Fault) {
            return try value(of: name)
        } catch {
            throw UsageError("the secret '\(name)' cannot be used: \(error.sentence)")
        }
    }

    private struct Fault: Error {
        let sentence: String
    }

    private func value(of name: String) throws(Fault) -> String? {
        if Self.isFileName(name) {
            if let folder, let value = try Self.content(of: "\(folder)/\(name)", isOursToGuard: true) { return value }
            // systemd guards its folder itself, and its files may be readable by a group.
            if let credentials, let value = try Self.content(of: "\(credentials)/\(name)", isOursToGuard: false) {
                return value
            }
        }
        // As from a file: a line end behind a value is never a part of it.
        return variables[name].map(\.withoutLineEnd).flatMap { $0.isEmpty ? nil : $0 }
    }

    private func absence(of name: String) -> String {
        var places = ["the environment variable \(name)"]
        if Self.isFileName(name) {
            if let credentials { places.insert("the systemd credential '\(credentials)/\(name)'", at: 0) }
            if let folder { places.insert("the file '\(folder)/\(name)'", at: 0) }
        }
        let list =
            places.count == 1
            ? places[0] : places.dropLast().joined(separator: ", ") + " and " + places[places.count - 1]
        return "the secret '\(name)' is not set; looked for \(list)"
    }

    /// Whether a file of this name lies in the folder itself.
    private static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && !name.contains("..")
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    /// The text of a file without the line end behind it; nil where there is no file or nothing in it.
    private static func content(of path: String, isOursToGuard: Bool) throws(Fault) -> String? {
        // The descriptor and not the path is asked, so that what is evaluated is what is read.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Fault(sentence: "the file '\(path)' cannot be opened (\(String(cString: strerror(errno))))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(sentence: "'\(path)' is not a regular file")
        }
        guard !isOursToGuard || status.st_mode & 0o077 == 0 else {
            throw Fault(sentence: "users other than the owner can access the file '\(path)'; run: chmod 600 '\(path)'")
        }
        guard status.st_size <= largest else {
            throw Fault(sentence: "the file '\(path)' is larger than \(largest) bytes")
        }
        guard let data = try? file.read(upToCount: largest) else {
            if status.st_size == 0 { return nil }
            throw Fault(sentence: "the file '\(path)' cannot be read")
        }
        do throws(OutsideText.Fault) {
            let value = try OutsideText.decode(data).withoutLineEnd
            return value.isEmpty ? nil : value
        } catch {
            throw Fault(sentence: "the file '\(path)' cannot be read: \(error)")
        }
    }
}

extension String {
    /// The text without one LF, CR LF or CR at its end.
    fileprivate var withoutLineEnd: String {
        last?.isLineEnd == true ? String(dropLast()) : self
    }
}
