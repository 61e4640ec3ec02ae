import CountersignCore
import SystemPackage

/// The program behind an action: it reads one JSON request and writes one JSON object.
struct ExecutableProgram: Sendable {
    /// How much of an answer is read.
    private static let longestAnswer = 1_024 * 1_024

    let action: String
    let path: String
    let arguments: [String]
    let processes: any ProcessRunning

    /// Asks `request`, whose kind is `name`, and gives the answer.
    ///
    /// The program starts in `folder`, or in its own folder where only words are wanted of it. Without a `limit` the time
    /// that it may take is the caller's business, who cancels.
    func ask(
        _ name: String,
        _ request: JSONObject,
        in folder: String? = nil,
        within limit: Duration?
    ) async throws(ExecutableActionError) -> JSONObject {
        var message: JSONObject = ["request": .string(name)]
        for member in request.members { message[member.key] = member.value }
        let result = try await run(name, input: JSON.object(message).bytes, in: folder, within: limit)
        guard case .exited(0) = result.ending else {
            throw error(name, .ended(result.failure(of: "it").reason))
        }
        guard result.output.isWhole else { throw error(name, .badAnswer("it is longer than 1 MiB")) }
        let answer: JSON
        do {
            answer = try JSON(parsing: result.output.text, limits: .answer)
        } catch {
            throw self.error(name, .badAnswer("\(error)"))
        }
        guard case .object(let object) = answer else {
            throw error(name, .badAnswer("it is \(answer.kind), not an object"))
        }
        return object
    }

    func error(_ request: String, _ problem: ExecutableActionError.Problem) -> ExecutableActionError {
        ExecutableActionError(action: action, program: path, request: request, problem: problem)
    }

    private func run(
        _ name: String,
        input: [UInt8],
        in folder: String?,
        within limit: Duration?
    ) async throws(ExecutableActionError) -> ProcessResult {
        let request = ProcessRequest(
            program: path,
            arguments: arguments,
            directory: folder ?? FilePath(path).removingLastComponent().string,
            input: input,
            keptBytes: Self.longestAnswer / 2
        )
        let first = await result(of: request, within: limit)
        if let limit, first == nil {
            throw error(name, Task.isCancelled ? .process(.cancelled) : .timeout(limit))
        }
        do throws(ProcessError) {
            return try (first ?? .failure(.cancelled)).get()
        } catch {
            // Where its own folder is missing, so is the program.
            if folder == nil, case .noFolder = error {
                throw self.error(name, .process(.notFound(program: path, place: path)))
            }
            throw self.error(name, .process(error))
        }
    }

    /// What came of the program; nil where the time was up before.
    private func result(
        of request: ProcessRequest,
        within limit: Duration?
    ) async -> Result<ProcessResult, ProcessError>? {
        await withTaskGroup(of: Result<ProcessResult, ProcessError>?.self) { [processes] group in
            group.addTask {
                do throws(ProcessError) {
                    return .success(try await processes.run(request))
                } catch {
                    return .failure(error)
                }
            }
            if let limit {
                group.addTask {
                    // A cancelled wait ends early; the program's own result says so then.
                    try? await Task.sleep(for: limit)
                    return nil
                }
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
