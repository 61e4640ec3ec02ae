import Glibc

/// What the system refused to do with a file, and why.
package struct FileRefusal: Error, Equatable {
    /// What was to be done, such as `make`.
    package let verb: String

    /// The path of the file or folder, as it was given to the system.
    package let path: String

    /// The number of the system's reason (errno).
    package let code: CInt

    /// The user whom the file belongs to, where that is another one than ours.
    package let owner: String?

    /// A refusal that the system has just told.
    package init(to verb: String, _ path: String, _ code: CInt) {
        self.verb = verb
        self.path = path
        self.code = code
        owner = Self.owner(of: path)
    }

    /// The name of the user whom a file belongs to, or the folder that it would lie in; nil where that is our own.
    package static func owner(of path: String) -> String? {
        var status = stat()
        let folder = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        guard stat(path, &status) == 0 || stat(String(folder), &status) == 0 else { return nil }
        guard status.st_uid != geteuid(), geteuid() != 0 else { return nil }
        return getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "\(status.st_uid)"
    }
}

extension FileRefusal: CustomStringConvertible {
    /// What was refused, the system's reason, and what to do about it, as an error message.
    package var description: String {
        "cannot \(verb) '\(path)': \(String(cString: strerror(code)).lowercased()); \(counterfactual)"
    }

    private var counterfactual: String {
        switch code {
        case EACCES, EPERM:
            owner.map {
                "it belongs to the user '\($0)': do this as that user (sudo -u \($0) …), or have it given to this one"
            }
                ?? "see who may write there"
        case EROFS: "the file system may only be read; have it mounted for writing, or name a file elsewhere"
        case ENOSPC, EDQUOT: "free disk space, or name a file elsewhere"
        case ENOENT, ENOTDIR, EEXIST: "see whether its folder is there, or name a file elsewhere"
        default: "see whether its folder is there, and who may write there"
        }
    }
}
