import CountersignAdmin

extension Settings {
    /// The secret that lets in to the admin pages and the API.
    static let adminToken = "COUNTERSIGN_ADMIN_TOKEN"

    /// Who may look at the admin pages and order through them.
    ///
    /// - Throws: `UsageError` when others than this machine reach them and no token is set, or it can be guessed.
    func adminAccess(_ variables: [String: String]) throws -> AdminAccess {
        let token = try SecretFiles(folder: secretsFolder, variables: variables).optional(Self.adminToken)
        if let token { _ = try HeaderSecret.checked(token, name: Self.adminToken) }
        if let token, token.utf8.count < 16 {
            throw UsageError(
                "\(Self.adminToken) has fewer than 16 characters and can be guessed; try: openssl rand -hex 32"
            )
        }
        if let admin, token == nil, !Self.isLoopback(admin.host) {
            throw UsageError(
                """
                'admin.listen' is reachable from other machines, so it requires a token
                  set the secret \(Self.adminToken) (try: openssl rand -hex 32),
                  or listen on 127.0.0.1 and use an SSH tunnel
                """
            )
        }
        return AdminAccess(token: token)
    }

    /// Whether only this machine reaches an address.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
