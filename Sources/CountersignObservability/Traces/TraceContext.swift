package import CountersignCore

/// Where in a trace something happens, as the header `traceparent` tells it (W3C Trace Context, level 2).
package struct TraceContext: Sendable, Hashable {
    /// The trace: 16 bytes that are not all zero.
    package let trace: TraceID

    /// The span: 8 bytes that are not all zero, in hex digits.
    package let span: SpanID

    /// Whether whoever sent this records it.
    package let isSampled: Bool

    /// A position in a trace; `isSampled` becomes the flag `sampled` of the header.
    package init(trace: TraceID, span: SpanID, isSampled: Bool = true) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// Reads a header; nil for what the specification has ignored as a whole.
    package init?(traceparent text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, parts[0].isHex(digits: 2), parts[0] != "ff", parts[3].isHex(digits: 2),
            // Later versions may append more, this one has nothing behind the flags.
            parts[0] != "00" || parts.count == 4,
            let trace = TraceID(parts[1]), let span = SpanID(parts[2]), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        self.init(trace: trace, span: span, isSampled: flags & 1 == 1)
    }

    /// The name of the header.
    package static let header = "traceparent"

    /// The header's value.
    package var traceparent: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }
}

/// What tells a span from all others.
package struct SpanID: Sendable, Hashable, CustomStringConvertible {
    /// 16 hex digits.
    package let description: String

    /// Takes 16 hex digits in lower case that are not all zero.
    init?(_ text: String) {
        guard text.isHex(digits: 16), text.contains(where: { $0 != "0" }) else { return nil }
        description = text
    }

    /// Any id, made of `number`.
    package init(_ number: UInt64) {
        let digits = String(number == 0 ? 1 : number, radix: 16)
        description = String(repeating: "0", count: 16 - digits.count) + digits
    }
}
