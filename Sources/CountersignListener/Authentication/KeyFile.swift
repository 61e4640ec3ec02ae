import CountersignCore
import Crypto
import Foundation

/// The file in which the keys of an issuer outlive the process.
struct KeyFile: Sendable {
    private let folder: String
    private let path: String
    private let issuer: String

    init(folder: String, issuer: String) {
        self.folder = folder
        self.issuer = issuer
        let name = SHA256.hash(data: Array(issuer.utf8)).prefix(12)
            .map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        path = folder + "/" + name.joined() + ".json"
    }

    /// The key set that was kept; nil where there is none of this issuer.
    func read() -> JSON? {
        guard let data = FileManager.default.contents(atPath: path),
            let json = try? JSON(parsing: data, limits: JSON.Limits(depth: 32, keys: 5_000)),
            json["issuer"]?.string == issuer
        else { return nil }
        return json["key_set"]
    }

    /// Keeps a key set in the place of the one before, all of it or nothing.
    func write(_ keySet: JSON, at time: Date) throws {
        let files = FileManager.default
        try files.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let json: JSON = [
            "issuer": .string(issuer), "fetched_at": .string(time.rfc3339), "key_set": keySet,
        ]
        // It decides whom to believe: nobody else may write it, at no moment.
        let fresh = path + ".new"
        try? files.removeItem(atPath: fresh)
        guard files.createFile(atPath: fresh, contents: Data(json.bytes), attributes: [.posixPermissions: 0o600]),
            rename(fresh, path) == 0
        else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
    }
}
