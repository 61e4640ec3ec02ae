import CountersignCore
import CountersignOutbound
import Foundation

/// What a request carries.
enum HTTPBody {
    /// A text of the step.
    case text(String, type: String)
    /// The event byte for byte as it came.
    case event([UInt8])
    /// A file of the output folder.
    case file(StepFile)
    /// Fields and files as a form sends them (RFC 7578).
    case multipart([Part])

    /// A part of a form.
    struct Part: Sendable {
        /// What is in it.
        enum Content: Sendable {
            case text(String)
            case json(String)
            case file(StepFile, name: String, type: String)
        }

        let name: String
        let content: Content
    }

    /// The value of `Content-Type`, unless the step sets it; nil where it is known only when the request is sent.
    var type: String? {
        switch self {
        case .text(_, let type): type
        case .event: "application/json"
        case .file(let file): file.type
        case .multipart: nil
        }
    }

    /// The body as plans show it, under the names of the options.
    var shown: JSONObject {
        switch self {
        case .text(let text, _): ["body": .string(text)]
        case .event(let bytes): ["body_raw": true, "body": .string(String(decoding: bytes, as: UTF8.self))]
        case .file(let file): ["body_file": .string(file.shown)]
        case .multipart(let parts):
            ["multipart": .object(JSONObject(parts.map { .init(key: $0.name, value: $0.content.shown) }))]
        }
    }

    /// The body as it is sent: its files are open.
    struct Prepared {
        let stream: StreamedBody

        /// A header that goes with it.
        let header: OutgoingRequest.Header?

        /// The bytes where all of them are in memory.
        var bytes: [UInt8]? {
            guard case .bytes(let bytes)? = stream.parts.first, stream.parts.count == 1 else { return nil }
            return bytes
        }
    }

    /// Opens its files.
    ///
    /// - Throws: `StepFailure` where a file is not there.
    func prepared(in services: ActionServices) async throws(StepFailure) -> Prepared {
        switch self {
        case .text(let text, _): return Prepared(stream: StreamedBody([.bytes(Array(text.utf8))]), header: nil)
        case .event(let bytes): return Prepared(stream: StreamedBody([.bytes(bytes)]), header: nil)
        case .file(let file):
            return Prepared(stream: StreamedBody([.file(try await file.open(in: services))]), header: nil)
        case .multipart(let parts):
            // Nobody who writes a part can know the boundary.
            let boundary = "countersign-\(UUID().uuidString)"
            return Prepared(
                stream: try await Self.form(parts, boundary, services),
                header: .init("Content-Type", "multipart/form-data; boundary=\(boundary)")
            )
        }
    }

    private static func form(
        _ parts: [Part],
        _ boundary: String,
        _ services: ActionServices
    ) async throws(StepFailure) -> StreamedBody {
        var pieces: [StreamedBody.Part] = []
        for part in parts {
            var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part.name.quotedInForm)\""
            switch part.content {
            case .text(let text): pieces.append(.bytes(Array("\(head)\r\n\r\n\(text)".utf8)))
            case .json(let text):
                pieces.append(.bytes(Array("\(head)\r\nContent-Type: application/json\r\n\r\n\(text)".utf8)))
            case .file(let file, let name, let type):
                head += "; filename=\"\(name.quotedInForm)\"\r\nContent-Type: \(type)\r\n\r\n"
                pieces += [.bytes(Array(head.utf8)), .file(try await file.open(in: services))]
            }
            pieces.append(.bytes(Array("\r\n".utf8)))
        }
        return StreamedBody(pieces + [.bytes(Array("--\(boundary)--\r\n".utf8))])
    }
}

extension HTTPBody.Part.Content {
    fileprivate var shown: JSON {
        switch self {
        case .text(let text): .string(text)
        case .json(let text): (try? JSON(parsing: text)) ?? .string(text)
        case .file(let file, let name, let type):
            ["file": .string(file.shown), "name": .string(name), "type": .string(type)]
        }
    }
}

extension String {
    /// The text within the quotes of a form's header, as browsers write it (RFC 7578, section 4.2, and the HTML standard).
    fileprivate var quotedInForm: String {
        // By scalars: a combining mark behind a quote would make another character of it, but not for the receiver.
        let escapes: [Unicode.Scalar: String] = ["\r": "%0D", "\n": "%0A", "\"": "%22", "\0": "%00"]
        return unicodeScalars.map { escapes[$0] ?? String($0) }.joined()
    }
}
