import CountersignCore
import CountersignServer
import CountersignTesting
import Foundation
import Testing

struct SecretFilesTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["secrets", "credentials"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
        }
    }

    private func write(_ text: String, to name: String, mode: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(filePath: folder.path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path(name))
    }

    private func load(_ name: String, variables: [String: String] = [:]) -> Secrets {
        var variables = variables
        variables["CREDENTIALS_DIRECTORY"] = folder.path("credentials")
        return SecretFiles(folder: folder.path("secrets"), variables: variables).load([name])
    }

    @Test func `a file of the folder counts before a credential, and that before a variable`() throws {
        let variables = ["TOKEN": "of the variable"]
        #expect(try load("TOKEN", variables: variables).value(of: "TOKEN") == "of the variable")
        try write("of the credential\n", to: "credentials/TOKEN", mode: 0o440)
        #expect(try load("TOKEN", variables: variables).value(of: "TOKEN") == "of the credential")
        try write("of the file\n", to: "secrets/TOKEN")
        #expect(try load("TOKEN", variables: variables).value(of: "TOKEN") == "of the file")
    }

    @Test(arguments: [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), (" a b ", " a b ")])
    func `one line end behind a secret is not part of it`(text: String, value: String) throws {
        try write(text, to: "secrets/TOKEN", mode: 0o400)
        #expect(try load("TOKEN").value(of: "TOKEN") == value)
    }

    @Test(arguments: [0o604, 0o640, 0o660, 0o610, 0o601, 0o644])
    func `a file that others may use is refused, and no other place is taken for it`(mode: Int) throws {
        try write("hidden", to: "secrets/TOKEN", mode: mode)
        let secrets = load("TOKEN", variables: ["TOKEN": "other"])
        let path = folder.path("secrets/TOKEN")
        let reason =
            "the secret 'TOKEN' cannot be used: users other than the owner can access the file '\(path)'; "
            + "run: chmod 600 '\(path)'"
        #expect(throws: StepFailure(reason)) { try secrets.value(of: "TOKEN") }
        #expect(secrets.missing == ["TOKEN": reason])
    }

    @Test func `a secret that is nowhere fails with all places that were looked at`() {
        let secrets = load("TOKEN")
        let reason =
            "the secret 'TOKEN' is not set; looked for the file '\(folder.path("secrets/TOKEN"))', the systemd "
            + "credential '\(folder.path("credentials/TOKEN"))' and the environment variable TOKEN"
        #expect(throws: StepFailure(reason)) { try secrets.value(of: "TOKEN") }
    }

    @Test func `without folders only the variable is looked at`() throws {
        let places = SecretFiles(folder: nil, variables: ["A": "a", "B": ""])
        let secrets = places.load(["A", "B"])
        #expect(try secrets.value(of: "A") == "a")
        #expect(
            secrets.missing == ["B": "the secret 'B' is not set; looked for the environment variable B"]
        )
    }

    @Test(arguments: ["../outside", "..", ".", "a/../../outside", "/etc/hostname", "sub/inner", "", "a\0"])
    func `a name that leads elsewhere never reaches the files`(name: String) throws {
        try write("outside", to: "outside")
        try FileManager.default.createDirectory(atPath: folder.path("secrets/sub"), withIntermediateDirectories: false)
        try write("inner", to: "secrets/sub/inner")
        let secrets = load(name)
        #expect(throws: StepFailure.self) { try secrets.value(of: name) }
        #expect(secrets.missing[name]?.contains("'\(folder.path)") == false)
    }

    @Test func `what is not a regular file, no text or too large is refused`() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path("secrets/FOLDER"),
            withIntermediateDirectories: false
        )
        #expect(load("FOLDER").missing["FOLDER"]?.contains("not a regular file") == true)
        try Data([0xFF, 0xFE]).write(to: URL(filePath: folder.path("secrets/BYTES")))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path("secrets/BYTES"))
        #expect(load("BYTES").missing["BYTES"]?.contains("UTF-8") == true)
        try write(String(repeating: "x", count: 70_000), to: "secrets/LARGE")
        #expect(load("LARGE").missing["LARGE"]?.contains("larger than") == true)
        try write("", to: "secrets/EMPTY")
        #expect(try load("EMPTY", variables: ["EMPTY": "v"]).value(of: "EMPTY") == "v")
    }

    @Test func `a link to a file is followed, as mounted secrets are links`() throws {
        try write("linked\n", to: "target")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("secrets/TOKEN"),
            withDestinationPath: folder.path("target")
        )
        let secrets = load("TOKEN")
        #expect(try secrets.value(of: "TOKEN") == "linked")
        #expect(secrets.masking("it is linked") == "it is •••")
    }
}
