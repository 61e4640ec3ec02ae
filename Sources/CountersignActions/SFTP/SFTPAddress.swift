import CountersignCore
import CountersignOutbound
import Foundation

/// The user and the server of an SFTP step: `user@host` or `user@host:22`.
struct SFTPAddress: Equatable {
    let user: String

    /// A name or an address, an IPv6 address without brackets.
    let host: String
    let port: Int

    /// Host and port.
    var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Reads an address.
    ///
    /// - Throws: `StepFailure` that says what is wrong with it.
    init(_ text: String) throws(StepFailure) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw .final("must be USER@HOST or USER@HOST:PORT, not '\(text.onOneLine)'") }
        user = String(parts[0])
        let isPlain = user.utf8.allSatisfy { $0.isLetter || $0.isDigit || "._-+".utf8.contains($0) }
        guard isPlain, !user.isEmpty, !user.hasPrefix("-") else {
            throw .final("has the user '\(user.onOneLine)'; use letters, digits and the characters ._-+")
        }
        // A host is one wherever it is written; what else a URL may have has no place here.
        let rest = parts[1]
        guard !rest.contains(where: { "/?#@\\".contains($0) }) else {
            throw .final("must be USER@HOST or USER@HOST:PORT, not '\(text.onOneLine)'")
        }
        let isPortNamed = rest.last != "]" && rest.contains(":")
        let url = try RequestURL("http://\(rest)\(isPortNamed ? "" : ":22")/", source: String(rest))
        (host, port) = (url.host, url.port)
    }

    /// The form of an address in rules.
    static let form = TextForm("USER@HOST or USER@HOST:PORT", pattern: "^[^@]+@[^@]+$") { text in
        do throws(StepFailure) {
            _ = try SFTPAddress(text)
            return nil
        } catch {
            return error.reason
        }
    }
}

/// The public keys by which a server of SSH is known, one on a line, as `ssh-keyscan` prints them behind the name.
enum HostKeys {
    /// The form of the keys in rules.
    static let form = TextForm("public keys such as `ssh-ed25519 AAAA…`, one on each line", pattern: "^(ssh|ecdsa|sk)-")
    { text in
        let lines = text.split(whereSeparator: \.isNewline)
        if lines.isEmpty {
            return "is empty; run 'ssh-keyscan HOST' and check what it prints with the owner of the server"
        }
        for line in lines where !isKey(line) {
            return "must be a public key such as 'ssh-ed25519 AAAA…', not '\(String(line).onOneLine.cut(to: 60))'"
        }
        return nil
    }

    /// The lines of a file of known hosts in which the server has this name (sshd(8)).
    static func knownHosts(_ keys: String, as name: String) -> String {
        keys.split(whereSeparator: \.isNewline).map { "\(name) \($0)\n" }.joined()
    }

    /// Whether a line is a type and a key of that type (RFC 4253, section 6.6), and nothing that means more in a file.
    private static func isKey(_ line: Substring) -> Bool {
        let fields = line.split(separator: " ")
        guard fields.count >= 2, let data = Data(base64Encoded: String(fields[1])), data.count > 4 else { return false }
        let type = Array(fields[0].utf8)
        let length = data.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        return length == type.count && data.dropFirst(4).prefix(length).elementsEqual(type)
            && line.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
