import CountersignCore
import CountersignTesting
import Foundation
import Subprocess
import SystemPackage
import Testing

/// Signed documents that leave the machine, as the whole program sends them.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct DocumentDeliveryTests {
    private static let python = Repository.path + "/.build/python/bin/python"

    /// Whether Python has the library whose server speaks S3; `Tests/run` installs it.
    private static let hasS3: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", "import moto.server, boto3"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// A server that speaks S3 and checks signatures, while `body` lasts.
    private func withS3(_ body: (_ url: String, _ key: String, _ secret: String) async throws -> Void) async throws {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: Self.python)
        process.arguments = [Repository.path + "/Tests/S3Server/server.py"]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        defer {
            // It ends with its input.
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        var text = ""
        while text.split(separator: "\n").count < 3 || !text.hasSuffix("\n") {
            let part = output.fileHandleForReading.availableData
            guard !part.isEmpty else { throw CocoaError(.fileReadUnknown) }
            text += String(decoding: part, as: UTF8.self)
        }
        let lines = text.split(separator: "\n").map(String.init)
        try await body("http://127.0.0.1:\(lines[0])", lines[1], lines[2])
    }

    private static let rules = """
        rules:
          - id: store
            when: { event: PACKAGE_COMPLETE }
            then:
              - file: { path: "in/${event.packageId}.pdf", content: "the signed document of ${event.packageId}" }
              - id: put
                http:
                  to: store
                  method: PUT
                  path: "/contracts/signed%20(2026)/${event.packageId}.pdf"
                  headers: { x-amz-meta-kind: "signed documents" }
                  body_file: "${steps.file.path}"
                  sign: { aws4: { region: eu-central-1 } }
              - id: get
                http:
                  to: store
                  method: GET
                  path: "/contracts/signed%20(2026)/${event.packageId}.pdf?x-id=GetObject"
                  save: "back/${event.packageId}.pdf"
                  sign: { aws4: { region: eu-central-1 } }
        """

    @Test(.enabled(if: hasS3))
    func `a document goes into a store that speaks S3 and checks signatures, and comes back`() async throws {
        try await withS3 { url, key, secret in
            let settings = "destinations: { store: { url: '\(url)' } }\n"
            let deployment = try Deployment(
                rules: Self.rules,
                settings: settings,
                environment: ["AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret]
            )
            let package = "J5ty+J alz-G49ü="
            let (_, log) = try await deployment.serve { server in
                try await server.post(event(package: package))
                try await eventually("the run has ended") {
                    try await deployment.run("runs", "list", "--state", "succeeded", "--json").output.contains("store")
                }
            }
            let back = try String(contentsOfFile: deployment.path("output/back/\(package).pdf"), encoding: .utf8)
            #expect(back == "the signed document of \(package)")
            #expect(!log.text.contains(secret))
        }
    }

    @Test(.enabled(if: hasS3))
    func `a wrong key of a store is a failure with what the store says`() async throws {
        try await withS3 { url, key, _ in
            let deployment = try Deployment(
                rules: Self.rules,
                settings: "destinations: { store: { url: '\(url)' } }\n",
                environment: ["AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "another-secret-key"]
            )
            let (_, log) = try await deployment.serve { server in
                try await server.post(event())
                _ = try await server.log.line(with: "Run failed")
            }
            #expect(log.text.contains("'store' answered 403"), "\(log.text)")
            let shown = try await deployment.run("runs", "list", "--json")
            #expect(!shown.output.contains("another-secret-key"))
        }
    }

    @Test func `secrets that a signature needs are missed by check, dry-run and doctor`() async throws {
        let deployment = try Deployment(
            rules: Self.rules,
            settings: "destinations: { store: { url: 'http://127.0.0.1:1' } }\n"
        )
        let dryRun = try await deployment.run("dry-run", "PACKAGE_COMPLETE")
        #expect((dryRun.output + dryRun.errors).contains("AWS_ACCESS_KEY_ID"), "\(dryRun.output)")
        let doctor = try await deployment.run("doctor")
        #expect(doctor.output.contains("the secret 'AWS_SECRET_ACCESS_KEY' is not set"))
        #expect(!doctor.output.contains("AWS_SESSION_TOKEN"))
    }
}
