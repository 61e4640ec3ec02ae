package import CountersignCore

/// Puts a file on a server by SFTP.
package struct SFTPAction: Action {
    private static let to = Field.form("to", SFTPAddress.form, "The user and the server.", isRequired: true)
    private static let file = Field.template(
        "file",
        in: .filePath,
        "The file of the output folder: its path there, or the output `path` of an earlier step, as in `${steps.fetch.path}`.",
        isRequired: true
    )
    private static let path = Field.template(
        "path",
        in: .folder,
        "Where it goes on the server, absolute or from the user's folder; a value cannot add path components. A file that is "
            + "there is replaced.",
        isRequired: true
    )
    private static let key = Field.template(
        "key",
        in: .credential,
        "The private key without a passphrase, as a secret: `${secret:SFTP_KEY}`.",
        isRequired: true
    )
    private static let hostKey = Field.form(
        "host_key",
        HostKeys.form,
        "The public key of the server; another one is refused. `ssh-keyscan HOST` prints it: check it with the owner.",
        isRequired: true
    )

    /// The declaration of `sftp`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "sftp",
        summary:
            "Puts a file on a server by SFTP, with OpenSSH's program `sftp`; it is written under another name and renamed once it is complete.",
        fields: [
            to.declaration, file.declaration, path.declaration, key.declaration, hostKey.declaration,
        ],
        outputs: [.init("path", "The path on the server."), .init("bytes", "The number of bytes sent.")],
        notes: [
            "An attempt that fails removes its temporary file, or its reason says why it cannot. One that exceeds its timeout leaves the file, named `temporary_file` in the record; the next attempt replaces it, and another attempt after a success replaces the file by the same content."
        ],
        examples: [
            .init(
                "Hand the signed documents to a bank.",
                yaml: """
                    sftp:
                      to: countersign@sftp.bank.example:2222
                      file: "contracts/${event.packageId}.zip"
                      path: "/incoming/${event.packageId}.zip"
                      key: "${secret:SFTP_KEY}"
                      host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHKBBGTCpZsDoYxnQHOYvXHpgUeNRSUjlGq2b4rV4hlG
                    """
            )
        ]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the paths.
    ///
    /// - Throws: `StepFailure` where a value does not fit into a path.
    package func plan(in scope: Scope) async throws(StepFailure) -> SFTPPlan {
        SFTPPlan(
            address: try SFTPAddress(options.required(Self.to)),
            file: try StepFile(options.required(Self.file), in: scope),
            path: try path(in: scope),
            key: try options.required(Self.key).text(in: scope, for: .credential),
            hostKeys: options.required(Self.hostKey)
        )
    }

    private func path(in scope: Scope) throws(StepFailure) -> String {
        let template = options.required(Self.path)
        let path = try template.text(in: scope, for: .folder)
        // By bytes: a combining mark behind a '/' would make another character of it, but not for the server.
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let name = parts.last, !name.isEmpty, name != "." else {
            throw .final("'path' must end in a file name; '\(template.source)' does not")
        }
        guard !parts.contains("..") else {
            throw .final("'path' contains '..'; write the folder itself: '\(template.source)'")
        }
        guard !path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .final("'path' contains a control character after substitution; use '| filename'")
        }
        guard parts.allSatisfy({ $0.utf8.count <= 255 }), path.utf8.count <= 1_000 else {
            throw .final("a name in 'path' is longer than 255 bytes after substitution, or the path longer than 1000")
        }
        return path
    }

    /// Sends the file.
    ///
    /// - Throws: `StepFailure` where the server is another one, refuses the key, or does not take the file.
    package func perform(_ plan: SFTPPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
