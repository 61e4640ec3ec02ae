import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import HTTPTypes
import Hummingbird

/// The pages about what is pending and paused, and their forms.
extension PageRoutes {
    func addPending(to router: Router<AdminContext>) {
        router.get("/pending") { request, _ in await page { try await pending(request.fields) } }
        router.get("/pending/:id") { request, context in
            await page { try await pendingItem(context.text, done: request.fields["done"]) }
        }
        router.post("/pending/:id/cancel") { request, context in
            await page { try await change(.cancel, context.text, Caller(context)) }
        }
        router.post("/pending/:id/run-now") { request, context in
            await page { try await change(.runNow, context.text, Caller(context)) }
        }
        router.post("/pauses") { request, context in
            await page { try await pause(try await request.form, Caller(context)) }
        }
        router.post("/pauses/resume") { request, context in
            await page { try await resume(try await request.form, Caller(context)) }
        }
    }

    private func pending(_ fields: FormFields) async throws -> Response {
        let fields = fields.trimmed
        var problem: String?
        var list = PendingList(items: [], hasMore: false, at: operations.clock.now)
        do throws(OperationError) {
            // What a form that changed something leads back to.
            let query = PendingQuery(
                try Endpoint.pendingFilters.request(fields.without("done"), at: operations.clock.now)
            )
            do {
                list = try await operations.questions.pending(query)
            } catch {
                throw OperationError(.unavailable, "\(error)")
            }
        } catch {
            problem = error.description
        }
        let view = PendingView(
            fields,
            list,
            pauses: PauseList(try await operations.pauses(), resumptions: try await operations.resumptions()),
            rules: operations.book.current?.ruleSet.rules.map(\.id) ?? [],
            problem: problem
        )
        return try await html(
            "Pending",
            "pending",
            view,
            current: "/pending",
            notice: Self.notice(fields["done"]),
            status: problem == nil ? 200 : 400
        )
    }

    private func pendingItem(_ id: String, done: String?) async throws -> Response {
        let details = try await operations.questions.pendingItem(id)
        let title = details.item.kind == .queue ? "Queue \(id.printable)" : "Pending \(id)"
        return try await html(title, "pendingitem", PendingDetailsView(details), notice: Self.notice(done))
    }

    /// What came of a form, for the page behind it.
    static func notice(_ done: String?) -> String? {
        switch done {
        case "cancel": "It is cancelled."
        case "skip": "The next occurrence is skipped."
        case "run-now": "It is due now."
        case "pause": "It is paused."
        case "resume": "It is resumed."
        default: nil
        }
    }

    private func change(_ action: PendingChange.Action, _ id: String, _ caller: Caller) async throws -> Response {
        let change = try await operations.change(action, pending: id, by: caller.person(named: nil))
        let done = action == .runNow ? "run-now" : change.dueAt == nil ? "cancel" : "skip"
        return .redirect(to: Address.query("/pending", [("done", done)]), type: .normal)
    }

    private func pause(_ form: FormFields, _ caller: Caller) async throws -> Response {
        let form = form.trimmed
        let subject = try subject(of: form)
        let until = try form["until"]
            .map { text throws(OperationError) in
                try PauseRequest.end(text, now: operations.clock.now)
            }
        let request = PauseRequest(subject, reason: try PauseRequest.reason(form["reason"]), until: until)
        _ = try await operations.pause(request, by: caller.person(named: nil))
        return .redirect(to: page(behind: subject, "pause"), type: .normal)
    }

    private func resume(_ form: FormFields, _ caller: Caller) async throws -> Response {
        let form = form.trimmed
        let subject = try subject(of: form)
        let rate = try form["rate"].map { text throws(OperationError) in try ResumeRequest.rate(text) }
        try await operations.resume(ResumeRequest(subject, rate: rate), by: caller.person(named: nil))
        return .redirect(to: page(behind: subject, "resume"), type: .normal)
    }

    private func subject(of form: FormFields) throws(OperationError) -> Pause.Subject {
        guard let kind = form["subject"].flatMap({ Pause.Subject.Kind(rawValue: $0) }) else {
            throw OperationError(.invalid, "The form does not say what to pause or resume.")
        }
        return try Pause.Subject(kind, name: form["name"])
    }

    /// The page on which the result of a form is seen.
    private func page(behind subject: Pause.Subject, _ done: String) -> String {
        if case .rule(let id) = subject { return Address.query(Address.rule(id), [("done", done)]) }
        return Address.query("/pending", [("done", done)])
    }
}
