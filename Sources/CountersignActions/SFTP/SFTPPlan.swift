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
        let temporary = temporaryPath(context.spareFile)
        let commands = "put -f file \(Self.quoted(temporary))\nrename \(Self.quoted(temporary)) \(Self.quoted(path))\n"
        let result: ProcessResult
        do throws(ProcessError) {
            result = try await services.processes.run(request(to: target, in: folder, commands))
        } catch {
            // Nobody waits for a server any more when the step's time is up: the record says what may be there.
            let failure = error.failure
            throw StepFailure(
                failure.reason,
                isWorthRetrying: failure.isWorthRetrying,
                isOutage: failure.isOutage,
                output: ["temporary_file": .string(temporary)]
            )
        }
        guard case .exited(0) = result.ending else {
            let failure = failure(result)
            // The program repeats each command once it is connected: before, nothing was sent.
            guard result.output.text.contains("sftp> put") else { throw failure }
            let left = await remainder(of: temporary, after: result, context) { commands in
                request(to: target, in: folder, commands)
            }
            throw failure.adding(left, temporary)
        }
        return ["path": .string(path), "bytes": JSON(open.count)]
    }

    /// Removes what an attempt that failed left on the server.
    ///
    /// - Returns: Why it may still be there, as a part of a sentence; nil where it is not.
    private func remainder(
        of temporary: String,
        after result: ProcessResult,
        _ context: ActionContext,
        _ request: (String) -> ProcessRequest
    ) async -> String? {
        // The connection broke: a second one would only wait for the same server.
        if case .exited(255) = result.ending { return "the connection broke" }
        do throws(ProcessError) {
            let removal = try await context.services.processes.run(request("rm \(Self.quoted(temporary))\n"))
            if case .exited(0) = removal.ending { return nil }
            let words = removal.errors.text
            return words.contains("No such file") ? nil : Self.firstLine(of: words)
        } catch {
            return error.failure.reason
        }
    }

    /// The path under which the file is written until it is whole.
    private func temporaryPath(_ spare: String) -> String {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        return (parts.dropLast() + [spare]).joined(separator: "/")
    }

    private func request(to target: IPAddress, in folder: SFTPFolder, _ commands: String) -> ProcessRequest {
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
            input: Array(commands.utf8)
        )
    }

    /// A path as one word of the program's commands; a relative one is never taken for an option.
    private static func quoted(_ path: String) -> String {
        let path = path.utf8.first == UInt8(ascii: "/") ? path : "./" + path
        // By scalars: a combining mark behind a quote would make another character of it, but not for the program.
        let escaped = path.unicodeScalars.map { "\"\\".unicodeScalars.contains($0) ? "\\\($0)" : String($0) }.joined()
        return "\"\(escaped)\""
    }

    private func failure(_ result: ProcessResult) -> StepFailure {
        let words = result.errors.text
        let cause = Self.firstLine(of: words)
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

    /// What is wrong; the lines behind it say that the program ends.
    private static func firstLine(of words: String) -> String {
        words.split(whereSeparator: \.isNewline).first.map { String($0.prefix(300)).showingControls } ?? ""
    }
}

extension StepFailure {
    /// The failure with why a temporary file may still be on the server; nil where it is not.
    fileprivate func adding(_ left: String?, _ temporary: String) -> StepFailure {
        guard let left else { return self }
        return StepFailure(
            "\(reason); the temporary file '\(temporary.cut(to: 300).printable)' may be left there, since \(left); the next "
                + "attempt replaces it",
            isWorthRetrying: isWorthRetrying,
            isOutage: isOutage,
            output: output
        )
    }
}
