import Glibc
import NIOCore
import NIOPosix

/// A body that is read while it is sent: bytes and files, one behind the other.
package struct StreamedBody: Sendable, Equatable {
    /// A part of the body.
    package enum Part: Sendable, Equatable {
        case bytes([UInt8])
        case file(OpenFile)
    }

    /// The parts in their order.
    package let parts: [Part]

    /// A body of these parts.
    package init(_ parts: [Part]) {
        self.parts = parts
    }

    /// How many bytes it has.
    package var count: Int {
        parts.reduce(0) { sum, part in
            switch part {
            case .bytes(let bytes): sum + bytes.count
            case .file(let file): sum + file.count
            }
        }
    }

    /// Hands all bytes to `receive`, some at a time.
    ///
    /// - Throws: `ExchangeError` where a file cannot be read, or has changed since it was opened.
    package func read(_ receive: (ArraySlice<UInt8>) -> Void) async throws(ExchangeError) {
        for part in parts {
            switch part {
            case .bytes(let bytes): receive(bytes[...])
            case .file(let file):
                var offset = 0
                while offset < file.count {
                    let bytes = try await file.read(from: offset)
                    receive(bytes[...])
                    offset += bytes.count
                }
            }
        }
    }

    /// The bytes as a client sends them.
    var buffers: Buffers { Buffers(body: self) }

    /// The bytes of a body, some at a time.
    struct Buffers: AsyncSequence, Sendable {
        let body: StreamedBody

        func makeAsyncIterator() -> Iterator { Iterator(parts: body.parts[...]) }

        struct Iterator: AsyncIteratorProtocol {
            var parts: ArraySlice<Part>
            private var offset = 0

            init(parts: ArraySlice<Part>) { self.parts = parts }

            mutating func next() async throws -> ByteBuffer? {
                while let part = parts.first {
                    switch part {
                    case .bytes(let bytes):
                        parts.removeFirst()
                        if !bytes.isEmpty { return ByteBuffer(bytes: bytes) }
                    case .file(let file) where offset >= file.count:
                        parts.removeFirst()
                        offset = 0
                    case .file(let file):
                        let bytes = try await file.read(from: offset)
                        offset += bytes.count
                        return ByteBuffer(bytes: bytes)
                    }
                }
                return nil
            }
        }
    }
}

/// A file that is open for reading, with the size that it had when it was opened.
package final class OpenFile: Sendable, Equatable {
    /// How many bytes are read at a time.
    private static let portion = 64 * 1_024

    private let descriptor: CInt

    /// How many bytes it has.
    package let count: Int

    /// Takes over an open descriptor of a regular file.
    package init(descriptor: CInt, count: Int) {
        self.descriptor = descriptor
        self.count = count
    }

    deinit { close(descriptor) }

    /// Whether both are the same open file.
    package static func == (left: OpenFile, right: OpenFile) -> Bool { left === right }

    /// The next bytes from `offset` on, at least one.
    ///
    /// - Throws: `ExchangeError` where they cannot be read, or the file has become shorter.
    package func read(from offset: Int) async throws(ExchangeError) -> [UInt8] {
        let wanted = min(Self.portion, count - offset)
        do {
            // Reading may wait for a disk, which no thread that others share may do.
            return try await NIOThreadPool.singleton.runIfActive { [self] in
                var bytes = [UInt8](repeating: 0, count: wanted)
                let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted, off_t(offset)) }
                guard got > 0 else {
                    throw ExchangeError(
                        got == 0
                            ? "the file became shorter while it was sent" : "the file cannot be read while it is sent"
                    )
                }
                return Array(bytes.prefix(got))
            }
        } catch let error as ExchangeError {
            throw error
        } catch {
            throw ExchangeError("the file cannot be read while it is sent")
        }
    }

    /// The whole content.
    ///
    /// - Throws: `ExchangeError` as `read(from:)` does.
    package func content() async throws(ExchangeError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { bytes += try await read(from: bytes.count) }
        return bytes
    }
}
