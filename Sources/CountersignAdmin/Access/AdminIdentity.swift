/// Who was let in, and what they may do.
package struct AdminIdentity: Sendable, Hashable {
    /// How somebody was let in.
    package enum Credential: String, Sendable {
        /// No token is set, and the request came from this machine.
        case loopback = "loopback address"

        /// The request carried a token.
        case token

        /// The browser's user gave a token when they signed in.
        case session = "browser session"

        /// The request came over the control socket, which only the owner of the store may open.
        case socket = "control socket"
    }

    /// The name of the token; `local` where none is set.
    package let name: String

    /// What they may do.
    package let role: AdminRole

    /// How they were let in.
    package let credential: Credential

    /// Who sent the request that a page is made for.
    @TaskLocal static var current: AdminIdentity?

    /// Who may open the files of the store, and so change everything in it.
    static let owner = AdminIdentity(name: "owner of the store", role: .administer, credential: .socket)

    /// Everybody on this machine, where no token is set.
    static let local = AdminIdentity(name: "local", role: .operate, credential: .loopback)
}

/// A token that lets in to the admin pages and the API.
package struct AdminToken: Sendable {
    /// Its name in the settings, which pages and the log tell.
    package let name: String

    /// What its holder may do.
    package let role: AdminRole

    /// The secret that callers must know.
    package let value: String

    /// A token called `name`, whose holder knows `value`.
    package init(name: String, role: AdminRole, value: String) {
        self.name = name
        self.role = role
        self.value = value
    }
}
