import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignTerminal
import Foundation

/// The flags that say whom a command asks: the store on this machine, or a server elsewhere.
struct ClientOptions: ParsableArguments {
    @OptionGroup var local: SettingsOptions

    @Option(
        help: ArgumentHelp(
            "Ask the server whose admin pages are at this URL instead of the store on this machine; https except on this "
                + "machine. The token is read from \(Settings.clientTokenName).",
            valueName: "url"
        )
    )
    var server: String?

    @Option(
        help: ArgumentHelp("With --server: read the token from this file.", valueName: "file"),
        completion: .file()
    )
    var tokenFile: String?

    func validate() throws {
        guard server != nil || tokenFile == nil else { throw ValidationError("--token-file requires --server") }
        guard server == nil || local.store == nil else {
            throw ValidationError("--server and --store exclude each other: give only one")
        }
    }

    /// The settings of this machine.
    ///
    /// - Throws: `UsageError`.
    func settings(in environment: CommandEnvironment) throws -> Settings { try local.settings(in: environment) }

    /// Whoever answers and carries out what the command asks for.
    ///
    /// - Throws: `UsageError`.
    func client(in environment: CommandEnvironment) throws -> CommandClient {
        let settings = try settings(in: environment)
        guard let server else { return CommandClient(environment: environment, settings: settings) }
        let transport = HTTPTransport(
            try ServerURL(server),
            token: try token(in: environment),
            tls: try settings.outgoingTLS(),
            client: environment.client
        )
        return CommandClient(
            environment: environment,
            settings: settings,
            server: RemoteClient(transport),
            answering: transport.answering
        )
    }

    private func token(in environment: CommandEnvironment) throws -> String? {
        guard let tokenFile else {
            let text = environment.variables[Settings.clientTokenName]?.trimmingCharacters(in: .whitespacesAndNewlines)
            guard let text, !text.isEmpty else { return nil }
            return try HeaderSecret.checked(text, name: Settings.clientTokenName)
        }
        guard let data = OutsideFile.contents(at: tokenFile.absolute(from: environment.workingDirectory)) else {
            throw UsageError("--token-file: '\(tokenFile)' cannot be read; check that it exists and is readable")
        }
        let token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty else { throw UsageError("--token-file: '\(tokenFile)' is empty") }
        return try HeaderSecret.checked(token, name: "the token in '\(tokenFile)'")
    }
}

/// The URL of a server's admin pages, which `--server` gives.
struct ServerURL: Sendable {
    /// The URL without a slash at its end.
    let text: String

    /// - Throws: `UsageError` where it is no URL of a server, or would send the token unencrypted.
    init(_ text: String) throws(UsageError) {
        guard let url = URL(string: text), let scheme = url.scheme, let host = url.host(), !host.isEmpty,
            ["http", "https"].contains(scheme), url.query() == nil, url.fragment() == nil, url.user() == nil
        else {
            throw UsageError("--server: '\(text)' is not the URL of a server; write https://countersign.example.com")
        }
        guard scheme == "https" || Settings.isLoopback(host.trimmingCharacters(in: ["[", "]"])) else {
            throw UsageError("--server: '\(text)' would send the token unencrypted; use https://")
        }
        self.text = text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
