import CLibpq
import CountersignCore
import Foundation

/// Where a statement of a step goes: the URL of a secret, in libpq's words.
struct QueryTarget: Sendable {
    private let parameters: [String: String]

    /// The host and the database, for sentences.
    let name: String

    /// Reads a URL or `key=value` pairs, as libpq does.
    ///
    /// - Throws: `StepFailure` that does not repeat the text, which holds a password.
    init(_ text: String) throws(StepFailure) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            PQfreemem(message)
            throw .final(
                "the secret of 'url' is no address of a database; write postgresql://USER:PASSWORD@HOST/DATABASE"
            )
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        name = "'\(given["host"] ?? given["hostaddr"] ?? "localhost")/\(given["dbname"] ?? given["user"] ?? "")'"
        do throws(ConnectionOptions.Refusal) {
            var completed = try ConnectionOptions.completed(given, isLocal: ConnectionOptions.isLocal(given))
            // What is read from a standby is read all the same.
            completed["target_session_attrs"] = given["target_session_attrs"] ?? "any"
            completed["connect_timeout"] = given["connect_timeout"] ?? "10"
            parameters = completed
        } catch {
            throw .final("the secret of 'url' cannot be used: \(error)")
        }
    }

    /// A connection that is being made; nil where libpq has no memory left.
    func begin() -> OpaquePointer? {
        let names = parameters.keys.sorted()
        let keys = names.map { strdup($0) }
        let values = names.map { strdup(parameters[$0] ?? "") }
        defer { for text in keys + values { free(text) } }
        return (keys.map { UnsafePointer<CChar>($0) } + [nil])
            .withUnsafeBufferPointer { keys in
                (values.map { UnsafePointer<CChar>($0) } + [nil])
                    .withUnsafeBufferPointer { values in
                        // Neither is empty: both end with a null.
                        guard let keys = keys.baseAddress, let values = values.baseAddress else { return nil }
                        return PQconnectStartParams(keys, values, 0)
                    }
            }
    }
}
