package import CountersignCore
import CountersignOutbound

/// A file that is about to be put on a server by SFTP.
package struct SFTPPlan: ActionPlan {
    /// The name that the server has for OpenSSH, whatever its address.
    private static let alias = "destination"

    let address: SFTPAddress
    let file: StepFile
    let path: String
    let key: String
    let hostKeys: String

    /// Host and port.
    package var destination: String? { address.place }

    /// Where the file goes; of the key, only that there is one.
    package var json: JSON {
        [
            "to": .string("\(address.user)@\(address.place)"), "file": .string(file.shown), "path": .string(path),
            "key": .string(Secrets.mask),
        ]
    }

    func perform(in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let services = context.services
        let target: IPAddress
        do throws(ExchangeError) {
            guard let first = try await services.addresses.all(of: address.host).first else {
                throw ExchangeError("its name cannot be resolved")
            }
            target = first
        } catch {
            throw StepFailure(
                "'\(address.host)' cannot be reached: \(error.reason)",
                isWorthRetrying: error.isPassing,
                isOutage: error.isOutage
            )
        }
        let open = try await file.open(in: services)
        let location = try ([services.outputRoot] + file.components(beneath: services.outputRoot))
            .joined(separator: "/")
        let folder = try SFTPFolder(
            key: key,
            knownHosts: HostKeys.knownHosts(hostKeys, as: Self.alias),
            file: location
        )
        defer { folder.remove() }
        let result: ProcessResult
        do throws(ProcessError) {
            result = try await services.processes.run(request(to: target, in: folder, context))
        } catch {
            throw error.failure
        }
        guard case .exited(0) = result.ending else { throw failure(result) }
        return ["path": .string(path), "bytes": JSON(open.count)]
    }

    private func request(to target: IPAddress, in folder: SFTPFolder, _ context: ActionContext) -> ProcessRequest {
        let options = [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=\(folder.path)/known_hosts",
            "GlobalKnownHostsFile=/dev/null", "HostKeyAlias=\(Self.alias)", "CheckHostIP=no", "UpdateHostKeys=no",
            "VerifyHostKeyDNS=no", "IdentityFile=\(folder.path)/key", "IdentitiesOnly=yes", "IdentityAgent=none",
            "PreferredAuthentications=publickey", "ClearAllForwardings=yes", "ControlPath=none", "ProxyCommand=none",
            "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=3", "LogLevel=ERROR",
        ]
        let host = target.bytes.count == 16 ? "[\(target)]" : "\(target)"
        return ProcessRequest(
            program: "sftp",
            arguments: ["-b", "-", "-F", "/dev/null", "-P", "\(address.port)"] + options.flatMap { ["-o", $0] }
                + ["\(address.user)@\(host)"],
            directory: folder.path,
            input: Array(commands(spare: context.spareFile).utf8)
        )
    }

    /// What the program is to do: the file appears under its name once it is whole.
    private func commands(spare: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let temporary = (parts.dropLast().map(String.init) + [spare]).joined(separator: "/")
        return "put -f file \(Self.quoted(temporary))\nrename \(Self.quoted(temporary)) \(Self.quoted(path))\n"
    }

    /// A path as one word of the program's commands; a relative one is never taken for an option.
    private static func quoted(_ path: String) -> String {
        let path = path.hasPrefix("/") ? path : "./" + path
        return "\"" + path.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private func failure(_ result: ProcessResult) -> StepFailure {
        let words = result.errors.text
        // The first line says what is wrong; those behind it, that the program ends.
        let cause = words.split(whereSeparator: \.isNewline).first.map { String($0.prefix(300)).showingControls } ?? ""
        let server = "'\(address.place)'"
        if words.contains("Host key verification failed") {
            return .final(
                "\(server) has another key than those of 'host_key', so nothing was sent; ask its owner whether the key was "
                    + "changed, then run 'ssh-keyscan -p \(address.port) \(address.host)'"
            )
        }
        if words.contains("Load key ") {
            return .final("the secret of 'key' is not a private key without a passphrase, in OpenSSH's or PEM format")
        }
        if words.contains("Permission denied (") {
            return .final("\(server) does not accept the key of 'key' for the user '\(address.user)'")
        }
        // 255: there was no connection, or it broke; all else is about the file.
        if case .exited(255) = result.ending {
            return StepFailure("\(server) did not answer: \(cause)", isOutage: true)
        }
        return StepFailure("\(server) did not take the file: \(cause)", output: ["stderr": .string(words)])
    }
}
