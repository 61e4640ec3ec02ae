package import CountersignCore
import CountersignOutbound

/// A request that is about to be sent.
package struct HTTPPlan: ActionPlan {
    /// The headers that rules cannot set, in lower case.
    static let ownHeaders: Set = ["idempotency-key", "content-length", "transfer-encoding", "connection"]

    let method: String
    let target: OutgoingTarget
    let headers: [OutgoingRequest.Header]
    let body: HTTPBody?

    let signature: RequestSignature?

    /// The codes that count as success; nil means all from 200 to 299.
    let accepted: [Int]?

    /// The path beneath the output folder of the file that the answer's body is written to; nil where it is an output.
    let saved: [String]?

    /// The name of a destination, host and port, or the step where the URL holds a secret.
    package var destination: String? { target.limiterKey }

    /// The request as people read it; of a signature, only that there is one.
    package var json: JSON {
        var object: JSONObject = [:]
        object["to"] = (target.named?.name).map { .string($0) }
        object["method"] = .string(method)
        let isWhole = target.named == nil || target.named?.destination != nil
        object[isWhole ? "url" : "path"] = .string(Self.shown(target.url))
        let shared = target.named?.destination?.shown ?? [:]
        let own = headers.map { JSONObject.Member(key: $0.name, value: .string($0.value)) }
        let names = Set(headers.map { $0.name.lowercased() })
        let others = (shared["headers"]?.object?.members ?? []).filter { !names.contains($0.key.lowercased()) }
        object["headers"] = .object(JSONObject(own + others))
        for member in shared.members where member.key != "headers" { object[member.key] = member.value }
        for member in body?.shown.members ?? [] {
            object[member.key] = member.value.string.map { .string(Self.shown($0)) } ?? member.value
        }
        object["sign"] = signature?.shown
        object["expect"] = accepted.map { .array($0.map { JSON($0) }) }
        object["save"] = saved.map { .string($0.joined(separator: "/")) }
        return .object(object)
    }

    /// A text of the plan, in which the mask of a secret that a dry run does not know is as people know it, not encoded.
    private static func shown(_ text: String) -> String {
        text.replacing(Secrets.mask.percentEncoded, with: Secrets.mask)
    }

    func perform(in context: ActionContext) async throws(StepFailure) -> JSONObject {
        if let named = target.named, named.destination == nil {
            throw .final(
                "there is no destination '\(named.name)'; set it under 'destinations' in countersign.yaml, then retry the run"
            )
        }
        let exchange = try await exchange(in: context)
        guard let saved else {
            let answer = try await answer(over: exchange, to: nil, in: context)
            return answer.outputs
        }
        let folder = OutputFolder(path: context.services.outputRoot)
        var outputs: JSONObject = [:]
        let file = try await folder.receive(saved, spare: context.spareFile) { receiver async throws(StepFailure) in
            outputs = try await answer(over: exchange, to: receiver, in: context).outputs
        }
        // It is in the file.
        outputs["body"] = nil
        outputs["path"] = .string(([folder.path] + saved).joined(separator: "/"))
        outputs["bytes"] = JSON(file.bytes)
        outputs["sha256"] = .string(file.sha256)
        return outputs
    }

    /// A request that is ready to be sent, and what signs it.
    private struct Exchange {
        let request: OutgoingRequest
        let sign: @Sendable (OutgoingRequest) throws(StepFailure) -> OutgoingRequest
    }

    /// Opens the files of the body, and gets the signature ready.
    private func exchange(in context: ActionContext) async throws(StepFailure) -> Exchange {
        let url = try RequestURL(target.url, source: target.source)
        let body = try await body?.prepared(in: context.services)
        let empty = StreamedBody([])
        let signer = try await signature?.signer(for: body?.stream ?? empty, in: context)
        let request = OutgoingRequest(
            method: method,
            url: url.url,
            headers: headers + [.init("Idempotency-Key", context.idempotencyKey)] + [body?.header].compactMap { $0 },
            body: body?.bytes,
            stream: body?.bytes == nil ? body?.stream : nil
        )
        return Exchange(request: request) { request throws(StepFailure) in try signer?(request) ?? request }
    }

    /// Sends the request; what the other side says of it that is no success is a failure.
    private func answer(
        over exchange: Exchange,
        to receiver: (any BodyReceiving)?,
        in context: ActionContext
    ) async throws(StepFailure) -> (answer: IncomingAnswer, outputs: JSONObject) {
        let (answer, secrets) = try await send(exchange, to: receiver, in: context)
        let outputs = secrets?.masking(.object(answer.outputs)).object ?? answer.outputs
        let isAccepted = accepted?.contains(answer.status) ?? (200...299).contains(answer.status)
        guard isAccepted else { throw failure(of: answer, outputs, in: context) }
        return (answer, outputs)
    }

    /// What the other side says, and what must not be shown of it.
    private func send(
        _ exchange: Exchange,
        to receiver: (any BodyReceiving)?,
        in context: ActionContext
    ) async throws(StepFailure) -> (IncomingAnswer, Secrets?) {
        if let destination = target.named?.destination {
            let sent = try await destination.send(exchange.request, to: receiver) { request throws(StepFailure) in
                try exchange.sign(request)
            }
            return (sent.answer, sent.secrets)
        }
        let request = try exchange.sign(exchange.request)
        do throws(ExchangeError) {
            return (try await context.services.http.send(request, to: receiver), nil)
        } catch {
            throw StepFailure(
                "\(target.name) did not answer: \(error.reason)",
                isWorthRetrying: error.isPassing,
                isOutage: error.isOutage
            )
        }
    }

    private func failure(
        of answer: IncomingAnswer,
        _ outputs: JSONObject,
        in context: ActionContext
    ) -> StepFailure {
        let isBusy = answer.status == 429 || answer.status == 503
        let wait = isBusy ? answer.header("retry-after") : nil
        let hint = (300...399).contains(answer.status) ? "; redirects are not followed" : ""
        return StepFailure(
            "\(target.name) answered \(answer.status)\(hint)",
            isWorthRetrying: Self.isWorthRetrying(answer.status),
            retryAfter: wait.flatMap { RetryAfter.wait(from: $0, at: context.services.clock.now) },
            isOutage: answer.status >= 500,
            output: .object(outputs)
        )
    }

    /// Whether the same request, sent later, may get another status.
    static func isWorthRetrying(_ status: Int) -> Bool {
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
