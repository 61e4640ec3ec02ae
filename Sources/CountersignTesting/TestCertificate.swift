import CountersignActions
package import NIOSSL

/// A certificate that signs itself, and its key.
package struct TestCertificate: Sendable {
    /// The certificate alone, as it signs itself.
    package let chain: [NIOSSLCertificate]
    /// The private key that belongs to it.
    package let key: NIOSSLPrivateKey

    /// One for `erp.internal` that ended with the year 2020; no command makes such a one.
    package static var expired: TestCertificate {
        get throws {
            let certificate = """
                -----BEGIN CERTIFICATE-----
                MIIBSDCB76ADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDGVycC5pbnRl
                cm5hbDAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBcxFTATBgNVBAMM
                DGVycC5pbnRlcm5hbDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABA1I48cm13eH
                IaAniU8tn11nV9aLZ43vk8mmrgurXH4lQbvLOxvCzvfAmrv5HbbMlvO08MIXKp/a
                hbb69sS4Wh+jLDAqMBcGA1UdEQQQMA6CDGVycC5pbnRlcm5hbDAPBgNVHRMBAf8E
                BTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCBCr1x5peGxd6yLwty7SYmjptPCGDn
                +xXmsBLgiY5jYwIgXKUlSCHhRatYUHIowTgmyom1nAU1xlNytzMoBDBcOBg=
                -----END CERTIFICATE-----
                """
            let key = """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/LIQ+RDP0LsUFmoE
                h7dyvn440nHqClc+uMO3rTM6+1OhRANCAAQNSOPHJtd3hyGgJ4lPLZ9dZ1fWi2eN
                75PJpq4Lq1x+JUG7yzsbws73wJq7+R22zJbztPDCFyqf2oW2+vbEuFof
                -----END PRIVATE KEY-----
                """
            return TestCertificate(
                chain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)),
                key: try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
            )
        }
    }

    /// Made by OpenSSL's command, as an operator would.
    package static func make(
        for host: String,
        key: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    ) async throws -> TestCertificate {
        let folder = try TemporaryFolder()
        let result = try await SystemProcesses()
            .run(
                ProcessRequest(
                    program: "openssl",
                    arguments: ["req", "-x509"] + key + [
                        "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=\(host)",
                        "-addext",
                        "subjectAltName=DNS:\(host)",
                    ],
                    directory: folder.path
                )
            )
        guard result.ending == .exited(0) else { throw Failure(description: result.errors.text) }
        return TestCertificate(
            chain: try NIOSSLCertificate.fromPEMFile(folder.path("cert.pem")),
            key: try NIOSSLPrivateKey(file: folder.path("key.pem"), format: .pem)
        )
    }

    /// What a server that shows the certificate is configured with.
    package var serverConfiguration: TLSConfiguration {
        .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
    }

    /// The same, ready for use.
    package var serverContext: NIOSSLContext {
        get throws { try NIOSSLContext(configuration: serverConfiguration) }
    }

    /// Why OpenSSL made none.
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}
