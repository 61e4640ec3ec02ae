import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation

/// The spool.
extension Doctor {
    /// Looks at the file of the spool, and at what it lies on.
    func spool() -> [Finding] {
        let path = settings.spool.path
        let folder = path.folder
        guard let fileSystem = SpoolFileSystem(path: folder) else {
            // The folder of the store is made with the store.
            guard settings.spool.isNamed else { return [] }
            return [
                .failure("spool", "'\(folder)' cannot be opened; make the folder, or set another file as 'spool.path'")
            ]
        }
        let isThere = FileManager.default.fileExists(atPath: path)
        return [spoolFileSystem(fileSystem, path, isThere: isThere)].compactMap { $0 }
            + [isThere ? spoolFile(path) : absentSpool(path, fileSystem)].compactMap { $0 }
    }

    private func spoolFileSystem(_ fileSystem: SpoolFileSystem, _ path: String, isThere: Bool) -> Finding? {
        switch fileSystem {
        case .ordinary: return nil
        case .copyOnWrite(let name):
            return .warning(
                "spool",
                "'\(path)' lies on \(name), which needs free space also for what is overwritten; set 'spool.path' to a file on ext4 or "
                    + "xfs, or callbacks are refused when the disk is full"
            )
        case .volatile where settings.spool.allowsVolatile:
            return .warning("spool", "'\(path)' is lost with the machine or the container ('spool.allow_volatile')")
        case .volatile:
            let error = SpoolError.volatile(path: path, fileSystem: fileSystem.volatileName ?? "")
            let text = "\(error); until then callbacks are refused while the store cannot store them"
            return settings.spool.isNamed || isThere ? .failure("spool", "\(error)") : .warning("spool", text)
        }
    }

    private func absentSpool(_ path: String, _ fileSystem: SpoolFileSystem) -> Finding? {
        guard fileSystem.volatileName == nil || settings.spool.allowsVolatile else { return nil }
        return .warning("spool", "'\(path)' does not exist yet; 'countersign serve' creates it")
    }

    private func spoolFile(_ path: String) -> Finding {
        let found: SpoolInspection
        do {
            found = try Spool.inspect(path)
        } catch {
            return .failure("spool", "\(error)")
        }
        if let damage = found.damages.first {
            return .failure("spool", "'\(path)': \(damage); see 'countersign spool check'")
        }
        let status = found.status
        let text = "'\(path)', \(status.size.rounded), \(counted(status.events, "event"))"
        if let oldest = status.oldest {
            return .warning("spool", "\(text) since \(oldest.rfc3339); they are stored once the store can store again")
        }
        // A frame has a head, and fills whole blocks.
        if status.size.bytes < settings.maximumBody + 8_192 {
            let advice =
                "a callback of 'callback.max_body' does not fit into \(status.size.rounded); set a larger 'spool.size'"
            return .warning("spool", advice)
        }
        return .fine("spool", text)
    }
}
