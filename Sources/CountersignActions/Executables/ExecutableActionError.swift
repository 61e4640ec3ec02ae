import CountersignCore

/// Why a program cannot serve as an action.
package struct ExecutableActionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong with the program.
    package enum Problem: Sendable, Equatable {
        case relativePath
        case process(ProcessError)
        case timeout(Duration)
        /// It ended with a failure; the text says how.
        case ended(String)
        case badAnswer(String)
    }

    /// The action's name in the settings.
    package let action: String

    /// The path of its program.
    package let program: String

    /// What it was asked for: `describe`, `plan` or `perform`.
    package let request: String

    /// Why the request was not answered as it must be.
    package let problem: Problem

    /// One sentence that names the action, the program and the problem.
    package var description: String {
        let what =
            switch problem {
            case .relativePath: "is not an absolute path; write the whole path"
            case .process(let error): "could not be started: \(error.failure.reason)"
            case .timeout(let limit): "did not answer '\(request)' within \(limit.text)"
            case .ended(let how): "failed on '\(request)': \(how)"
            case .badAnswer(let fault): "gave an answer to '\(request)' that is not understood: \(fault)"
            }
        return "action '\(action)': the program '\(program)' \(what)"
    }

    /// Whether the same request, made later, may be answered.
    var isPassing: Bool {
        switch problem {
        case .relativePath, .badAnswer: false
        case .process(let error): error.failure.isWorthRetrying
        case .timeout, .ended: true
        }
    }
}
