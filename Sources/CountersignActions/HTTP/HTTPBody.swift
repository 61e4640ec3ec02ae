import CountersignCore

/// What a request carries.
enum HTTPBody {
    /// A text of the step.
    case text(String, type: String)
    /// The event byte for byte as it came.
    case event([UInt8])

    /// The bytes that are sent.
    var bytes: [UInt8] {
        switch self {
        case .text(let text, _): Array(text.utf8)
        case .event(let bytes): bytes
        }
    }

    /// The value of `Content-Type`, unless the step sets it.
    var type: String {
        switch self {
        case .text(_, let type): type
        case .event: "application/json"
        }
    }

    /// The body as plans show it, under the names of the options.
    var shown: JSONObject {
        switch self {
        case .text(let text, _): ["body": .string(text)]
        case .event(let bytes): ["body_raw": true, "body": .string(String(decoding: bytes, as: UTF8.self))]
        }
    }
}
