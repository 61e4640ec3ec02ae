import CountersignTerminal

extension Settings {
    /// The variable that holds the token with which commands ask a server elsewhere.
    package static let clientTokenName = "COUNTERSIGN_TOKEN"

    /// The secret that lets in to the admin pages and the API.
    static let adminTokenName = "COUNTERSIGN_ADMIN_TOKEN"

    /// The token for the admin UI and the API; nil where everybody on this machine has access.
    ///
    /// - Throws: `UsageError` when other machines reach them and no token is set, or it can be guessed.
    func adminToken(_ variables: [String: String]) throws -> String? {
        let token = try SecretFiles(folder: secretsFolder, variables: variables).optional(Self.adminTokenName)
        if let token { _ = try HeaderSecret.checked(token, name: Self.adminTokenName) }
        if let token, token.utf8.count < 16 {
            throw UsageError(
                "\(Self.adminTokenName) has fewer than 16 characters and can be guessed; try: openssl rand -hex 32"
            )
        }
        if let admin, token == nil, !Self.isLoopback(admin.host) {
            throw UsageError(
                """
                'admin.listen' is reachable from other machines, so it requires a token
                  set the secret \(Self.adminTokenName) (try: openssl rand -hex 32),
                  or listen on 127.0.0.1 and use an SSH tunnel
                """
            )
        }
        return token
    }

    /// Whether only this machine reaches an address.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
