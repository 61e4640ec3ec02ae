package import CountersignCore
import Tracing

/// A span that has ended, ready to be exported.
package struct FinishedSpan: Sendable {
    let context: TraceContext
    let parent: SpanID?
    let name: String
    let kind: SpanKind
    let start: UInt64
    let end: UInt64
    let attributes: SpanAttributes
    let events: [SpanEvent]
    let links: [TraceContext]
    let status: SpanStatus?

    /// The span as OTLP has it in JSON (opentelemetry-proto, trace.proto: ids in hex, 64-bit numbers as texts).
    package var json: JSON {
        var object: JSONObject = [
            "traceId": .string(context.trace.description), "spanId": .string(context.span.description),
            "name": .string(name), "kind": JSON(kind.number), "startTimeUnixNano": .string(String(start)),
            "endTimeUnixNano": .string(String(end)), "attributes": attributes.json, "flags": 1,
        ]
        object["parentSpanId"] = parent.map { .string($0.description) }
        if !events.isEmpty { object["events"] = .array(events.map(\.json)) }
        if !links.isEmpty {
            object["links"] = .array(
                links.map {
                    ["traceId": .string($0.trace.description), "spanId": .string($0.span.description)]
                }
            )
        }
        object["status"] = status.map { status in
            var told: JSONObject = ["code": status.code == .error ? 2 : 1]
            told["message"] = status.message.map { .string($0) }
            return .object(told)
        }
        return .object(object)
    }
}

extension SpanEvent {
    fileprivate var json: JSON {
        ["name": .string(name), "timeUnixNano": .string(String(nanosecondsSinceEpoch)), "attributes": attributes.json]
    }
}

extension SpanKind {
    fileprivate var number: Int {
        switch self {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}

extension SpanAttributes {
    /// The attributes as OTLP has them, in the order of their names.
    var json: JSON {
        var pairs: [(key: String, value: JSON)] = []
        forEach { key, value in
            if let value = value.json { pairs.append((key, value)) }
        }
        return .array(pairs.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": $0.value] })
    }
}

extension SpanAttribute {
    fileprivate var json: JSON? {
        switch self {
        case .string(let value): ["stringValue": .string(value)]
        case .bool(let value): ["boolValue": .bool(value)]
        case .int32(let value): ["intValue": .string(String(value))]
        case .int64(let value): ["intValue": .string(String(value))]
        case .stringConvertible(let value): ["stringValue": .string("\(value)")]
        case .stringArray(let values): Self.list(values.map { ["stringValue": .string($0)] })
        case .int32Array(let values): Self.list(values.map { ["intValue": .string(String($0))] })
        case .int64Array(let values): Self.list(values.map { ["intValue": .string(String($0))] })
        case .boolArray(let values): Self.list(values.map { ["boolValue": .bool($0)] })
        case .stringConvertibleArray(let values): Self.list(values.map { ["stringValue": .string("\($0)")] })
        case .double(let value): Self.number(value)
        case .doubleArray(let values): Self.list(values.compactMap { Self.number($0) })
        default: nil
        }
    }

    private static func list(_ values: [JSON]) -> JSON { ["arrayValue": ["values": .array(values)]] }

    private static func number(_ value: Double) -> JSON? {
        (try? JSON(parsing: "\(value)")).map { ["doubleValue": $0] }
    }
}
