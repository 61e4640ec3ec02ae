package import CountersignCore

/// What a request says about its sender.
package struct RequestCredentials: Sendable {
    /// The value of `Authorization`; nil where it is missing.
    package let authorization: String?

    /// The values of a header field by its lower-case name, one for each time it stands there.
    package let fields: @Sendable (String) -> [String]

    /// The address of the client, behind trusted proxies; nil where it is not known.
    package let address: IPAddress?

    /// The verified certificate of the client; nil where it showed none.
    package let certificate: ClientCertificate?

    /// What a request says.
    package init(
        authorization: String?,
        fields: @escaping @Sendable (String) -> [String] = { _ in [] },
        address: IPAddress? = nil,
        certificate: ClientCertificate? = nil
    ) {
        self.authorization = authorization
        self.fields = fields
        self.address = address
        self.certificate = certificate
    }
}

/// The names in a certificate that a client has shown and proved to own.
package struct ClientCertificate: Sendable, Equatable {
    /// The common name of the subject, and the DNS names and e-mail addresses that it stands for.
    package let names: Set<String>

    /// A certificate with these names.
    package init(names: Set<String>) {
        self.names = names
    }
}
