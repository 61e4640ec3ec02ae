import CountersignCore
import Tracing

/// A worker's sitting over a run, as it is recorded.
package struct RunTrace: Sendable {
    private let span: RecordedSpan
    private let recorder: SpanRecorder

    init(span: RecordedSpan, recorder: SpanRecorder) {
        self.span = span
        self.recorder = recorder
    }

    /// Begins to record an attempt at a step.
    package func step(_ id: String, action: String, attempt: Int) -> StepTrace {
        let span = recorder.startSpan("step", context: span.context, ofKind: .client)
        span.attributes["countersign.step.id"] = id
        span.attributes["countersign.step.action"] = action
        span.attributes["countersign.step.attempt"] = attempt
        return StepTrace(span: span)
    }

    /// The sitting ended: the run succeeded, failed, or goes on later.
    package func end(_ state: String, failure: String? = nil) {
        span.attributes["countersign.run.state"] = state
        if let failure { span.fail(with: failure) }
        span.end()
    }
}

/// An attempt at a step, as it is recorded.
package struct StepTrace: Sendable {
    private let span: RecordedSpan

    init(span: RecordedSpan) {
        self.span = span
    }

    /// What is sent on to whom the step asks.
    package var traceparent: String? { span.traceContext?.traceparent }

    /// The attempt ended.
    ///
    /// - Parameters:
    ///   - status: How, in one word.
    ///   - destination: The host and port, or the program, that it went to.
    ///   - answer: The status code of the answer, where there was one.
    ///   - failure: Reason, secrets masked; nil where it did not.
    package func end(_ status: String, to destination: String? = nil, answer: Int? = nil, failure: String? = nil) {
        span.attributes["countersign.step.status"] = status
        if let destination { span.attributes["server.address"] = destination }
        if let answer { span.attributes["http.response.status_code"] = answer }
        if let failure { span.fail(with: failure) }
        span.end()
    }
}

extension RecordedSpan {
    /// Marks the span as failed, with the reason as an exception, as the semantic conventions want it.
    fileprivate func fail(with reason: String) {
        let reason = SystemEvent.excerpt(reason)
        setStatus(SpanStatus(code: .error, message: reason))
        addEvent(
            SpanEvent(
                name: "exception",
                attributes: ["exception.type": "StepFailure", "exception.message": .string(reason)]
            )
        )
    }
}
