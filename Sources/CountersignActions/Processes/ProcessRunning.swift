package import CountersignCore

/// The way to run programs.
package protocol ProcessRunning: Sendable {
    /// Runs a program to its end, and ends what it leaves behind.
    ///
    /// When the task is cancelled, the program and all that it started are asked to end, then made to.
    func run(_ request: ProcessRequest) async throws(ProcessError) -> ProcessResult
}

/// A program to run, with all that it is given.
package struct ProcessRequest: Sendable {
    /// An absolute path, or a name that is looked up in PATH.
    package let program: String

    /// The arguments after the program's name, passed on unchanged: no shell reads them.
    package let arguments: [String]

    /// The absolute path of the folder to start in.
    package let directory: String

    /// Variables on top of the few that are inherited.
    package let environment: [String: String]

    /// What the program finds on its standard input.
    package let input: [UInt8]

    /// How many bytes are kept from the beginning, and as many from the end, of each of its two outputs.
    package let keptBytes: Int

    /// A program that starts in `directory`; by default, 32 KiB from each end of an output are kept.
    package init(
        program: String,
        arguments: [String] = [],
        directory: String,
        environment: [String: String] = [:],
        input: [UInt8] = [],
        keptBytes: Int = 32 * 1_024
    ) {
        self.program = program
        self.arguments = arguments
        self.directory = directory
        self.environment = environment
        self.input = input
        self.keptBytes = keptBytes
    }
}

/// How a program ended, and what it said.
package struct ProcessResult: Sendable, Equatable {
    /// How a program ended: with an exit status, or by a signal with this number (signal(7)).
    package enum Ending: Sendable, Equatable {
        case exited(Int)
        case signalled(Int)
    }

    /// The exit status or the signal of the program itself, not of its descendants.
    package let ending: Ending

    /// What was written to standard output.
    package let output: KeptOutput

    /// What was written to standard error.
    package let errors: KeptOutput

    /// A result; both outputs may have been shortened.
    package init(ending: Ending, output: KeptOutput, errors: KeptOutput) {
        self.ending = ending
        self.output = output
        self.errors = errors
    }
}

/// Why a program was not run to its end.
package enum ProcessError: Error, Sendable, Equatable {
    /// `place` is the path, or the PATH that was searched.
    case notFound(program: String, place: String)
    case noFolder(path: String)
    case notStarted(program: String, why: String, isPassing: Bool)
    /// The connection to the running program was lost.
    case lost(why: String)
    case cancelled
}

extension ProcessError {
    /// The failure of a step that ran the program.
    package var failure: StepFailure {
        switch self {
        case .notFound(let program, let place) where program == place:
            .final("there is no executable program at '\(program)'; check the path and its execute permission")
        case .notFound(let program, let place):
            .final("there is no program '\(program)' in PATH (\(place)); install it or give its path")
        case .noFolder(let path):
            .final("the folder '\(path)' that the program should start in cannot be entered; create it")
        case .notStarted(let program, let why, let isPassing):
            StepFailure("'\(program)' could not be started: \(why)", isWorthRetrying: isPassing, isOutage: isPassing)
        case .lost(let why): StepFailure("the program could not be monitored: \(why)")
        case .cancelled: StepFailure("the program was killed before it finished")
        }
    }
}
