import NIOCore
import NIOPosix

/// A TCP connection on which a test writes and reads the bytes of HTTP/1.1 itself.
struct RawConnection {
    /// An answer as it came over the wire.
    struct Response {
        let status: Int
        let fields: [String: String]
        let body: String
    }

    struct UnexpectedEnd: Error {
        let received: String
    }

    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var received: [UInt8] = []

    /// Connects, and closes the connection when `use` returns.
    static func open<Result: Sendable>(
        port: Int,
        _ use: (inout RawConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(outbound: outbound, inbound: inbound.makeAsyncIterator())
            return try await use(&connection)
        }
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    /// Says that nothing more will be sent.
    func finish() {
        outbound.finish()
    }

    /// Reads one answer; that to a HEAD, or one that is only informational, has no body.
    mutating func response(hasBody: Bool = true) async throws -> Response {
        let head = try await take(until: Array("\r\n\r\n".utf8))
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        let length = hasBody ? fields["content-length"].flatMap { Int($0) } ?? 0 : 0
        while received.count < length { try await fill() }
        defer { received.removeFirst(length) }
        return Response(status: status, fields: fields, body: String(decoding: received.prefix(length), as: UTF8.self))
    }

    /// Reads one answer while `text` is sent byte by byte, each when `pace` has returned.
    mutating func response(
        whileDripping text: String,
        pace: @escaping @Sendable () async throws -> Void
    ) async throws -> Response {
        let drip = Task { [outbound] in
            for byte in text.utf8 {
                try await outbound.write(ByteBuffer(bytes: [byte]))
                try await pace()
            }
        }
        defer { drip.cancel() }
        return try await response()
    }

    /// Reads until the other side ends the connection, in whatever way; returns what came before.
    mutating func end() async -> String {
        do {
            while true { try await fill() }
        } catch {
            return String(decoding: received, as: UTF8.self)
        }
    }

    private mutating func take(until mark: [UInt8]) async throws -> [UInt8] {
        var range = received.firstRange(of: mark)
        while range == nil {
            try await fill()
            range = received.firstRange(of: mark)
        }
        let end = range?.upperBound ?? 0
        defer { received.removeFirst(end) }
        return Array(received[..<end])
    }

    private mutating func fill() async throws {
        guard let buffer = try await inbound.next(isolation: #isolation) else {
            throw UnexpectedEnd(received: String(decoding: received, as: UTF8.self))
        }
        received += buffer.readableBytesView
    }
}
