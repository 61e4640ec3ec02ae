package import CountersignCore
import Crypto
import Tracing

/// Records the ways of events as traces: delivery, match, runs and their steps.
///
/// A trace leads over restarts: its id, and the ids of the spans that others hang from, are worked out of what the store
/// knows.
package struct EventTraces: Sendable {
    private let identity: String
    private let recorder: SpanRecorder

    /// Traces of the events of the store of this identity; `export` is called with each span when it ends.
    package init(identity: String, export: @escaping @Sendable (FinishedSpan) -> Void) {
        self.identity = identity
        recorder = SpanRecorder(makeID: { SpanID(.random(in: 1 ... .max)) }, export: export)
    }

    /// Records that a callback was accepted.
    ///
    /// - Parameters:
    ///   - event: The number of its event.
    ///   - name: The event's name.
    ///   - isNew: Whether the event was not there yet.
    ///   - caller: Where in a trace of its own who sent the callback stands. It is linked and not followed: a stranger
    ///     does not choose the trace of an event.
    ///   - start: When the callback was there as a whole.
    package func delivered(
        _ event: Event.ID,
        name: String,
        isNew: Bool,
        caller: TraceContext? = nil,
        since start: Moment
    ) {
        let trace = TraceID(store: identity, first: event)
        let root = spanID("delivery", event)
        let place = isNew ? TracePosition(trace: trace, chosen: root) : TracePosition(trace: trace, parent: root)
        let span = recorder.startSpan("delivery", context: .init(at: place), ofKind: .server, at: start.instant)
        span.attributes["countersign.event.id"] = event.rawValue
        span.attributes["countersign.event.name"] = Self.shown(name)
        span.attributes["countersign.delivery.result"] = isNew ? "stored" : "duplicate"
        span.attributes["http.request.method"] = "POST"
        span.attributes["http.response.status_code"] = 200
        if let caller {
            let place = TracePosition(trace: caller.trace, parent: caller.span)
            span.addLink(SpanLink(context: .init(at: place), attributes: [:]))
        }
        span.end()
    }

    /// Records that an event was evaluated and its runs were made.
    package func matched(_ event: Event, rules: [String], ruleSet: RuleSetVersion, since start: Moment) {
        let parent: SpanID? =
            if let raiser = Lineage(of: event).parent {
                spanID("match", raiser)
            } else {
                event.origin == .callback ? spanID("delivery", event.id) : nil
            }
        let place = TracePosition(trace: trace(of: event), parent: parent, chosen: spanID("match", event.id))
        let span = recorder.startSpan("match", context: .init(at: place), ofKind: .internal, at: start.instant)
        span.attributes["countersign.event.id"] = event.id.rawValue
        span.attributes["countersign.event.name"] = Self.shown(event.name)
        span.attributes["countersign.event.origin"] = event.origin.rawValue
        span.attributes["countersign.rules"] = rules
        span.attributes["countersign.rule_set"] = ruleSet.short
        span.end()
    }

    /// Begins to record a worker's sitting over a run, which lasts until the run ends, waits or is handed back.
    package func run(_ run: Run, for event: Event) -> RunTrace {
        let place = TracePosition(trace: trace(of: event), parent: spanID("match", event.id))
        let span = recorder.startSpan("run", context: .init(at: place), ofKind: .internal)
        span.attributes["countersign.event.id"] = event.id.rawValue
        span.attributes["countersign.event.name"] = Self.shown(event.name)
        span.attributes["countersign.run.id"] = run.id.rawValue
        span.attributes["countersign.run.retries"] = run.retries
        span.attributes["countersign.rule.id"] = run.ruleID
        return RunTrace(span: span, recorder: recorder)
    }

    private func trace(of event: Event) -> TraceID { TraceID(store: identity, event: event) }

    /// The id of the one span of its kind that an event has.
    private func spanID(_ kind: String, _ event: Event.ID) -> SpanID {
        let digest = SHA256.hash(data: Array("countersign \(kind) \(identity) \(event)".utf8))
        return SpanID(digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// A name may be as long as a body.
    private static func shown(_ name: String) -> String { String(name.prefix(100)) }
}

extension EventTraces {
    /// A moment at which something began, to be reported later.
    package struct Moment: Sendable {
        fileprivate let instant: DefaultTracerClock.Timestamp

        /// This moment.
        package static var now: Moment { Moment(instant: DefaultTracerClock.now) }
    }
}
