import NIOSSL
import SwiftASN1
import X509

extension ClientCertificate {
    /// The names in a certificate that TLS has verified; nil where it cannot be read.
    init?(_ certificate: NIOSSLCertificate) {
        guard let bytes = try? certificate.toDERBytes(), let read = try? Certificate(derEncoded: bytes) else {
            return nil
        }
        var names: Set<String> = []
        for part in read.subject {
            for attribute in part where attribute.type == .RDNAttributeType.commonName {
                if let name = String(attribute.value) { names.insert(name) }
            }
        }
        for name in (try? read.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames([]) {
            switch name {
            case .dnsName(let text), .rfc822Name(let text), .uniformResourceIdentifier(let text): names.insert(text)
            default: break
            }
        }
        self.init(names: names)
    }
}
