import CLibpq
import CountersignStore
import Foundation

/// What is needed to connect: the text of the setting `store`, in libpq's words, and what goes with it.
package struct ConnectionOptions: Sendable {
    /// Why a text cannot be used; a sentence without a password.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        /// The sentence.
        package let description: String
    }

    /// How far an answer may be trusted.
    package enum Durability: String, Sendable, CaseIterable {
        /// A commit that is answered survives a crash of the server.
        case synchronous
        /// The last moments before a crash may be lost.
        case asynchronous
    }

    /// Whether the server keeps statements under names, so that it plans them once.
    package enum Preparation: String, Sendable, CaseIterable {
        /// Where nothing but the server answers: a pooler may give each transaction to another session of it.
        case auto
        /// Always: the pooler, if there is one, keeps names for its clients.
        case named
        /// Never.
        case unnamed
    }

    /// Hosts that are this machine, to which no network leads.
    private static let loopback: Set = ["localhost", "127.0.0.1", "::1"]

    /// Names of this program's schema when none is set.
    package static let defaultSchema = "countersign"

    /// The schema in which the tables of the store lie.
    package let schema: String

    /// What an answered commit must survive.
    package let durability: Durability

    /// Whether a standby must confirm each commit.
    package let requiresReplica: Bool

    /// Whether statements have names.
    let naming: StatementNaming

    /// The file of the password; nil where libpq looks for it itself, or none is needed.
    private let passwordFile: String?

    /// libpq's parameters, without the password.
    let parameters: [String: String]

    /// The address for people, without secrets.
    package let name: String

    /// Whether all servers are on this machine.
    let isLocal: Bool

    /// Whether a server must prove who it is.
    var verifiesServer: Bool { parameters["sslmode"]?.hasPrefix("verify-") == true }

    /// - Parameters:
    ///   - text: A URL or `key=value` pairs, as libpq reads them.
    ///   - passwordFile: The absolute path of a file with the password.
    ///   - schema: The schema of the tables.
    ///   - durability: What an answered commit must survive.
    ///   - requiresReplica: Whether a standby must confirm each commit.
    ///   - preparation: Whether statements have names.
    /// - Throws: `Refusal`.
    package init(
        _ text: String,
        passwordFile: String? = nil,
        schema: String = ConnectionOptions.defaultSchema,
        durability: Durability = .synchronous,
        requiresReplica: Bool = false,
        preparation: Preparation = .auto
    ) throws(Refusal) {
        let given = try Self.parsed(text)
        guard !schema.isEmpty, schema.utf8.count <= 63, !schema.utf8.contains(0), !schema.hasPrefix("pg_") else {
            throw Refusal(
                description:
                    "'postgresql.schema' must be a name of 1 to 63 bytes that does not begin with 'pg_', not '\(schema)'"
            )
        }
        self.schema = schema
        self.durability = durability
        self.requiresReplica = requiresReplica
        naming = StatementNaming(preparation)
        self.passwordFile = passwordFile
        isLocal = Self.isLocal(given)
        parameters = try Self.completed(given, isLocal: isLocal)
        name = StoreAddress.postgresql(text).description
    }

    private static func parsed(_ text: String) throws(Refusal) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            PQfreemem(message)
            // libpq's own reason may quote the text, and a password with it.
            throw Refusal(
                description: "'store' is no address that libpq understands; write postgresql://USER@HOST/DATABASE, or "
                    + "host=HOST dbname=DATABASE user=USER"
            )
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        guard given["password"] == nil else {
            throw Refusal(
                description:
                    "'store' contains a password, which others can read there; write it into a file and name that as "
                    + "'postgresql.password_file', or use PGPASSFILE"
            )
        }
        // A password with a slash in it is read as a port.
        let ports = (given["port"] ?? "").split(separator: ",")
        guard ports.allSatisfy({ UInt16($0) != nil }) else {
            throw Refusal(description: "'store' has a port that is no number")
        }
        return given
    }

    static func isLocal(_ given: [String: String]) -> Bool {
        let hosts = (given["hostaddr"] ?? given["host"] ?? ProcessInfo.processInfo.environment["PGHOST"] ?? "")
            .split(separator: ",", omittingEmptySubsequences: false)
        return hosts.allSatisfy { host in
            host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") || loopback.contains(String(host))
        }
    }

    static func completed(
        _ given: [String: String],
        isLocal: Bool
    ) throws(Refusal) -> [String: String] {
        var parameters = given
        if !isLocal {
            let mode = given["sslmode"] ?? "verify-full"
            guard mode != "prefer", mode != "allow" else {
                throw Refusal(
                    description: "'sslmode=\(mode)' sends everything unencrypted to a server that refuses TLS; write "
                        + "sslmode=verify-full, which is the default for other hosts"
                )
            }
            parameters["sslmode"] = mode
            if mode.hasPrefix("verify-"), let bundle = systemAuthorities, given["sslrootcert"] == nil {
                parameters["sslrootcert"] = bundle
            }
        }
        // A server that is paused still acknowledges packets: beyond these, every call has its own limit.
        let defaults = [
            "application_name": "countersign", "client_encoding": "UTF8", "connect_timeout": "2",
            "keepalives": "1", "keepalives_count": "3", "keepalives_idle": "5", "keepalives_interval": "2",
            "target_session_attrs": "read-write", "tcp_user_timeout": "3000",
        ]
        return parameters.merging(defaults) { given, _ in given }
    }

    /// The certificate authorities of the system, where libpq would find none of its own.
    private static var systemAuthorities: String? {
        let environment = ProcessInfo.processInfo.environment
        let own = (environment["HOME"] ?? "") + "/.postgresql/root.crt"
        guard environment["PGSSLROOTCERT"] == nil, !FileManager.default.fileExists(atPath: own) else { return nil }
        return ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Calls `body` with all that libpq needs to know, the password among it.
    func withParameters<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) throws(DatabaseError) -> Value {
        var all = parameters
        if let passwordFile { all["password"] = try Self.password(in: passwordFile) }
        let names = all.keys.sorted()
        let keys = names.map { strdup($0) }
        let values = names.map { strdup(all[$0] ?? "") }
        defer { for text in keys + values { free(text) } }
        return (keys.map { UnsafePointer<CChar>($0) } + [nil])
            .withUnsafeBufferPointer { keys in
                (values.map { UnsafePointer<CChar>($0) } + [nil])
                    .withUnsafeBufferPointer { values in
                        // Neither is empty: both end with a null.
                        guard let keys = keys.baseAddress, let values = values.baseAddress else {
                            preconditionFailure("an array with an element has an address")
                        }
                        return body(keys, values)
                    }
            }
    }

    /// The first line of a file that only its owner may read; read anew for each connection, so that it can be changed.
    private static func password(in file: String) throws(DatabaseError) -> String {
        var status = stat()
        guard stat(file, &status) == 0, let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw .lost("'postgresql.password_file' names '\(file)', which cannot be read")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .lost(
                "users other than the owner can access '\(file)', which holds a password; run: chmod 600 '\(file)'"
            )
        }
        return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
