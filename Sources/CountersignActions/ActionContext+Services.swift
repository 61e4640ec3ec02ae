public import CountersignCore
import CountersignOutbound
public import Foundation

/// What an action of your own gets to act with; the built-in ones have the same.
extension ActionContext {
    /// The time now.
    public var now: Date { services.clock.now }

    /// The absolute path of the output folder, the setting `files.root`; it may not exist yet.
    public var outputFolder: String { services.outputRoot }

    /// A request over HTTP.
    public struct Request: Sendable {
        /// The method, such as `POST`.
        public var method: String

        /// The URL, http or https.
        public var url: String

        /// Headers by their names; `Idempotency-Key` is added.
        public var headers: [(name: String, value: String)]

        /// The body; nil sends none.
        public var body: [UInt8]?

        /// A request to `url`.
        public init(
            _ method: String,
            _ url: String,
            headers: [(name: String, value: String)] = [],
            body: [UInt8]? = nil
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
        }
    }

    /// What a server answered.
    public struct Response: Sendable {
        /// The status code.
        public let status: Int

        /// The headers in their order, with lower-case names.
        public let headers: [(name: String, value: String)]

        /// The first 64 KiB of the body.
        public let body: [UInt8]

        /// Whether the body was longer.
        public let isCut: Bool
    }

    /// Sends a request to an address that the settings allow, over TLS with a checked certificate where the URL says so.
    ///
    /// Redirects are not followed. The exchange is ended when the step's timeout is up.
    ///
    /// - Throws: `StepFailure` where there is no response; it says whether another attempt may help.
    public func send(_ request: Request) async throws(StepFailure) -> Response {
        let headers = request.headers.map { OutgoingRequest.Header($0.name, $0.value) }
        let key = OutgoingRequest.Header("Idempotency-Key", idempotencyKey)
        do throws(ExchangeError) {
            let answer = try await services.http.send(
                OutgoingRequest(method: request.method, url: request.url, headers: headers + [key], body: request.body)
            )
            return Response(
                status: answer.status,
                headers: answer.headers.map { ($0.name, $0.value) },
                body: answer.body,
                isCut: answer.isCut
            )
        } catch {
            throw StepFailure(
                "the request was not answered: \(error.reason)",
                isWorthRetrying: error.isPassing,
                isOutage: error.isOutage
            )
        }
    }

    /// A program to run.
    public struct Program: Sendable {
        /// An absolute path, or a name that is looked up in PATH.
        public var path: String

        /// Its arguments; none of them is read by a shell.
        public var arguments: [String]

        /// Environment variables beside the few that are passed on.
        public var environment: [String: String]

        /// What it finds on its standard input.
        public var input: [UInt8]

        /// A program with its arguments; it starts in the output folder.
        public init(
            _ path: String,
            _ arguments: [String] = [],
            environment: [String: String] = [:],
            input: [UInt8] = []
        ) {
            self.path = path
            self.arguments = arguments
            self.environment = environment
            self.input = input
        }
    }

    /// How a program ended.
    public struct ProgramResult: Sendable {
        /// The exit status; nil where a signal ended it.
        public let exitStatus: Int?

        /// Its standard output, at most the first and the last 32 KiB.
        public let output: String

        /// Its standard error, at most the first and the last 32 KiB.
        public let errors: String
    }

    /// Runs a program in the output folder, within the limits of the settings, and kills all that it leaves behind.
    ///
    /// - Throws: `StepFailure` where it cannot be started, or the step's timeout is up.
    public func run(_ program: Program) async throws(StepFailure) -> ProgramResult {
        let folder = services.outputRoot
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StepFailure("the output folder '\(folder)' cannot be created: \(error.localizedDescription)")
        }
        let key = ["COUNTERSIGN_IDEMPOTENCY_KEY": idempotencyKey]
        do throws(ProcessError) {
            let result = try await services.processes.run(
                ProcessRequest(
                    program: program.path,
                    arguments: program.arguments,
                    directory: folder,
                    environment: key.merging(program.environment) { $1 },
                    input: program.input
                )
            )
            let status: Int? = if case .exited(let status) = result.ending { status } else { nil }
            return ProgramResult(exitStatus: status, output: result.output.text, errors: result.errors.text)
        } catch {
            throw error.failure
        }
    }
}
