package import CountersignCore
import Crypto

/// One thing that a request must meet so that its sender is believed.
package enum CallbackRequirement: Sendable {
    /// One of the callback keys.
    case key(KeyRing)
    /// A bearer token that this can check.
    case bearer(any TokenChecking)
    /// A header that does not change.
    case header(SecretHeader)
    /// An address in one of these networks.
    case networks([NetworkPrefix])
    /// A certificate of the client that stands for this name.
    case certificate(name: String)
}

/// A header with a secret value, compared by digest.
package struct SecretHeader: Sendable {
    /// The name in lower case.
    package let name: String
    private let digest: SHA256.Digest

    /// A header of this name, in any case, and with exactly this value.
    package init(name: String, value: String) {
        self.name = name.lowercased()
        digest = SHA256.hash(data: Array(value.utf8))
    }

    /// Whether a field with these values meets it; a field that stands more than once does not.
    func isMet(by values: [String]) -> Bool {
        guard values.count == 1 else { return false }
        // Digests are compared in constant time by Crypto.
        return SHA256.hash(data: Array(values[0].utf8)) == digest
    }
}

extension CallbackRequirement {
    /// What is known of a requirement without asking anybody.
    enum Finding {
        /// It is met; with the name of the proof, for the log.
        case met(String)
        /// It is not met, for a reason that is the end of a sentence.
        case unmet(String)
        /// A token was sent, and the checker has to say.
        case token(String, any TokenChecking)
    }

    func look(at request: RequestCredentials) -> Finding {
        switch self {
        case .key(let keys): look(at: request.authorization, keys)
        case .bearer(let checker): look(at: request.authorization, checker)
        case .header(let header):
            header.isMet(by: request.fields(header.name))
                ? .met("header \(header.name)")
                : .unmet(
                    request.fields(header.name).isEmpty
                        ? "the header '\(header.name)' is missing" : "the header '\(header.name)' is wrong"
                )
        case .networks(let networks):
            if let address = request.address {
                networks.contains { $0.contains(address) }
                    ? .met("network") : .unmet("the address \(address) is in none of the networks")
            } else {
                .unmet("the address of the client is not known")
            }
        case .certificate(let name):
            if let certificate = request.certificate {
                certificate.names.contains(name)
                    ? .met("certificate \(name)") : .unmet("the client certificate is not that of '\(name)'")
            } else {
                .unmet("the client has shown no certificate")
            }
        }
    }

    private func look(at authorization: String?, _ keys: KeyRing) -> Finding {
        guard let authorization else { return .unmet("the Authorization header is missing") }
        return keys.id(in: authorization).map { .met($0) } ?? .unmet("the key is wrong")
    }

    private func look(at authorization: String?, _ checker: any TokenChecking) -> Finding {
        guard let authorization else { return .unmet("the Authorization header is missing") }
        guard let bytes = authorization.credentials(of: "bearer"), !bytes.isEmpty else {
            return .unmet("the Authorization header has no bearer token")
        }
        let token = String(decoding: bytes, as: UTF8.self)
        // RFC 6750, section 2.1; a comma would be a second header.
        let allowed = "-._~+/=".utf8
        guard token.utf8.allSatisfy({ $0.isLetter || $0.isDigit || allowed.contains($0) }) else {
            return .unmet("the bearer token has characters that no token has")
        }
        return .token(token, checker)
    }
}
