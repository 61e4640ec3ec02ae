import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignStore
import Foundation
import Glibc

/// The store, the folders and the machine.
extension Doctor {
    /// Looks at the store's settings and file; without a server that tells its state, the store is opened for a moment.
    func store(_ state: ServerState?) async -> [Finding] {
        if let fault = settings.faultOfControlSocket { return [.failure("store", fault)] }
        guard settings.driver.exists else {
            guard let file = settings.store.file else {
                let facts = settings.driver.facts()
                guard facts.isEmpty else { return facts.map(\.finding) }
                return [.warning("store", "'\(settings.store)' holds no store yet; 'countersign serve' creates it")]
            }
            let absence = "'\(file)' does not exist yet"
            return [
                canBeMade(file)
                    ? .warning("store", "\(absence); 'countersign serve' creates it")
                    : .failure("store", "\(absence), and this user cannot create it: check the permissions")
            ]
        }
        do {
            let facts = settings.driver.facts() + (try await connectionFacts(state))
            return facts.map(\.finding) + [settings.store.file.flatMap { privacy(of: $0, "store") }].compactMap { $0 }
        } catch StoreError.older(_, let found) {
            let advice = "'countersign serve' upgrades it at its start; back it up first"
            return [.warning("store", "it was made by an older Countersign (schema \(found)); \(advice)")]
        } catch {
            return [.failure("store", "\(error)")]
        }
    }

    /// How the connection that writes is set: the server says so, or the store is opened for a moment.
    private func connectionFacts(_ state: ServerState?) async throws -> [StoreFact] {
        if let state { return state.storeFacts }
        let store = try settings.driver.open { upgrade in
            throw StoreError.older(path: "\(settings.store)", found: upgrade.from)
        }
        do {
            let facts = try await store.facts()
            await store.close()
            return facts
        } catch {
            await store.close()
            throw error
        }
    }

    /// Folders and files, with their modes.
    func places() -> [Finding] {
        var findings: [Finding] = []
        if let mode = mode(of: settings.rulesPath), mode & 0o022 != 0 {
            let others = mode & 0o002 != 0 ? "everybody" : "its group"
            findings.append(
                .warning(
                    "rules folder",
                    "\(others) can write to '\(settings.rulesPath)' and so run programs; chmod go-w"
                )
            )
        } else if let mode = mode(of: settings.rulesPath) {
            findings.append(.fine("rules folder", "mode \(String(mode, radix: 8))"))
        }
        let root = settings.outputRoot
        if let mode = mode(of: root) {
            findings.append(
                access(root, W_OK | X_OK) == 0
                    ? .fine("output folder", "'\(root)', mode \(String(mode, radix: 8))")
                    : .failure("output folder", "'\(root)' cannot be written by this user")
            )
        } else {
            let absence = "'\(root)' does not exist yet"
            findings.append(
                canBeMade(root)
                    ? .warning("output folder", "\(absence); 'countersign serve' creates it")
                    : .failure("output folder", "\(absence), and this user cannot create it: check the permissions")
            )
        }
        if let secrets = settings.secretsFolder {
            findings.append(
                mode(of: secrets) == nil
                    ? .failure("secrets folder", "'\(secrets)' does not exist")
                    : privacy(of: secrets, "secrets folder") ?? .fine("secrets folder", "'\(secrets)', private")
            )
        }
        return findings
    }

    /// What the system grants.
    func machine() -> [Finding] {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let files = "\(limit.rlim_cur) open files"
        return [
            limit.rlim_cur < 2_048
                ? .warning("limits", "\(files) are too few for 1,024 connections; set LimitNOFILE=4096 or ulimit -n")
                : .fine("limits", files)
        ] + [disk()].compactMap { $0 }
    }

    /// What is free for the store, evaluated as the server does that raises `X_DISK_LOW`; nil while its folder is not there.
    private func disk() -> Finding? {
        let folder = settings.storePath.folder
        guard mode(of: folder) != nil else { return nil }
        guard let space = DiskSpace(of: folder) else {
            return .warning("disk", "the free space cannot be determined for '\(folder)'")
        }
        let text =
            "\(ByteSize(bytes: Int64(space.freeBytes)).rounded) free where \(settings.store.file == nil ? "files are written" : "the store lies")"
        if space.freeBytes < 100 << 20 {
            return .failure("disk", "\(text); free disk space before callbacks are refused")
        }
        guard space.isLow(settings.minimumFree) else { return .fine("disk", text) }
        let files = space.totalFiles > 0 ? ", for \(counted(Int(space.freeFiles), "more file")) at most" : ""
        return .warning("disk", "\(text)\(files); free disk space, or see the setting 'disk.min_free'")
    }

    /// Whether this user may make what is missing, with the folders that it lies in.
    private func canBeMade(_ path: String) -> Bool {
        var status = stat()
        var folder = path.folder
        while stat(folder, &status) != 0, errno == ENOENT, folder != "/" { folder = folder.folder }
        return stat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && access(folder, W_OK | X_OK) == 0
    }

    private func privacy(of path: String, _ subject: String) -> Finding? {
        guard let mode = mode(of: path), mode & 0o077 != 0 else { return nil }
        return .failure(subject, "users other than the owner can access '\(path)'; run: chmod go= '\(path)'")
    }

    private func mode(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_mode & 0o7777) : nil
    }

    private func bytes(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

extension Settings {
    /// Why the socket for commands cannot lie where it has to, beside the store; nil where it can.
    var faultOfControlSocket: String? {
        guard controlSocket.utf8.count > ControlSocket.longestPath else { return nil }
        return
            "the store's path is too long: the socket '\(controlSocket)' beside it may have \(ControlSocket.longestPath) "
            + "bytes at most"
    }
}
