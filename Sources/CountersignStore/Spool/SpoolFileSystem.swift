import CLinux
import Foundation

/// The file system that a spool lies on, as far as that matters to it.
package enum SpoolFileSystem: Sendable, Equatable {
    /// It forgets what it holds.
    case volatile(String)
    /// It writes each change to a new place, and needs free space for that.
    case copyOnWrite(String)
    case ordinary

    /// The numbers that the system gives to kinds of file systems (statfs(2), linux/magic.h).
    private static let kinds: [Int64: SpoolFileSystem] = [
        0x0102_1994: .volatile("tmpfs"), 0x8584_58F6: .volatile("ramfs"), 0x794C_7630: .volatile("overlay"),
        0x9123_683E: .copyOnWrite("btrfs"), 0x2FC1_2FC1: .copyOnWrite("zfs"), 0xCA45_1A4E: .copyOnWrite("bcachefs"),
    ]

    /// The file system of a file or folder; nil where the system does not say.
    package init?(path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        self.init(descriptor: file)
    }

    /// The file system of an open file; nil where the system does not say.
    init?(descriptor: CInt) {
        let kind = linux_file_system_kind(descriptor)
        guard kind >= 0 else { return nil }
        self = Self.kinds[kind] ?? .ordinary
    }

    /// The name of one that forgets.
    package var volatileName: String? {
        if case .volatile(let name) = self { name } else { nil }
    }
}
