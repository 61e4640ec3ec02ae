import AsyncHTTPClient
import CountersignCore
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemPackage

extension NetworkError {
    /// Reads an error of a socket, of TLS or of HTTP; the only place that tells them apart.
    package init(_ error: any Error) {
        self =
            switch error {
            case let error as NetworkError: error
            case is CancellationError: .canceled
            case let error as IOError: .init(code: error.errnoCode)
            case let error as NIOConnectionError: .init(error)
            case is SocketAddressError.UnknownHost: .nameNotFound()
            case let error as ChannelError: .init(error)
            case let error as HTTPClientError: .init(error)
            case let error as NIOSSLError: .init(error)
            case let error as NIOSSLExtraError where error == .failedToValidateHostname: .certificateForAnotherName
            case is HTTPParserError: .malformedHTTP
            default: .init(.other, "the exchange failed: \(Self.words(error))")
            }
    }

    /// The system's reason with this number.
    init(code: CInt) {
        let (kind, isBeforeConnection): (Kind, Bool) =
            switch Errno(rawValue: code) {
            case .connectionRefused: (.refused, true)
            case .noRouteToHost, .networkUnreachable, .networkDown, .hostIsDown, .addressNotAvailable:
                (.unreachable, true)
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem: (.tooManyDescriptors, true)
            case .addressInUse: (.addressInUse, true)
            // A socket of this machine that is not there, or not for us; a firewall says the latter, too.
            case .noSuchFileOrDirectory, .permissionDenied, .notPermitted: (.unreachable, true)
            case .timedOut: (.timedOut, false)
            case .connectionReset, .brokenPipe, .connectionAbort: (.reset, false)
            default: (.other, false)
            }
        self.init(
            kind,
            Errno(rawValue: code).description.lowercased(),
            code: code,
            isBeforeConnection: isBeforeConnection
        )
    }

    private init(_ error: NIOConnectionError) {
        let first = error.connectionErrors.first.map { NetworkError($0.error) }
        self = first?.beforeConnection ?? .nameNotFound()
    }

    private init(_ error: ChannelError) {
        self =
            switch error {
            case .connectTimeout(let time): .noConnection(within: .nanoseconds(time.nanoseconds))
            case .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed, .eof: .closedEarly
            default: .init(.other, "the connection broke: \(Self.words(error))")
            }
    }

    private init(_ error: HTTPClientError) {
        self =
            switch error {
            case .cancelled, .requestStreamCancelled: .canceled
            case .connectTimeout: .noConnection()
            case .tlsHandshakeTimeout: .init(.timedOut, "no TLS handshake in time", isBeforeConnection: true)
            case .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
                .init(.timedOut, "no answer in time")
            case .remoteConnectionClosed, .uncleanShutdown: .closedEarly
            case .proxyAuthenticationRequired:
                .init(.refusedByProxy, "it wants a user and a password (407)", isBeforeConnection: true)
            case .invalidProxyResponse:
                .init(.refusedByProxy, "it refuses to connect to this host", isBeforeConnection: true)
            case .httpProxyHandshakeTimeout:
                .init(.timedOut, "it made no connection in time", isBeforeConnection: true)
            case .invalidURL, .emptyHost, .emptyScheme: .init(.invalidRequest, error.shortDescription.lowercased())
            default: .init(.other, error.shortDescription.lowercased())
            }
    }

    private static let certificateForAnotherName = NetworkError(
        .certificateForAnotherName,
        "its certificate is for another name"
    )

    private static let malformedHTTP = NetworkError(
        .malformed,
        "its response is not valid HTTP/1.1 (RFC 9112), such as a header that continues on the next line"
    )

    /// An error that has no kind of its own, as it describes itself.
    private static func words(_ error: any Error) -> String {
        "\(error)".withoutBuildPaths.onOneLine.cut(to: 200)
    }
}

// MARK: TLS

extension NetworkError {
    private init(_ error: NIOSSLError) {
        self =
            switch error {
            case .handshakeFailed(let cause): .init(handshake: cause)
            case .uncleanShutdown: .closedEarly
            default: .init(.tls, "the encrypted connection broke: \(Self.words(error))")
            }
    }

    private init(handshake error: BoringSSLError) {
        if error == .sslError([.eofDuringHandshake]) {
            self.init(.closedEarly, "the connection was closed during the TLS handshake")
            return
        }
        let known = Self.reasons(of: error).lazy.compactMap { Self.handshakeFailure($0) }.first
        self = known ?? NetworkError(.tls, "TLS negotiation failed: \(Self.words(error))")
    }

    /// What a reason of BoringSSL means.
    private static func handshakeFailure(_ reason: Substring) -> NetworkError? {
        switch reason {
        case "CERTIFICATE_VERIFY_FAILED": .certificateNotTrusted
        case "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN":
            NetworkError(.certificateRejected, "it does not trust the certificate")
        case "WRONG_VERSION_NUMBER": NetworkError(.notTLS, "it does not support TLS on this port")
        // What a server says of a client.
        case "HTTP_REQUEST", "HTTPS_PROXY_REQUEST": NetworkError(.notTLS, "plain HTTP on a TLS port")
        default: nil
        }
    }

    /// The reasons that BoringSSL gives, such as `CERTIFICATE_VERIFY_FAILED`.
    ///
    /// The library keeps their numbers to itself and offers nothing but a text:
    /// `Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at ssl/handshake.cc:320`.
    private static func reasons(of error: BoringSSLError) -> [Substring] {
        guard case .sslError(let stack) = error else { return [] }
        return stack.compactMap { entry in
            let text = Substring(entry.description)
            return text.firstRange(of: "OPENSSL_internal:").map { text[$0.upperBound...].prefix { $0 != " " } }
        }
    }
}
