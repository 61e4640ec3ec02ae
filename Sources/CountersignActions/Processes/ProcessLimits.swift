import Glibc

/// What a program and each of its descendants may use (setrlimit(2)); nil sets no bound.
package struct ProcessLimits: Sendable, Equatable {
    /// Time on a processor, in whole seconds; a program that has used it up is ended by a signal.
    package let cpu: Duration?

    /// Address space in bytes.
    package let memory: Int?

    /// Open files of one process.
    package let files: Int?

    /// Processes and threads of the user as whom we run, ours among them; root is not bound by it.
    package let processes: Int?

    package init(cpu: Duration? = nil, memory: Int? = nil, files: Int? = nil, processes: Int? = nil) {
        self.cpu = cpu
        self.memory = memory
        self.files = files
        self.processes = processes
    }

    /// The request for a program that starts with these limits.
    ///
    /// A shell sets them and then becomes the program: set from outside they would come after its first steps.
    func applied(to request: ProcessRequest, path: String?) throws(ProcessError) -> ProcessRequest {
        guard self != ProcessLimits() else { return request }
        let bounds = [
            cpu.map { "-t \(max(1, $0.components.seconds))" }, memory.map { "-v \(max(1, $0 / 1_024))" },
            files.map { "-n \($0)" }, processes.map { "-p \($0)" },
        ]
        let script = bounds.compactMap { $0 }.map { "ulimit \($0) && " }.joined() + #"exec "$@""#
        return ProcessRequest(
            program: "/bin/sh",
            arguments: ["-c", script, "countersign", try Self.place(of: request.program, path: path)]
                + request.arguments,
            directory: request.directory,
            environment: request.environment,
            input: request.input,
            keptBytes: request.keptBytes
        )
    }

    /// The path of a program, looked up as the system would.
    static func place(of program: String, path: String?) throws(ProcessError) -> String {
        if program.contains("/") {
            guard access(program, X_OK) == 0 else { throw .notFound(program: program, place: program) }
            return program
        }
        let folders = (path ?? "").split(separator: ":")
        guard let folder = folders.first(where: { access("\($0)/\(program)", X_OK) == 0 }) else {
            throw .notFound(program: program, place: path ?? "which is not set")
        }
        return "\(folder)/\(program)"
    }
}
