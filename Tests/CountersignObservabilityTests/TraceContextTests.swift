import CountersignCore
import CountersignObservability
import Testing

struct TraceContextTests {
    @Test(arguments: [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", true),
        ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later", true),
    ])
    func `a header is read as the specification wants it`(text: String, isSampled: Bool) throws {
        let context = try #require(TraceContext(traceparent: text))
        #expect(context.trace.description == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.span.description == "00f067aa0ba902b7" && context.isSampled == isSampled)
        #expect(TraceContext(traceparent: context.traceparent) == context)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ])
    func `a header that is none is ignored as a whole`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func `the trace of an event is the same at any time, and another one in another store`() {
        let id = Event.ID(rawValue: 7)
        let trace = TraceID(store: "0123456789abcdef", first: id)
        #expect(trace == TraceID(store: "0123456789abcdef", first: id))
        #expect(trace != TraceID(store: "0123456789abcdee", first: id))
        #expect(trace != TraceID(store: "0123456789abcdef", first: .init(rawValue: 8)))
        #expect(TraceID(trace.description) == trace)
    }
}
