package import CountersignCore

/// A request to the vendor's API; the vendor's authentication is added when it is sent.
package struct VendorRequest: Sendable, Equatable {
    /// The method, such as `PUT`.
    package let method: String

    /// The path behind the API's root, and the query where there is one, encoded as they are sent.
    package let path: String

    /// The body; nil sends none.
    package let json: JSON?

    /// A request to a path that is encoded already.
    package init(_ method: String, path: String, json: JSON? = nil) {
        self.method = method
        self.path = path
        self.json = json
    }

    /// A request to a path of these segments, each of which is percent-encoded.
    ///
    /// - Throws: `StepFailure` where a segment is empty, `.` or `..`, which would lead to another resource.
    package init(_ method: String, _ segments: [String], json: JSON? = nil) throws(StepFailure) {
        if let segment = segments.first(where: { ["", ".", ".."].contains($0) }) {
            throw .final("'\(segment)' is not a valid id for OneSpan Sign")
        }
        self.init(method, path: segments.map { "/" + $0.percentEncoded }.joined(), json: json)
    }
}

/// What the vendor's API answered.
package struct VendorAnswer: Sendable {
    /// Status, headers and the whole body.
    package let answer: IncomingAnswer

    /// What the answer means for a step, in the vendor's words; nil where the status is one from 200 to 299.
    package let failure: StepFailure?

    /// An answer and what it means.
    package init(_ answer: IncomingAnswer, failure: StepFailure?) {
        self.answer = answer
        self.failure = failure
    }

    /// The body as JSON, null where there is none.
    ///
    /// - Throws: `failure`, or `StepFailure` where the body of a success is no JSON.
    package func json() throws(StepFailure) -> JSON {
        if let failure { throw failure }
        guard !answer.body.isEmpty else { return .null }
        guard let json = try? JSON(parsing: answer.body, limits: JSON.Limits(depth: 64, keys: .max)) else {
            throw StepFailure("OneSpan Sign answered with a body that is not JSON")
        }
        return json
    }
}
