import CountersignOutbound
import Foundation
import Glibc

/// Programs on this machine, each in a session of its own.
package struct SystemProcesses: ProcessRunning {
    /// The variables that a program inherits; all others stay here.
    package static let inheritedVariables = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"]

    // A program that does not read its input must cost us an error, not our life.
    private static let ignoresBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

    private let inherited: [String: String]
    private let limits: ProcessLimits
    private let marks: ProcessMarks
    private let grace: Duration
    private let threads = ProgramThreads()

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

    /// Runs a program on a thread of its own, in a session of its own.
    ///
    /// When the task is cancelled, the process group gets SIGTERM, and SIGKILL once the grace period has passed; then
    /// `ProcessError.cancelled` is thrown.
    package func run(_ request: ProcessRequest) async throws(ProcessError) -> ProcessResult {
        if Task.isCancelled { throw .cancelled }
        Self.ignoresBrokenPipes
        let mark = marks.next()
        var environment = inherited.merging(request.environment) { _, own in own }
            .merging([ProcessMarks.variable: mark]) { _, ours in ours }
        if let traceparent = OutgoingTrace.traceparent, environment[OutgoingTrace.variable] == nil {
            environment[OutgoingTrace.variable] = traceparent
        }
        let stop = ProgramStop()
        guard stop.descriptor >= 0 else {
            let why = String(cString: strerror(-stop.descriptor))
            throw .notStarted(program: request.program, why: why, isPassing: true)
        }
        let run = ProgramRun(
            request: request,
            environment: environment,
            limits: limits,
            mark: mark,
            grace: grace,
            stop: stop
        )
        let threads = threads
        let result = await withTaskCancellationHandler {
            await threads.perform { () -> Result<ProcessResult, ProcessError> in
                do throws(ProcessError) {
                    return .success(try run.perform())
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            stop.give()
        }
        stop.close()
        if Task.isCancelled { throw .cancelled }
        return try result.get()
    }
}
