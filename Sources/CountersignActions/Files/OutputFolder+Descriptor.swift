import CLinux
import Glibc
import SystemPackage

extension OutputFolder {
    /// An open folder beneath the output folder, and small files in it that are this program's own.
    struct Descriptor {
        private let folder: CInt

        /// A view of an open descriptor, which somebody else closes.
        init(_ folder: CInt) {
            self.folder = folder
        }

        /// The bytes that an open file has.
        func size(of file: CInt) throws(Errno) -> Int {
            var status = stat()
            try check(fstat(file, &status))
            return Int(status.st_size)
        }

        /// What is in an open file from `offset` on: `count` bytes, or as many as there are.
        func read(_ file: CInt, from offset: Int, count: Int) throws(Errno) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let got = bytes.withUnsafeMutableBytes {
                    pread(file, $0.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                }
                if got < 0, errno == EINTR { continue }
                try check(CInt(clamping: got))
                if got == 0 { break }
                filled += got
            }
            return Array(bytes.prefix(filled))
        }

        /// Writes all of `bytes` where the file's position is.
        func write(_ bytes: ArraySlice<UInt8>, to file: CInt) throws(Errno) {
            var rest = bytes
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                try check(CInt(clamping: count))
                rest = rest.dropFirst(count)
            }
        }

        /// The content of a file; nil when there is none.
        func content(of name: String) throws(Errno) -> [UInt8]? {
            let file = linux_open_beneath(folder, name, O_RDONLY, 0)
            if file == -ENOENT { return nil }
            try check(file, isNegated: true)
            defer { close(file) }
            return try read(file, from: 0, count: try size(of: file))
        }

        /// Adds bytes to a file, which is made when it is missing, and syncs both.
        func add(_ bytes: [UInt8], to name: String) throws(Errno) {
            let file = linux_open_beneath(folder, name, O_WRONLY | O_APPEND | O_CREAT, 0o600)
            try check(file, isNegated: true)
            defer { close(file) }
            let isNew = try size(of: file) == 0
            try write(bytes[...], to: file)
            try check(fdatasync(file))
            if isNew { try check(fsync(folder)) }
        }

        /// Gives a file another content in one step.
        func replace(_ name: String, with bytes: ArraySlice<UInt8>) throws(Errno) {
            let fresh = name + "-new"
            let file = linux_open_beneath(folder, fresh, O_WRONLY | O_TRUNC | O_CREAT, 0o600)
            try check(file, isNegated: true)
            defer { close(file) }
            try write(bytes, to: file)
            try check(fdatasync(file))
            try check(renameat(folder, fresh, folder, name))
            try check(fsync(folder))
        }

        /// Throws what a call of the system failed with, which some of them give back, negated.
        private func check(_ result: CInt, isNegated: Bool = false) throws(Errno) {
            guard result < 0 else { return }
            throw Errno(rawValue: isNegated ? -result : errno)
        }
    }
}
