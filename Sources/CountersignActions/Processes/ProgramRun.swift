import CLinux
import Glibc

/// One program, from its start to the end of all that it left behind; a thread of its own sees to it.
struct ProgramRun {
    let request: ProcessRequest

    /// All variables of the program.
    let environment: [String: String]

    let limits: ProcessLimits

    /// The mark that the program and its descendants carry.
    let mark: String

    /// How long the program may take to end once it is asked to.
    let grace: Duration

    let stop: ProgramStop

    /// Runs the program; one that is stopped has a result as well.
    func perform() throws(ProcessError) -> ProcessResult {
        var watch = ProgramWatch(program: try start(), request: request)
        Orphans.begin(watch.process)
        var end: ContinuousClock.Instant?
        while !watch.hasEnded {
            watch.wait(for: stop.descriptor, until: end)
            if end == nil, watch.isStopped {
                kill(-watch.process, SIGTERM)
                end = .now + grace
            } else if let due = end, due <= .now {
                kill(-watch.process, SIGKILL)
                end = .now + .seconds(1)
            }
        }
        // A program that was asked to end may have left others that are still at it.
        let ending = watch.isStopped ? leaveTime(until: end ?? .now, &watch) : endGroup(&watch)
        Orphans.end(of: watch.process, markedBy: mark)
        watch.close()
        return ProcessResult(ending: ending, output: watch.output, errors: watch.errors)
    }

    /// Ends the group at once and takes what is left in the pipes.
    private func endGroup(_ watch: inout ProgramWatch) -> ProcessResult.Ending {
        // As long as the end of its program is not noted, nobody else is given the group's number.
        kill(-watch.process, SIGKILL)
        watch.drain()
        return watch.noteEnd()
    }

    /// Waits until the group is empty, and ends it when its time is up.
    private func leaveTime(until end: ContinuousClock.Instant, _ watch: inout ProgramWatch) -> ProcessResult.Ending {
        let ending = watch.noteEnd()
        while kill(-watch.process, 0) == 0, ContinuousClock.now < end {
            watch.drain()
            usleep(10_000)
        }
        kill(-watch.process, SIGKILL)
        return ending
    }
}

extension ProgramRun {
    private func start() throws(ProcessError) -> linux_program {
        let path = try Self.place(of: request.program, path: environment["PATH"])
        var program = linux_program()
        var obstacle = linux_obstacle_system
        let status = path.withCString { path in
            request.directory.withCString { directory in
                Self.withTexts([request.program] + request.arguments) { arguments in
                    Self.withTexts(environment.map { "\($0.key)=\($0.value)" }) { environment in
                        var start = linux_start(
                            path: path,
                            arguments: arguments,
                            environment: environment,
                            directory: directory,
                            limits: linux_limits(limits)
                        )
                        return linux_start_program(&start, &program, &obstacle)
                    }
                }
            }
        }
        guard status == 0 else { throw error(-status, obstacle) }
        return program
    }

    private func error(_ number: CInt, _ obstacle: linux_obstacle) -> ProcessError {
        let program = request.program
        let reason = String(cString: strerror(number))
        switch (obstacle, number) {
        case (linux_obstacle_directory, _): return .noFolder(path: request.directory)
        case (linux_obstacle_limits, _):
            let why =
                "its limits (the settings 'process_limits.…') cannot be set, perhaps because those of Countersign itself are lower: "
            return .notStarted(program: program, why: why + reason, isPassing: false)
        case (_, ENOENT), (_, EACCES), (_, ENOTDIR), (_, ENOEXEC):
            let why = "the program exists, but it, or the interpreter in its first line, cannot be started"
            return .notStarted(program: program, why: why, isPassing: false)
        default:
            let isPassing = [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(number)
            return .notStarted(program: program, why: reason, isPassing: isPassing)
        }
    }

    /// The path of a program, looked up as the system would.
    private static func place(of program: String, path: String?) throws(ProcessError) -> String {
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

    /// Lends `texts` as C has them: each with a NUL behind it, and a null pointer behind the last.
    private static func withTexts(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> CInt
    ) -> CInt {
        let pointers = texts.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { $0.baseAddress.map(body) ?? -EINVAL }
    }
}
