package import NIOSSL

extension TLSConfiguration {
    /// What connections to others are made with: certificates are checked, by every kind of key that they have nowadays.
    ///
    /// By itself BoringSSL leaves out Ed25519 (RFC 8422, section 5.2) and the curve P-521.
    package static var outgoing: TLSConfiguration {
        var configuration = makeClientConfiguration()
        configuration.verifySignatureAlgorithms = [
            .ed25519, .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha256,
            .rsaPssRsaeSha384, .rsaPssRsaeSha512, .rsaPkcs1Sha256, .rsaPkcs1Sha384, .rsaPkcs1Sha512,
        ]
        configuration.curves = [.x25519, .secp256r1, .secp384r1, .secp521r1]
        return configuration
    }
}
