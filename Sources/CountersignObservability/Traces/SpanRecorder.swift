import CountersignCore
import Tracing

/// Records spans, and hands each to `export` when it ends.
struct SpanRecorder: Tracer {
    private let makeID: @Sendable () -> SpanID
    private let export: @Sendable (FinishedSpan) -> Void

    init(makeID: @escaping @Sendable () -> SpanID, export: @escaping @Sendable (FinishedSpan) -> Void) {
        self.makeID = makeID
        self.export = export
    }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> InstrumentationContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function _: String,
        file _: String,
        line _: UInt
    ) -> RecordedSpan {
        let context = context()
        guard let place = context.place else {
            // What belongs to no event's way is no part of any trace.
            return RecordedSpan(context: context, name: operationName, recording: nil)
        }
        let recording = RecordedSpan.Recording(
            context: TraceContext(trace: place.trace, span: place.chosen ?? makeID()),
            parent: place.parent,
            kind: kind,
            start: instant().nanosecondsSinceEpoch,
            export: export
        )
        var inner = context
        inner.place = TracePosition(trace: place.trace, parent: recording.context.span)
        return RecordedSpan(context: inner, name: operationName, recording: recording)
    }

    func startAnySpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> InstrumentationContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> any Tracing.Span {
        startSpan(
            operationName,
            context: context(),
            ofKind: kind,
            at: instant(),
            function: function,
            file: fileID,
            line: line
        )
    }

    /// Nothing is kept here.
    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let place = context.place, let span = place.parent else { return }
        let text = TraceContext(trace: place.trace, span: span).traceparent
        injector.inject(text, forKey: TraceContext.header, into: &carrier)
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout InstrumentationContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let text = extractor.extract(key: TraceContext.header, from: carrier),
            let found = TraceContext(traceparent: text)
        else { return }
        context.place = TracePosition(trace: found.trace, parent: found.span)
    }
}

/// Where the next span stands.
struct TracePosition: Sendable {
    let trace: TraceID
    var parent: SpanID?

    /// The id that it is to have; nil for any.
    var chosen: SpanID?
}

extension InstrumentationContext {
    private enum Key: InstrumentationContextKey {
        typealias Value = TracePosition
    }

    /// Where the next span stands; nil outside every trace.
    var place: TracePosition? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }

    /// A context in which the next span is at `place`.
    init(at place: TracePosition) {
        self = .topLevel
        self.place = place
    }
}
