package import CountersignCore
package import CountersignStore
import Foundation
package import Glibc
package import Logging
import ServiceLifecycle

/// What a file system has, and has left for who is not root.
package struct DiskSpace: Sendable, Equatable {
    /// What tells the file system from others on this machine.
    package let device: UInt64

    /// How many bytes processes that are not root can still allocate.
    package let freeBytes: Int64

    /// The size of the file system in bytes.
    package let totalBytes: Int64

    /// How many more files it can hold, and how many in all (inodes); both 0 where it sets no bound.
    package let freeFiles: Int64

    /// How many files it can hold in all (inodes); 0 where it sets no bound.
    package let totalFiles: Int64

    /// The space of the file system `device`; without numbers of files, one that sets no bound on them.
    package init(device: UInt64, freeBytes: Int64, totalBytes: Int64, freeFiles: Int64 = 0, totalFiles: Int64 = 0) {
        self.device = device
        self.freeBytes = freeBytes
        self.totalBytes = totalBytes
        self.freeFiles = freeFiles
        self.totalFiles = totalFiles
    }

    /// Asks the system about the file system that holds `folder`; nil when it does not say.
    package init?(of folder: String) {
        var (space, file) = (statvfs(), stat())
        guard statvfs(folder, &space) == 0, stat(folder, &file) == 0 else { return nil }
        self.init(device: UInt64(file.st_dev), space)
    }

    /// What the system said of a file system.
    ///
    /// Some say all ones for what has no bound, such as the inodes of CephFS: it is as much as a number can hold.
    package init(device: UInt64, _ space: statvfs) {
        func bytes(_ blocks: UInt) -> Int64 {
            let (bytes, isTooMuch) = blocks.multipliedReportingOverflow(by: space.f_frsize)
            return isTooMuch ? .max : Int64(clamping: bytes)
        }
        self.init(
            device: device,
            freeBytes: bytes(space.f_bavail),
            totalBytes: bytes(space.f_blocks),
            freeFiles: Int64(clamping: space.f_favail),
            totalFiles: Int64(clamping: space.f_files)
        )
    }

    /// Below how many free bytes it is low: the configured limit, else 1 GiB or a tenth, whichever is less.
    func threshold(_ limit: ByteSize?) -> Int64 { limit?.bytes ?? min(1 << 30, totalBytes / 10) }

    /// Below how many more files it is low: ten thousand or a twentieth, whichever is less.
    ///
    /// Who wants to hear nothing of a full disk wants to hear nothing of this either.
    func fileThreshold(_ limit: ByteSize?) -> Int64 { threshold(limit) > 0 ? min(10_000, totalFiles / 20) : 0 }

    /// Whether less is free, or fewer more files fit in, than should be; `limit` is how many bytes must be free, nil for
    /// what the size of the file system suggests.
    package func isLow(_ limit: ByteSize?) -> Bool {
        freeBytes < threshold(limit) || freeFiles < fileThreshold(limit)
    }
}

/// Raises `X_DISK_LOW` before the disk is full that holds the store, or what rules write, and `X_DISK_RECOVERED` afterwards.
package struct DiskWatch: Service {
    /// A folder to watch over.
    package struct Location: Sendable {
        /// What it holds, in one word.
        let holds: String
        let folder: String

        /// The folder `folder` and the word for its content, such as `store`, which events and logs name it by.
        package init(_ holds: String, in folder: String) {
            self.holds = holds
            self.folder = folder
        }
    }

    private static let pause: TimeInterval = 60

    private let locations: [Location]
    private let limit: ByteSize?
    private let reporter: IncidentReporter
    private let clock: any WallClock
    private let logger: Logger
    private let space: @Sendable (String) -> DiskSpace?

    /// - Parameters:
    ///   - locations: What to watch over.
    ///   - limit: How many bytes must be free; nil for what the size of the file system suggests.
    ///   - reporter: Raises the events.
    ///   - clock: Tells when to look again.
    ///   - logger: Where both ends of an incident are logged.
    ///   - space: Asks for the space of a folder.
    package init(
        locations: [Location],
        limit: ByteSize?,
        reporter: IncidentReporter,
        clock: any WallClock,
        logger: Logger,
        space: @escaping @Sendable (String) -> DiskSpace? = { DiskSpace(of: $0) }
    ) {
        self.locations = locations
        self.limit = limit
        self.reporter = reporter
        self.clock = clock
        self.logger = logger
        self.space = space
    }

    /// Looks at once, then every minute until the service shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look()
                try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))
            }
        }
    }

    /// Looks once.
    package func look() async {
        var seen: [UInt64: (space: DiskSpace, locations: [Location])] = [:]
        for location in locations {
            guard let space = space(location.folder) else { continue }
            seen[space.device, default: (space, [])].locations.append(location)
        }
        for (space, locations) in seen.values.sorted(by: { $0.locations[0].holds < $1.locations[0].holds }) {
            do {
                try await evaluate(space, locations)
            } catch {
                // A disk that is full already cannot keep the event; the next look tries again.
                logger.error("Disk space cannot be checked, retrying", metadata: ["error": "\(error)"])
            }
        }
    }

    private func evaluate(_ space: DiskSpace, _ locations: [Location]) async throws {
        let threshold = space.threshold(limit)
        let holds = locations.map(\.holds).joined(separator: " and ")
        let fields: JSONObject = [
            "path": .string(locations[0].folder), "holds": .string(holds), "free": Self.size(space.freeBytes),
            "total": Self.size(space.totalBytes), "threshold": Self.size(threshold),
            "freeFiles": space.totalFiles > 0 ? JSON(space.freeFiles) : .null,
        ]
        let metadata: Logger.Metadata = [
            "path": "\(locations[0].folder)", "holds": "\(holds)",
            "free": "\(ByteSize(bytes: space.freeBytes).rounded)",
            "free.files": space.totalFiles > 0 ? "\(space.freeFiles)" : "unbounded",
        ]
        let fileThreshold = space.fileThreshold(limit)
        // Where it goes up and down around the threshold, it is one incident.
        if space.isLow(limit) {
            let isNew = try await reporter.begin(.diskLow, of: holds, fields)
            if isNew { logger.warning("Disk space is low", metadata: metadata) }
        } else if space.freeBytes >= threshold + threshold / 4, space.freeFiles >= fileThreshold + fileThreshold / 4 {
            let hasEnded = try await reporter.end(.diskLow, of: holds, reporting: .diskRecovered, fields)
            if hasEnded { logger.info("Disk space has recovered", metadata: metadata) }
        }
    }

    private static func size(_ bytes: Int64) -> JSON { .string(ByteSize(bytes: bytes).rounded) }
}
