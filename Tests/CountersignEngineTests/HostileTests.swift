import CountersignActions
import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What a signer types, in every field that is his, through every action and to every place that a value can take.
///
/// Each rule has one place. The receiving side gets the very text, in the encoding of the place; or the step fails, but
/// only where the place cannot carry the text.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct HostileTests {
    private static func rules(field: String) -> String {
        let url = InjectionFixture.receiver
        let variable = ["message": "MESSAGE", "packageId": "PACKAGE_ID", "documentId": "DOCUMENT_ID"][field] ?? ""
        let value = "${event.\(field)}"
        let steps = [
            ("shell-variable", #"shell: printf '%s' "$COUNTERSIGN_\#(variable)" > shell-variable"#),
            ("shell-env", #"shell: { run: "printf '%s' \"$VALUE\" > shell-env", env: { VALUE: "\#(value)" } }"#),
            ("shell-stdin", #"shell: { run: cat > shell-stdin, stdin: "\#(value)" }"#),
            ("event-stdin", "shell: cat > event-stdin"),
            ("argument", #"exec: [sh, -c, "printf '%s' \"$1\" > argument", --, "\#(value)"]"#),
            ("bare-argument", #"exec: [sh, -c, "printf '%s' \"$1\" > bare-argument", sh, "\#(value)"]"#),
            ("url-path", #"http: "\#(url)/url-path/\#(value)""#),
            ("url-query", #"http: "\#(url)/url-query?a=1&v=\#(value)""#),
            ("query", #"http: { url: "\#(url)/query", query: { v: "\#(value)" } }"#),
            ("header", #"http: { url: "\#(url)/header", headers: { X-Value: "\#(value)" } }"#),
            ("json", #"http: { url: "\#(url)/json", json: { v: "\#(value)", w: "<\#(value)>" } }"#),
            ("form", #"http: { url: "\#(url)/form", form: { v: "\#(value)" } }"#),
            ("body", #"http: { url: "\#(url)/body", body: "\#(value)" }"#),
            ("event-body", #"http: "\#(url)/event-body""#),
            ("file-path", #"file: { path: "paths/\#(value)", content: x }"#),
            ("file-content", #"file: { path: file-content, content: "\#(value)" }"#),
            ("file-json", #"file: { path: file-json, json: { v: "\#(value)" } }"#),
            ("log", #"log: "said: \#(value)""#),
            (
                "multipart",
                #"http: { url: "\#(url)/multipart", multipart: { v: "\#(value)", f: { file: sent.txt, name: "\#(value)" }, "#
                    + #"j: { json: { v: "\#(value)" } } } }"#
            ),
            (
                "sftp",
                #"sftp: { to: "me@127.0.0.1", file: sent.txt, path: "in/\#(value)", key: "${secret:SFTP_KEY}", "#
                    + #"host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHKBBGTCpZsDoYxnQHOYvXHpgUeNRSUjlGq2b4rV4hlG }"#
            ),
            ("emit", #"emit: { event: X_HOSTILE, fields: { v: "\#(value)", w: { x: ["<\#(value)>"] } } }"#),
        ]
        let rules = (steps + vendorSteps(value))
            .map { id, step in
                "  - id: \(id)\n    when: { event: PACKAGE_OPT_OUT }\n"
                    + "    then:\n      - \(step)\n        retry: { attempts: 1 }\n"
            }
        return "rules:\n" + rules.joined()
    }

    /// A step for each place of a call of the vendor's API.
    private static func vendorSteps(_ value: String) -> [(String, String)] {
        [
            (
                "vendor-request",
                #"onespan.request: { method: PUT, path: "/api/walk/\#(value)", query: { q: "\#(value)" }, "#
                    + #"json: { v: "\#(value)" } }"#
            ),
            ("vendor-package", #"onespan.complete: { package: "\#(value)" }"#),
            (
                "vendor-correct",
                #"onespan.correct: { package: P7, role: "\#(value)", email: a@example.com, last_name: "\#(value)" }"#
            ),
            ("vendor-email", #"onespan.correct: { package: P8, role: R, email: "\#(value)" }"#),
            ("vendor-until", #"onespan.extend: { package: P8, until: "\#(value)" }"#),
            (
                "vendor-create",
                #"onespan.create: { template: T7, name: "\#(value)", data: { v: "\#(value)" }, "#
                    + #"signers: { S: { email: a@example.com, first_name: "\#(value)", last_name: x } } }"#
            ),
            ("vendor-template", #"onespan.create: { template: "\#(value)", name: from-template }"#),
        ]
    }

    private static func payload(_ text: String, field: String) -> JSON {
        var payload: JSONObject = [
            "name": "PACKAGE_OPT_OUT", "sessionUser": "18EZDL44xgsX", "packageId": "P1", "documentId": "D1",
            "message": "none", "createdDate": "2018-06-30T20:04:55.384Z",
        ]
        payload[field] = .string(text)
        return .object(payload)
    }

    @Test(arguments: HostileText.all, ["message", "packageId", "documentId"])
    func `a hostile text reaches every place as it is, or the step says why not`(
        text: String,
        field: String
    ) async throws {
        try await InjectionFixture.with(rules: Self.rules(field: field)) { world in
            let payload = Self.payload(text, field: field)
            try await world.receive(payload)
            try await checkPrograms(text, payload, in: world)
            try await checkRequests(text, payload, in: world)
            try await checkFiles(text, in: world)
            try await checkForms(text, in: world)
            try await checkVendor(text, in: world)
            try await checkEvent(text, in: world)
            try await checkLog(text, in: world)
            let canaries = ["/pwned", folder(above: world.folder.path) + "/pwned"]
            #expect(!world.names.contains("pwned") && !canaries.contains { FileManager.default.fileExists(atPath: $0) })
        }
    }

    private func folder(above path: String) -> String {
        NSString(string: path).deletingLastPathComponent
    }

    /// Checks that a rule succeeded where its place can carry the text, and else failed with a reason.
    ///
    /// - Returns: Whether it succeeded.
    private func succeeded(_ rule: String, unless isImpossible: Bool, in world: InjectionFixture) async throws -> Bool {
        let reason = try await world.reason(rule)
        #expect((reason != nil) == isImpossible, "\(rule): \(reason ?? "it succeeded")")
        if let reason { expectClear(reason) }
        return reason == nil
    }

    private func expectClear(_ reason: String) {
        #expect(!reason.isEmpty && reason.utf8.count < 1_000)
        #expect(!reason.unicodeScalars.contains { $0.properties.generalCategory == .control }, "it stays on its line")
    }

    private func checkPrograms(_ text: String, _ payload: JSON, in world: InjectionFixture) async throws {
        let fitsNoProgram = text.utf8.contains(0) || text.utf8.count > 131_000
        let posesAsOption = text.hasPrefix("-")
        for (rule, isImpossible) in [
            ("shell-variable", fitsNoProgram), ("shell-env", fitsNoProgram), ("argument", fitsNoProgram),
            ("bare-argument", fitsNoProgram || posesAsOption), ("shell-stdin", false),
        ] where try await succeeded(rule, unless: isImpossible, in: world) {
            #expect(world.bytes(rule) == Array(text.utf8), "\(rule)")
        }
        if try await succeeded("event-stdin", unless: false, in: world) {
            #expect(world.bytes("event-stdin") == payload.bytes)
        }
    }

    private func checkRequests(_ text: String, _ payload: JSON, in world: InjectionFixture) async throws {
        // What is in the head of a request is bounded by the receiver: either it takes it, or the step fails.
        let isLong = text.utf8.count > 10_000
        let heads = [
            ("url-path", "/url-path/\(text.percentEncoded)", text.isEmpty),
            ("url-query", "/url-query?a=1&v=\(text.percentEncoded)", false),
            ("query", "/query?v=\(text.percentEncoded)", false),
        ]
        for (rule, uri, isImpossible) in heads {
            if isLong, let reason = try await world.reason(rule) {
                expectClear(reason)
            } else if try await succeeded(rule, unless: isImpossible, in: world) {
                #expect(world.request("/\(rule)")?.uri == uri)
            }
        }
        let hasControls = text.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }
        if isLong, let reason = try await world.reason("header") {
            expectClear(reason)
        } else if try await succeeded("header", unless: hasControls, in: world) {
            #expect(world.request("/header")?.headers["x-value"] == text)
        }
        for request in world.server.requests { #expect(request.headers["x-injected"] == nil) }
        let bodies = [
            ("json", JSON.object(["v": .string(text), "w": .string("<\(text)>")]).bytes),
            ("form", Array("v=\(text.percentEncoded)".utf8)), ("body", Array(text.utf8)), ("event-body", payload.bytes),
        ]
        for (rule, body) in bodies where try await succeeded(rule, unless: false, in: world) {
            let received = world.request("/\(rule)")?.body
            #expect(received == body, "\(rule)")
        }
    }

    private func checkForms(_ text: String, in world: InjectionFixture) async throws {
        if try await succeeded("multipart", unless: false, in: world) {
            let request = try #require(world.request("/multipart"))
            let boundary = try #require(request.headers["content-type"]?.split(separator: "boundary=").last)
            let escapes: [Unicode.Scalar: String] = ["\r": "%0D", "\n": "%0A", "\"": "%22", "\0": "%00"]
            let name = text.unicodeScalars.map { escapes[$0] ?? String($0) }.joined()
            let json = JSON.object(["v": .string(text)]).text
            let form =
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"v\"\r\n\r\n\(text)\r\n"
                + "--\(boundary)\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(name)\"\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\n\r\ncontent\r\n"
                + "--\(boundary)\r\nContent-Disposition: form-data; name=\"j\"\r\n"
                + "Content-Type: application/json\r\n\r\n\(json)\r\n--\(boundary)--\r\n"
            #expect(request.body == Array(form.utf8))
        }
        let hasControls = text.utf8.contains { ($0 < 0x20 && $0 != 0) || $0 == 0x7F }
        let isImpossible = text.isEmpty || hasControls || text.utf8.count > 255
        if try await succeeded("sftp", unless: isImpossible, in: world) {
            let name = text.unicodeScalars
                .map { scalar in
                    switch scalar {
                    case "/", "\0": "_"
                    case "\"", "\\": "\\\(scalar)"
                    default: String(scalar)
                    }
                }
                .joined()
            let commands = try #require(FileManager.default.contents(atPath: world.folder.path("bin/commands")))
                .split(separator: UInt8(ascii: "\n"))
            #expect(commands.count == 2)
            #expect(commands.last.map(Array.init)?.suffix(name.utf8.count + 7) == Array("\"./in/\(name)\"".utf8)[...])
        }
    }

    /// Checks what OneSpan Sign is asked; a path that is too long for the receiver fails the step.
    private func checkVendor(_ text: String, in world: InjectionFixture) async throws {
        let encoded = text.percentEncoded
        let isLong = text.utf8.count > 10_000
        func sent(_ rule: String, _ method: String, _ uri: String) async throws -> JSON? {
            if isLong, let reason = try await world.reason(rule) {
                expectClear(reason)
                return nil
            }
            guard try await succeeded(rule, unless: text.isEmpty, in: world) else { return nil }
            let requests = world.server.requests.filter { $0.method == method && $0.uri == uri }
            #expect(requests.count == 1, "\(rule)")
            return try requests.first.map { try JSON(parsing: $0.body) }
        }
        if let body = try await sent("vendor-request", "PUT", "/api/walk/\(encoded)?q=\(encoded)") {
            #expect(body == ["v": .string(text)])
        }
        if let body = try await sent("vendor-package", "PUT", "/api/packages/\(encoded)") {
            #expect(body == ["status": "COMPLETED"])
        }
        if let body = try await sent("vendor-correct", "PUT", "/api/packages/P7/roles/\(encoded)") {
            #expect(body == ["signers": [["email": "a@example.com", "lastName": .string(text)]]])
        }
        if let body = try await sent("vendor-create", "POST", "/api/packages/T7/clone") {
            #expect(body["name"] == .string(text) && body["data"]?["v"] == .string(text))
            #expect(body["roles"]?.array?.first?["signers"]?.array?.first?["firstName"] == .string(text))
        }
        if let body = try await sent("vendor-template", "POST", "/api/packages/\(encoded)/clone") {
            #expect(body["name"] == "from-template")
        }
        for rule in ["vendor-email", "vendor-until"] {
            _ = try await succeeded(rule, unless: true, in: world)
        }
        #expect(!world.server.requests.contains { $0.uri.hasPrefix("/api/packages/P8") })
    }

    private func checkFiles(_ text: String, in world: InjectionFixture) async throws {
        if try await succeeded("file-path", unless: text.isEmpty || text.utf8.count > 255, in: world) {
            let scalars = text.unicodeScalars.map { $0 == "/" || $0 == "\0" ? "_" : $0 }
            let name = String(String.UnicodeScalarView(scalars))
            #expect(world.bytes("paths/\(name)") == Array("x".utf8))
        }
        if try await succeeded("file-content", unless: false, in: world) {
            #expect(world.bytes("file-content") == Array(text.utf8))
        }
        if try await succeeded("file-json", unless: false, in: world) {
            let object: JSON = ["v": .string(text)]
            #expect(world.bytes("file-json") == object.bytes + [0x0A])
        }
    }

    private func checkEvent(_ text: String, in world: InjectionFixture) async throws {
        guard try await succeeded("emit", unless: false, in: world) else { return }
        let raised = try await world.store.events(EventQuery(name: "X_HOSTILE"))
        #expect(raised.count == 1)
        let payload = try #require(raised.first?.event.payload)
        #expect(payload["name"] == "X_HOSTILE")
        #expect(payload["v"] == .string(text))
        #expect(payload["w"] == ["x": [.string("<\(text)>")]])
        #expect(payload["countersign"]?["hops"] == 1)
    }

    private func checkLog(_ text: String, in world: InjectionFixture) async throws {
        _ = try await succeeded("log", unless: false, in: world)
        let said = world.log.lines.filter { $0.message.hasPrefix("said: ") }
        #expect(said.count == 1)
        for line in world.log.lines {
            for part in [line.message] + line.metadata.map({ "\($0.value)" }) {
                #expect(!part.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(line.message)")
            }
        }
        let isPlain = !text.unicodeScalars.contains {
            $0.properties.generalCategory == .control || $0.properties.isBidiControl
        }
        if isPlain { #expect(said.first?.message == "said: \(text)") }
    }
}
