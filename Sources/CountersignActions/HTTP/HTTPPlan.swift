package import CountersignCore
import CountersignOutbound

/// A request that is about to be sent.
package struct HTTPPlan: ActionPlan {
    /// The headers that rules cannot set, in lower case.
    static let ownHeaders: Set = ["idempotency-key", "content-length", "transfer-encoding", "connection"]

    let method: String
    let target: OutgoingTarget
    let headers: [OutgoingRequest.Header]
    let body: String?

    /// The secret that signs the request.
    let signingSecret: String?

    /// The codes that count as success; nil means all from 200 to 299.
    let accepted: [Int]?

    /// Host and port, or the step where the URL holds a secret.
    package var destination: String? { target.destination }

    /// The request as people read it; of a signature, only that there is one.
    package var json: JSON {
        var object: JSONObject = ["method": .string(method), "url": .string(Self.shown(target.url))]
        object["headers"] = .object(JSONObject(headers.map { .init(key: $0.name, value: .string($0.value)) }))
        object["body"] = body.map { .string(Self.shown($0)) }
        object["sign"] = signingSecret.map { _ in "Standard Webhooks" }
        object["expect"] = accepted.map { .array($0.map { JSON($0) }) }
        return .object(object)
    }

    /// A text of the plan, in which the mask of a secret that a dry run does not know is as people know it, not encoded.
    private static func shown(_ text: String) -> String {
        text.replacing(Secrets.mask.percentEncoded, with: Secrets.mask)
    }

    func perform(in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let destination = try RequestURL(target.url, source: target.source)
        let request = OutgoingRequest(
            method: method,
            url: destination.url,
            headers: try headers + ownHeaders(in: context),
            body: body.map { Array($0.utf8) }
        )
        let answer: IncomingAnswer
        do throws(ExchangeError) {
            answer = try await context.services.http.send(request)
        } catch {
            throw StepFailure(
                "\(target.name) did not answer: \(error.reason)",
                isWorthRetrying: error.isPassing,
                isOutage: error.isOutage
            )
        }
        let isAccepted = accepted?.contains(answer.status) ?? (200...299).contains(answer.status)
        guard isAccepted else { throw failure(of: answer, in: context) }
        return answer.outputs
    }

    private func ownHeaders(in context: ActionContext) throws(StepFailure) -> [OutgoingRequest.Header] {
        let key = OutgoingRequest.Header("Idempotency-Key", context.idempotencyKey)
        guard let signingSecret else { return [key] }
        let signature = try WebhookSignature(secret: signingSecret)
        let (now, bytes) = (context.services.clock.now, Array((body ?? "").utf8))
        return [key] + signature.headers(id: context.idempotencyKey, at: now, body: bytes)
    }

    private func failure(of answer: IncomingAnswer, in context: ActionContext) -> StepFailure {
        let isBusy = answer.status == 429 || answer.status == 503
        let wait = isBusy ? answer.header("retry-after") : nil
        let hint = (300...399).contains(answer.status) ? "; redirects are not followed" : ""
        return StepFailure(
            "\(target.name) answered \(answer.status)\(hint)",
            isWorthRetrying: Self.isWorthRetrying(answer.status),
            retryAfter: wait.flatMap { RetryAfter.wait(from: $0, at: context.services.clock.now) },
            isOutage: answer.status >= 500,
            output: .object(answer.outputs)
        )
    }

    private static func isWorthRetrying(_ status: Int) -> Bool {
        // Not found, conflict and too early pass when the other side has caught up; so do its own problems.
        [404, 408, 409, 425, 429].contains(status) || (500...599).contains(status)
    }
}

extension IncomingAnswer {
    /// The outputs of the step that was answered.
    var outputs: JSONObject {
        var fields: JSONObject = [:]
        for header in headers {
            // A header that comes twice is one list (RFC 9110, section 5.3).
            let earlier = fields[header.name]?.string.map { "\($0), " } ?? ""
            fields[header.name] = .string(earlier + header.value)
        }
        let (body, problem) = content
        var outputs: JSONObject = ["status_code": JSON(status), "headers": .object(fields), "body": body]
        outputs["body_problem"] = problem.map { .string($0) }
        let unread = headers.filter { $0.value.contains("\u{FFFD}") }.map { "'\($0.name)'" }
        outputs["headers_problem"] =
            unread.isEmpty
            ? nil : .string("not valid UTF-8, so bytes of it are lost: \(unread.joined(separator: ", "))")
        return outputs
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// The body, and why it is a text although the answer says that it is JSON.
    private var content: (JSON, problem: String?) {
        let type = header("content-type")?.prefix { $0 != ";" }.lowercased().filter { $0 != " " } ?? ""
        let text = JSON.string(String(decoding: body, as: UTF8.self))
        guard type == "application/json" || type.hasSuffix("+json"), !body.isEmpty else { return (text, nil) }
        if isCut { return (text, "it is longer than the stored part, so it cannot be parsed as JSON") }
        do throws(JSONError) {
            return (try JSON(parsing: body, limits: .answer), nil)
        } catch {
            return (text, "its content type is JSON, but it cannot be parsed: \(error)")
        }
    }
}
