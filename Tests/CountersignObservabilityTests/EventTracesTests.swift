import CountersignCore
import CountersignObservability
import Foundation
import Synchronization
import Testing

/// What is recorded of an event's way, as a collector reads it.
struct EventTracesTests {
    private final class Collector: Sendable {
        let spans = Mutex<[JSON]>([])
    }

    private let collector = Collector()
    private let traces: EventTraces

    init() {
        let collector = collector
        traces = EventTraces(identity: "store") { span in collector.spans.withLock { $0.append(span.json) } }
    }

    private var spans: [JSON] { collector.spans.withLock { $0 } }

    private static func event(_ id: Int64, _ payload: JSON = [:], origin: Event.Origin = .callback) -> Event {
        Event(id: .init(rawValue: id), name: "X", payload: payload, origin: origin, receivedAt: .now)
    }

    private static func run(for event: Event) -> Run {
        Run(
            id: .init(rawValue: 5),
            eventID: event.id,
            ruleID: "r",
            ruleSet: .init(rawValue: "v"),
            state: .running,
            dueAt: .now,
            retries: 0,
            createdAt: .now,
            finishedAt: nil
        )
    }

    private func attribute(_ name: String, of span: JSON) -> JSON? {
        span["attributes"]?.array?.first { $0["key"] == .string(name) }?["value"]
    }

    @Test func `delivery, match, run and step hang together, also when they are recorded by different processes`() {
        let event = Self.event(1)
        traces.delivered(event.id, name: "X", isNew: true, since: .now)
        traces.matched(event, rules: ["r"], ruleSet: .init(rawValue: "v"), since: .now)
        // What a second process knows is the store only.
        let collector = collector
        let later = EventTraces(identity: "store") { span in collector.spans.withLock { $0.append(span.json) } }
        let run = later.run(Self.run(for: event), for: event)
        let step = run.step("erp", action: "http", attempt: 2)
        step.end("failed", to: "erp:443", answer: 500, failure: "it answered 500")
        run.end("queued")
        let names = spans.map { $0["name"]?.string ?? "" }
        #expect(names == ["delivery", "match", "step", "run"])
        #expect(Set(spans.map { $0["traceId"] }).count == 1)
        #expect(spans[0]["parentSpanId"] == nil && spans[1]["parentSpanId"] == spans[0]["spanId"])
        #expect(spans[3]["parentSpanId"] == spans[1]["spanId"] && spans[2]["parentSpanId"] == spans[3]["spanId"])
        let trace = TraceID(store: "store", event: event)
        #expect(spans[0]["traceId"] == .string(trace.description))
        #expect(step.traceparent == "00-\(trace)-\(spans[2]["spanId"]?.string ?? "")-01")
    }

    @Test func `a step that failed has a status, and the reason as an exception`() throws {
        let run = traces.run(Self.run(for: Self.event(1)), for: Self.event(1))
        run.step("erp", action: "http", attempt: 1).end("failed", answer: 500, failure: "no luck")
        let span = try #require(spans.first)
        #expect(span["kind"] == 3 && span["status"] == ["code": 2, "message": "no luck"])
        #expect(span["events"]?.array?.first?["name"] == "exception")
        #expect(attribute("http.response.status_code", of: span) == ["intValue": "500"])
        #expect(attribute("countersign.step.attempt", of: span) == ["intValue": "1"])
        let times = ["startTimeUnixNano", "endTimeUnixNano"].compactMap { span[$0]?.string.flatMap { UInt64($0) } }
        #expect(times.count == 2 && times[0] <= times[1] && times[0] > 1_000_000_000_000_000_000)
    }

    @Test func `an event that a rule raised goes on in the trace of the first one, behind its match`() {
        let first = Self.event(1)
        let raised = Self.event(9, ["countersign": ["parent": 4, "root": 1, "chain": ["A", "B"]]], origin: .rule)
        let forged = Self.event(9, ["countersign": ["parent": 4, "root": 1, "chain": ["A", "B"]]])
        traces.matched(Self.event(4), rules: [], ruleSet: .init(rawValue: "v"), since: .now)
        traces.matched(raised, rules: ["a", "b"], ruleSet: .init(rawValue: "v"), since: .now)
        traces.matched(forged, rules: [], ruleSet: .init(rawValue: "v"), since: .now)
        #expect(spans[1]["traceId"] == .string(TraceID(store: "store", event: first).description))
        #expect(spans[1]["parentSpanId"] == spans[0]["spanId"])
        let rules: JSON = ["arrayValue": ["values": [["stringValue": "a"], ["stringValue": "b"]]]]
        #expect(attribute("countersign.rules", of: spans[1]) == rules)
        #expect(spans[2]["traceId"] != spans[1]["traceId"], "a stranger's claim is not believed")
    }

    @Test func `the trace of who sent a callback is linked, and not taken over`() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        traces.delivered(.init(rawValue: 3), name: "X", isNew: true, caller: .init(traceparent: text), since: .now)
        #expect(spans[0]["traceId"] == .string(TraceID(store: "store", first: .init(rawValue: 3)).description))
        #expect(spans[0]["parentSpanId"] == nil)
        let link: JSON = ["traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7"]
        #expect(spans[0]["links"] == [link])
    }

    @Test func `a span ends once`() {
        let run = traces.run(Self.run(for: Self.event(1)), for: Self.event(1))
        run.end("succeeded")
        run.end("interrupted")
        #expect(spans.count == 1)
        #expect(attribute("countersign.run.state", of: spans[0]) == ["stringValue": "succeeded"])
    }

    @Test func `a callback that comes again hangs from the first one`() {
        traces.delivered(.init(rawValue: 3), name: "X", isNew: true, since: .now)
        traces.delivered(.init(rawValue: 3), name: "X", isNew: false, since: .now)
        #expect(spans[1]["parentSpanId"] == spans[0]["spanId"] && spans[1]["spanId"] != spans[0]["spanId"])
        #expect(attribute("countersign.delivery.result", of: spans[1]) == ["stringValue": "duplicate"])
    }
}
