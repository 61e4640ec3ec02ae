package import CountersignCore
import Foundation

/// What a spool is to be.
package struct SpoolOptions: Sendable {
    /// The absolute path of the file.
    package var path: String

    /// How large it is to be.
    package var size: ByteSize

    /// Whether it may lie on a file system that forgets.
    package var allowsVolatile: Bool

    /// Whether callbacks for another store are taken over.
    package var adopts: Bool

    /// A spool at a path; by default as the settings have it.
    package init(path: String, size: ByteSize = .mib(64), allowsVolatile: Bool = false, adopts: Bool = false) {
        self.path = path
        self.size = size
        self.allowsVolatile = allowsVolatile
        self.adopts = adopts
    }

    fileprivate var blocks: Int { max(SpoolHeader.blocks + 1, size.count / SpoolFrame.blockSize) }
}

extension Spool {
    /// Opens the spool of a store, and makes its file where there is none.
    ///
    /// An empty one of another size or store is made anew.
    ///
    /// - Parameters:
    ///   - options: What it is to be.
    ///   - identity: The identity of the store; nil while the store cannot be reached, so that there must be a file.
    ///   - calls: The calls of the system.
    /// - Throws: `SpoolError`.
    /// - Returns: The spool, which nobody else may have until it is closed.
    package static func open(
        _ options: SpoolOptions,
        for identity: String?,
        calls: SpoolCalls = .system
    ) throws(SpoolError) -> Spool {
        let file: SpoolFile
        do throws(SpoolError) {
            file = try SpoolFile(opening: options.path, forWriting: true, calls: calls)
        } catch .missing {
            guard let identity else { throw .missing(path: options.path) }
            return try make(options, identity, calls)
        }
        if !options.allowsVolatile { try file.expectLasting() }
        let contents = try SpoolContents(of: file)
        let found = contents.header
        let wanted = identity ?? found.identity
        if contents.frames.isEmpty, found.ringBlocks + SpoolHeader.blocks != options.blocks {
            // Where there is no room for another one, this one is as good.
            if let resized = try? make(options, wanted, calls) { return resized }
        }
        let events = contents.frames.reduce(0) { $0 + $1.frame.records.count }
        guard found.identity == wanted || events == 0 || options.adopts else {
            throw .otherStore(path: options.path, found: found.identity, wanted: wanted, events: events)
        }
        let spool = Spool(file, contents, identity: wanted)
        if found.identity != wanted { try spool.writeHeader(spool.header) }
        return spool
    }

    private static func make(
        _ options: SpoolOptions,
        _ identity: String,
        _ calls: SpoolCalls
    ) throws(SpoolError) -> Spool {
        let header = SpoolHeader(identity: identity, ringBlocks: options.blocks - SpoolHeader.blocks)
        let file = try SpoolFile(
            making: options.path,
            blocks: options.blocks,
            header,
            allowsVolatile: options.allowsVolatile,
            calls: calls
        )
        return Spool(file, try SpoolContents(of: file), identity: identity)
    }

    /// What a spool holds, read without keeping it from who uses it.
    ///
    /// - Throws: `SpoolError`.
    package static func inspect(_ path: String) throws(SpoolError) -> SpoolInspection {
        let file = try SpoolFile(opening: path, forWriting: false)
        return SpoolInspection(try SpoolContents(of: file))
    }
}

/// What was found in the file of a spool.
package struct SpoolInspection: Sendable {
    /// The identity of the store that the callbacks are for.
    package let identity: String

    /// How much it holds, and since when.
    package let status: SpoolStatus

    /// The callbacks, the oldest first.
    package let records: [SpoolRecord]

    /// What is not as it was written, as sentences.
    package let damages: [String]

    init(_ contents: SpoolContents) {
        identity = contents.header.identity
        records = contents.frames.flatMap(\.frame.records)
        damages = contents.damages
        var status = SpoolStatus()
        let block = Int64(SpoolFrame.blockSize)
        status.events = records.count
        status.used = ByteSize(bytes: contents.frames.reduce(0) { $0 + Int64($1.blocks) } * block)
        status.size = ByteSize(bytes: Int64(contents.header.ringBlocks) * block)
        status.oldest = records.map(\.receivedAt).min()
        status.since = status.oldest
        self.status = status
    }
}
