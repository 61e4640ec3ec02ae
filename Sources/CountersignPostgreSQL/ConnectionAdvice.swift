/// What to do about a connection that cannot be made.
enum ConnectionAdvice {
    /// Parts of the server's and libpq's own sentences, and what helps.
    private static let remedies = [
        ("no password supplied", "set 'postgresql.password_file', or PGPASSFILE"),
        (
            "password authentication failed",
            "check the user of 'store' and the password of 'postgresql.password_file' or PGPASSFILE"
        ),
        ("no pg_hba.conf entry", "have the administrator allow this user and host in pg_hba.conf"),
        ("root certificate file", "name the certificate authority with sslrootcert=FILE in 'store'"),
        ("certificate verify failed", "name the certificate authority with sslrootcert=FILE in 'store'"),
        ("server does not support SSL", "have TLS switched on at the server"),
        ("session is read-only", "all servers of 'store' are standbys: promote one, or name the primary"),
        ("in hot standby", "all servers of 'store' are standbys: promote one, or name the primary"),
        ("too many clients", "raise max_connections of the server; an instance takes six"),
        ("could not translate host name", "check the host of 'store'"),
        ("Connection refused", "check that the server runs, and the host and port of 'store'"),
        ("timeout expired", "check that the server runs, and the host and port of 'store'"),
        ("No such file or directory", "check that the server runs, and the host of 'store'"),
        ("role", "create the role, or name another user in 'store'"),
        ("database", "create the database, or name another one in 'store'"),
    ]

    /// What libpq says, on one line, with what to do.
    static func sentence(for message: String) -> String {
        let text = message.onOneLine
        let remedy = remedies.first { text.contains($0.0) }?.1
        return remedy.map { "\(text); \($0)" } ?? text
    }
}
