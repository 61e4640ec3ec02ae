import Synchronization
import Tracing

/// A span that lasts.
final class RecordedSpan: Span {
    /// What a span that is part of a trace has from its beginning.
    struct Recording: Sendable {
        let context: TraceContext
        let parent: SpanID?
        let kind: SpanKind
        let start: UInt64
        let export: @Sendable (FinishedSpan) -> Void
    }

    private struct State {
        var name: String
        var attributes: SpanAttributes = [:]
        var events: [SpanEvent] = []
        var links: [TraceContext] = []
        var status: SpanStatus?
        var hasEnded = false
    }

    let context: InstrumentationContext
    private let recording: Recording?
    private let state: Mutex<State>

    /// A span that is recorded, or only carries its context on.
    init(context: InstrumentationContext, name: String, recording: Recording?) {
        self.context = context
        self.recording = recording
        state = Mutex(State(name: name))
    }

    /// What is sent on to who acts for the span; nil outside every trace.
    var traceContext: TraceContext? { recording?.context }

    var isRecording: Bool { recording != nil && !state.withLock { $0.hasEnded } }

    var operationName: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }

    var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { state.withLock { $0.attributes = newValue } }
    }

    func setStatus(_ status: SpanStatus) {
        state.withLock { $0.status = status }
    }

    func addEvent(_ event: SpanEvent) {
        state.withLock { $0.events.append(event) }
    }

    func addLink(_ link: SpanLink) {
        guard let place = link.context.place, let span = place.parent else { return }
        state.withLock { $0.links.append(TraceContext(trace: place.trace, span: span)) }
    }

    func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes["exception.type"] = "\(type(of: error))"
        attributes["exception.message"] = "\(error)"
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
    }

    func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let recording else { return }
        let end = instant().nanosecondsSinceEpoch
        let last = state.withLock { state -> State? in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            return state
        }
        guard let last else { return }
        recording.export(
            FinishedSpan(
                context: recording.context,
                parent: recording.parent,
                name: last.name,
                kind: recording.kind,
                start: recording.start,
                // A clock that was set back ends no span before it began.
                end: max(recording.start, end),
                attributes: last.attributes,
                events: last.events,
                links: last.links,
                status: last.status
            )
        )
    }
}
