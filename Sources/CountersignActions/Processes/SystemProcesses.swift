import Foundation
import Glibc
import Subprocess
import SystemPackage

/// Programs on this machine, each in a session of its own.
package struct SystemProcesses: ProcessRunning {
    /// The variables that a program inherits; all others stay here.
    package static let inheritedVariables = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"]

    /// More than a pipe holds: what comes behind it was written after the program's end, by something that escaped.
    private static let mostAfterEnd = 1_024 * 1_024

    // A program that does not read its input must cost us an error, not our life.
    private static let ignoresBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

    private let inherited: [String: String]
    private let limits: ProcessLimits
    private let marks: ProcessMarks
    private let grace: Duration

    /// - Parameters:
    ///   - environment: The variables of this process, of which a few are handed on.
    ///   - limits: What each program may use.
    ///   - owner: A word that no other owner of programs on this machine has; with it, those of a dead owner are found.
    ///   - grace: How long a program may take to end once it is asked to.
    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        limits: ProcessLimits = ProcessLimits(),
        owner: String = UUID().uuidString,
        grace: Duration = .seconds(3)
    ) {
        self.grace = grace
        self.limits = limits
        marks = ProcessMarks(owner: owner)
        inherited = environment.filter { Self.inheritedVariables.contains($0.key) }
    }

    package func run(_ request: ProcessRequest) async throws(ProcessError) -> ProcessResult {
        if Task.isCancelled { throw .cancelled }
        Self.ignoresBrokenPipes
        let mark = marks.next()
        var environment = inherited.merging(request.environment) { _, own in own }
            .merging([ProcessMarks.variable: mark]) { _, ours in ours }
        if let traceparent = OutgoingTrace.traceparent, environment[OutgoingTrace.variable] == nil {
            environment[OutgoingTrace.variable] = traceparent
        }
        let limited = try limits.applied(to: request, path: environment["PATH"])
        var group: pid_t?
        let outcome: Result<ProcessResult, any Error>
        do {
            outcome = .success(try await run(limited, in: environment) { group = $0 })
        } catch {
            outcome = .failure(error)
        }
        let isCancelled = Task.isCancelled
        if let group {
            await endGroup(group, gently: isCancelled)
            await Orphans.end(of: group, markedBy: mark)
        }
        if isCancelled { throw .cancelled }
        do {
            return try outcome.get()
        } catch {
            throw Self.error(for: error, request, path: environment["PATH"])
        }
    }

    private func run(
        _ request: ProcessRequest,
        in environment: [String: String],
        started: (pid_t) -> Void
    ) async throws -> ProcessResult {
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment {
            if let key = Environment.Key(rawValue: name) { variables[key] = value }
        }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: grace)
        ]
        let configuration = Configuration(
            executable: request.program.contains("/") ? .path(FilePath(request.program)) : .name(request.program),
            arguments: Arguments(request.arguments),
            environment: .custom(variables),
            workingDirectory: FilePath(request.directory),
            platformOptions: options
        )
        let result = try await Subprocess.run(configuration, input: .inputWriter, output: .sequence, error: .sequence) {
            execution in
            let leader = execution.processIdentifier.value
            started(leader)
            let (standardOutput, standardError) = (execution.standardOutput, execution.standardError)
            let writer = execution.standardInputWriter
            // A program that is asked to end may still write; with nobody reading, a broken pipe would end it at once.
            return try await Task {
                async let input: Void = Self.feed(request.input, to: writer)
                async let output = Self.collect(standardOutput, of: leader, keeping: request.keptBytes)
                async let errors = Self.collect(standardError, of: leader, keeping: request.keptBytes)
                let kept = (try await output, try await errors)
                try await input
                return kept
            }
            .value
        }
        let ending: ProcessResult.Ending =
            switch result.terminationStatus {
            case .exited(let code): .exited(Int(code))
            case .signaled(let signal): .signalled(Int(signal))
            }
        return ProcessResult(ending: ending, output: result.closureResult.0, errors: result.closureResult.1)
    }

    private static func feed(_ input: [UInt8], to writer: StandardInputWriter) async throws {
        do {
            _ = try await writer.write(input)
        } catch let error where error.underlyingError == .brokenPipe {
            // The program does not want to read on; that is its right.
        }
        try await writer.finish()
    }

    /// Reads an output until its end, or until the program has ended and what it wrote is read.
    private static func collect(
        _ stream: SubprocessOutputSequence,
        of leader: pid_t,
        keeping limit: Int
    ) async throws -> KeptOutput {
        var kept = KeptOutput(limit: limit)
        var countAtEnd: Int?
        for try await buffer in stream {
            buffer.withUnsafeBytes { kept.append($0) }
            if countAtEnd == nil, hasEnded(leader) {
                // Something it left behind goes on writing.
                kill(-leader, SIGKILL)
                countAtEnd = kept.count
            }
            if let countAtEnd, kept.count - countAtEnd > mostAfterEnd { break }
        }
        return kept
    }

    /// Whether the program has ended; its exit status stays where it is.
    private static func hasEnded(_ process: pid_t) -> Bool {
        var info = siginfo_t()
        return waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// Ends what is left of a program's group; the number is not given anew while the group has a member.
    private func endGroup(_ group: pid_t, gently: Bool) async {
        if gently {
            // The caller is cancelled, so the wait needs a task that is not.
            await Task {
                let deadline = ContinuousClock.now + grace
                while kill(-group, 0) == 0, ContinuousClock.now < deadline {
                    guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
                }
            }
            .value
        }
        kill(-group, SIGKILL)
    }

    private static func error(for error: any Error, _ request: ProcessRequest, path: String?) -> ProcessError {
        guard let error = error as? SubprocessError else { return .lost(why: "\(error)") }
        switch error.code {
        case .executableNotFound where request.program.contains("/") && access(request.program, X_OK) == 0:
            let why = "the program is there, but it, or the interpreter that its first line names, cannot be started"
            return .notStarted(program: request.program, why: why, isPassing: false)
        case .executableNotFound:
            let place = request.program.contains("/") ? request.program : path ?? "which is not set"
            return .notFound(program: request.program, place: place)
        case .failedToChangeWorkingDirectory: return .noFolder(path: request.directory)
        case .spawnFailed:
            let number = error.underlyingError
            let isPassing = [.resourceTemporarilyUnavailable, .noMemory, .tooManyOpenFiles, .textFileBusy]
                .contains(number)
            let why = number.map { "\($0)" } ?? error.description
            return .notStarted(program: request.program, why: why, isPassing: isPassing)
        default: return .lost(why: error.description)
        }
    }
}
