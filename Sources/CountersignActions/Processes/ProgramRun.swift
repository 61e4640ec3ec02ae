import CLinux
import Glibc

/// One program, from its start to the end of all that it left behind; a thread of its own sees to it.
struct ProgramRun {
    let request: ProcessRequest

    /// All variables of the program.
    let environment: [String: String]

    /// The mark that the program and its descendants carry.
    let mark: String

    /// How long the program may take to end once it is asked to.
    let grace: Duration

    let stop: ProgramStop

    /// Runs the program; one that is stopped has a result as well.
    func perform() throws(ProcessError) -> ProcessResult {
        var watch = ProgramWatch(program: try start(), request: request)
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
        let path = try place
        var program = linux_program()
        let status = Self.withTexts([request.program] + request.arguments) { arguments in
            Self.withTexts(environment.map { "\($0.key)=\($0.value)" }) { environment in
                linux_start_program(path, arguments, environment, request.directory, &program)
            }
        }
        guard status == 0 else { throw error(-status) }
        return program
    }

    /// The path of the program, looked up as the system would.
    private var place: String {
        get throws(ProcessError) {
            try ProcessLimits.place(of: request.program, path: environment["PATH"])
        }
    }

    private func error(_ number: CInt) -> ProcessError {
        var status = stat()
        let isFolder = stat(request.directory, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard isFolder, access(request.directory, X_OK) == 0 else { return .noFolder(path: request.directory) }
        let program = request.program
        switch number {
        case ENOENT, EACCES, ENOTDIR, ENOEXEC:
            let why = "the program is there, but it, or the interpreter that its first line names, cannot be started"
            return .notStarted(program: program, why: why, isPassing: false)
        default:
            let isPassing = [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(number)
            return .notStarted(program: program, why: String(cString: strerror(number)), isPassing: isPassing)
        }
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
