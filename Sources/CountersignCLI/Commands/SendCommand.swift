import ArgumentParser
import AsyncHTTPClient
import CountersignCore
import CountersignOneSpan
import CountersignOutbound
import CountersignServer
import CountersignTerminal
import Foundation
import NIOCore
import NIOHTTP1

/// `countersign send`: posts payloads as the vendor does.
struct SendCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send payloads to a server as OneSpan Sign does.",
        discussion: """
            Without a file, give a published sample by its name:
              countersign send PACKAGE_COMPLETE

            The key is that of the settings (COUNTERSIGN_CALLBACK_KEY or callback.key_file). As OneSpan Sign
            does, it sends the key as is, an empty User-Agent, and waits 20 seconds for a response.

            The published samples are of 2018. With --now they are stamped with the present time, so that rules with
            time see them as new:
              countersign send --now PACKAGE_ACTIVATE

            There is a sample of every event of OneSpan Sign (see: countersign reference events), and
            DOCUMENT_SIGNED-consent.
            """
    )

    @Argument(
        help: ArgumentHelp("Files, folders, - for standard input, or sample names.", valueName: "payload"),
        completion: .payloads
    )
    var payloads: [String]

    @Option(help: ArgumentHelp("The URL to post to (default: the server of the settings).", valueName: "url"))
    var to: String?

    @Option(help: ArgumentHelp("The account to post for, where the settings name several.", valueName: "name"))
    var account: String?

    @Flag(help: "Set each payload's createdDate to the present time.")
    var now = false

    @Flag(help: "Print one JSON object per line for each response.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment).selecting(account: account)
        let sources = try PayloadReader(workingDirectory: environment.workingDirectory).sources(payloads)
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        let ownScheme = settings.certificate == nil ? "http" : "https"
        let url = to ?? "\(ownScheme)://\(host):\(settings.port)\(settings.callback.path)"
        guard let scheme = URL(string: url)?.scheme, ["http", "https"].contains(scheme) else {
            throw UsageError("'\(url)' is not an http or https URL")
        }
        let key = try settings.callbackKeys(environment.variables).first
        var refusals = 0
        for source in sources {
            let body = now ? try stamped(source, at: environment.clock.now) : source.body
            let answer = try await post(body, to: url, key: key, through: environment.client)
            if answer.status != 200 { refusals += 1 }
            show(answer, source)
        }
        if refusals > 0 { throw ExitCode(1) }
    }

    /// The payload with the present time as its `createdDate`.
    private func stamped(_ source: PayloadReader.Source, at now: Date) throws -> [UInt8] {
        guard var payload = (try? JSON(parsing: source.body))?.object else {
            throw UsageError("'\(source.name.printable)' is not a JSON object, so it cannot be stamped with --now")
        }
        payload["createdDate"] = .string(now.rfc3339)
        return JSON.object(payload).bytes
    }

    private struct Answer {
        let status: UInt
        let body: String
    }

    private func post(
        _ body: [UInt8],
        to url: String,
        key: CallbackKey?,
        through client: HTTPClient
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
        request.headers.add(name: "User-Agent", value: "")
        if let key { request.headers.add(name: "Authorization", value: "Basic \(key.value)") }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let answer = try await client.execute(request, timeout: .seconds(20))
            let text = try await answer.body.collect(upTo: 64 * 1_024)
            return Answer(status: answer.status.code, body: String(buffer: text))
        } catch {
            throw CommandFailure(
                "no response from \(url) (\(NetworkError(error).cause)); is 'countersign serve' running?"
            )
        }
    }

    private func show(_ answer: Answer, _ source: PayloadReader.Source) {
        if json {
            let body = (try? JSON(parsing: answer.body)) ?? .string(answer.body)
            let line: JSON = ["source": .string(source.name), "status": JSON(answer.status), "answer": body]
            print(line.text)
        } else {
            print("\(source.name.printable)  \(answer.status)  \(answer.body.printable)")
        }
    }
}
