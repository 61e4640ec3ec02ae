import CountersignCore
import CountersignTerminal

/// Where callbacks of an account are posted to, and by whom.
package struct CallbackSettings: Sendable {
    /// The path, such as `/callback`.
    package let path: String

    /// Who may post.
    let authentication: AuthenticationSettings

    /// The absolute path of the file of callback keys; nil where they come from the environment only.
    let keyFile: String?

    /// The settings under `callback`, or under that of an account.
    ///
    /// - Throws: `UsageError`.
    init(
        _ options: Options,
        _ workingDirectory: String,
        hasClientAuthorities: Bool,
        under group: String,
        path preset: String
    ) throws {
        typealias Declared = SettingsDeclaration
        path = try Self.urlPath(options[Declared.accountPath] ?? preset, key: "\(group).path")
        authentication = try AuthenticationSettings(options.required(Declared.auth), key: "\(group).auth")
        keyFile = options[Declared.keyFile]?.absolute(from: workingDirectory)
        guard !authentication.requiresCertificate || hasClientAuthorities else {
            throw UsageError(
                "'\(group).auth' requires a client certificate: set 'tls.client_ca' to the PEM file of the authorities of clients"
            )
        }
    }

    /// What else has to be set up so that OneSpan Sign is believed; nil where its registration is enough.
    package var registrationWarning: String? {
        guard !authentication.isMetByRegistration else { return nil }
        return
            "a registration contains the URL and the key only, and 'callback.auth' requires more of each alternative: set up OAuth "
            + "2.0 or the custom headers on OneSpan Sign's page for event notifications; it cannot present a client certificate"
    }

    /// Whether a callback key is required, or is one way among others.
    package var usesKeys: Bool { authentication.usesKeys }

    /// A path that a request can carry as it stands: `absolute-path` of RFC 3986, section 3.3, which no client rewrites.
    private static func urlPath(_ text: String, key: String) throws -> String {
        guard text.hasPrefix("/"), text != "/health", text != "/ready" else {
            throw UsageError("'\(key)' must begin with '/' and be neither /health nor /ready, not '\(text)'")
        }
        let allowed = "/-._~!$&'()*+,;=:@".utf8
        let plain = text.utf8.allSatisfy { $0.isLetter || $0.isDigit || allowed.contains($0) }
        guard plain else {
            throw UsageError(
                "'\(key)' may contain only ASCII letters, digits, and the characters /-._~!$&'()*+,;=:@; a "
                    + "request cannot contain '\(text)' unencoded"
            )
        }
        let segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard !segments.dropLast().contains(""), !segments.contains("."), !segments.contains("..") else {
            throw UsageError(
                "'\(key)' has an empty segment, '.' or '..', which senders and proxies remove: '\(text)'"
            )
        }
        return text
    }
}
