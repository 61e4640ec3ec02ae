import AsyncHTTPClient
import CountersignCore
import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import Subprocess

/// The built program as a stand-in for the vendor, on a port of its own.
struct Simulator: Sendable {
    static let apiKey = "simulator-api-key-of-76-characters-0123456789abcdefghijklmnopqrstuvwxyzABCDE"

    let port: Int

    var url: String { "http://127.0.0.1:\(port)" }

    /// The settings of a deployment that knows the simulator as its vendor.
    func settings(_ more: String = "") -> String {
        """
        onespan:
          url: \(url)
        \(more)
        """
    }

    /// A deployment that knows the simulator as its vendor; `more` are lines under `onespan`.
    func deployment(rules: String?, _ more: String = "") throws -> Deployment {
        try Deployment(rules: rules, settings: settings(more), environment: ["ONESPAN_API_KEY": Self.apiKey])
    }

    /// Has a simulator run while `body` does.
    static func run(_ arguments: String..., during body: (Simulator) async throws -> Void) async throws {
        let home = try Deployment(rules: "rules: []\n")
        try await home.background(["simulator", "--listen", "127.0.0.1:0"] + arguments) { log, _ in
            let line = try await log.line(with: "is listening on http://")
            let port = line.split(separator: ":").compactMap { Int($0.prefix { $0.isNumber }) }.first
            guard let port else { throw NeverCame(what: "a port in '\(line)'") }
            try await body(Simulator(port: port))
        }
    }

    /// What the simulator has done so far.
    func state() async throws -> JSON { try await send(.GET, "/simulator") }

    /// Waits until no callback is left to be posted.
    func settle() async throws {
        try await eventually("the end of the callbacks") { try await state()["idle"] == true }
    }

    /// Makes a package and sends it; gives its id.
    @discardableResult
    func makePackage(_ content: JSON = ["name": "Lease", "status": "SENT"]) async throws -> String {
        try await send(.POST, "/api/packages", content)["id"]?.string ?? ""
    }

    /// Does what a signer or time does.
    @discardableResult
    func act(_ transition: String, on package: String, _ content: JSON = [:]) async throws -> JSON {
        try await send(.POST, "/simulator/packages/\(package.replacing("=", with: "%3D"))/\(transition)", content)
    }

    /// The SHA-256 of what the simulator gives as a file of a package, in hex.
    func digest(_ file: String, of package: String) async throws -> String? {
        try await send(.GET, "/simulator/packages/\(package.replacing("=", with: "%3D"))/files")[file]?.string
    }

    func set(_ faults: JSON) async throws { _ = try await send(.PUT, "/simulator/faults", faults) }

    @discardableResult
    func send(_ method: HTTPMethod, _ path: String, _ content: JSON? = nil) async throws -> JSON {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Basic \(Self.apiKey)")
        if let content { request.body = .bytes(ByteBuffer(bytes: content.bytes)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 64 << 20)
        return try JSON(parsing: body.readableBytesView, limits: JSON.Limits(depth: 64, keys: .max))
    }
}

extension SHA256.Digest {
    /// The digest in hex.
    var hex: String { map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}
