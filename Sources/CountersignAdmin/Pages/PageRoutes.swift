import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Serves the pages for people.
struct PageRoutes: Sendable {
    /// How many lines a list has.
    private static let length = 50

    let operations: Operations
    private let access: AdminAccess
    private let guesses: TokenThrottle
    private let templates: Templates

    init(_ operations: Operations, _ access: AdminAccess, _ guesses: TokenThrottle) throws {
        self.operations = operations
        self.access = access
        self.guesses = guesses
        templates = try Templates()
    }

    func add(to router: Router<AdminContext>) {
        router.get("/") { _, _ in await page { try await overview() } }
        router.get("/events") { request, _ in await page { try await events(request.fields) } }
        router.get("/events/:id") { _, context in await page { try await event(try context.number) } }
        router.get("/packages") { request, _ in await page { try await packages(request.fields) } }
        router.get("/packages/:id") { _, context in await page { try await package(context.text) } }
        router.get("/runs") { request, _ in await page { try await runs(request.fields) } }
        router.get("/runs/:id") { request, context in
            await page { try await run(try context.number, done: request.fields["done"]) }
        }
        router.post("/runs/:id/retry") { request, context in
            await page { try await retry(try context.number, try await request.form) }
        }
        router.post("/runs/:id/discard") { _, context in await page { try await discard(try context.number) } }
        addPending(to: router)
        router.get("/instances") { _, _ in await page { try await instances() } }
        router.get("/rules") { _, _ in await page { try await rules() } }
        router.get("/rules/:id") { request, context in
            await page { try await rule(context.text, done: request.fields["done"]) }
        }
        router.post("/rules/dry-run") { request, _ in await page { try await dryRun(try await request.form) } }
        router.get("/quarantine") { request, _ in await page { try await quarantine(request.fields) } }
        router.get("/quarantine/:id") { _, context in await page { try await quarantined(try context.number) } }
        router.get("/quarantine/:id/body") { _, context in await page { try await body(try context.number) } }
        router.get("/login") { request, _ in login(to: request.fields["to"]) }
        router.post("/login") { request, context in
            await page { await signIn(try await request.form, request, context) }
        }
        router.post("/logout") { request, _ in signOut(request) }
        router.get("/assets/style.css") { _, _ in Self.styleSheet }
        router.get("/assets/live.js") { _, _ in Self.asset(PackageResources.live_js, "text/javascript; charset=utf-8") }
        router.get("/**") { _, _ in await page { throw OperationError(.notFound, "Page not found.") } }
    }

    /// The answer that `body` gives, or a page that says failure.
    func page(_ body: () async throws -> Response) async -> Response {
        do {
            return try await body()
        } catch let error as OperationError {
            return await failure(error.refusal, error.description)
        } catch let error as StoreError {
            return await failure(error.refusal, "\(error)")
        } catch {
            operations.logger.error("A page failed", metadata: ["error": "\(error)"])
            return await failure(.unavailable, "The page failed; see the log.")
        }
    }

    private func failure(_ refusal: Endpoint.Refusal, _ sentence: String) async -> Response {
        let title = refusal == .notFound ? "Not found" : refusal == .conflict ? "Not possible" : "Request failed"
        return (try? await html(title, "message", MessageView(text: sentence), status: refusal.rawValue))
            ?? Response(status: .internalServerError)
    }

    func html<Content>(
        _ title: String,
        _ template: String,
        _ content: Content,
        current: String? = nil,
        notice: String? = nil,
        status: Int = 200
    ) async throws -> Response {
        let failed = (try? await operations.failedRuns()) ?? 0
        let pauses = (try? await operations.pauses()) ?? []
        let links =
            [
                ("/", "Overview"), ("/events", "Events"), ("/packages", "Packages"), ("/runs", "Runs"),
                ("/pending", "Pending"), ("/rules", "Rules"), ("/quarantine", "Quarantine"),
            ] + (operations.sharingInstance == nil ? [] : [("/instances", "Instances")])
        let navigation = links.map { href, label in
            Page<Content>
                .Link(
                    href: href,
                    label: label,
                    isCurrent: href == current,
                    badge: href == "/runs" && failed > 0 ? failed : nil
                )
        }
        let page = Page(
            title,
            navigation: navigation,
            canSignOut: access.needsToken,
            instance: operations.sharingInstance?.printable,
            notice: notice,
            pauses: pauses.map { PauseView.line($0) },
            page: content
        )
        return render(page, template, status: status)
    }

    private func render<Content>(_ page: Page<Content>, _ template: String, status: Int = 200) -> Response {
        guard let html = templates.html(page, template: template) else {
            return Response(status: .internalServerError)
        }
        return Response(
            status: .init(code: status),
            headers: [.contentType: "text/html; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: html))
        )
    }

    /// How all pages look.
    static var styleSheet: Response { asset(PackageResources.style_css, "text/css; charset=utf-8") }

    private static func asset(_ bytes: [UInt8], _ type: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: type, .cacheControl: "max-age=300"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}

/// The pages.
extension PageRoutes {
    private func overview() async throws -> Response {
        try await html("Overview", "overview", OverviewView(try await operations.overview()), current: "/")
    }

    private func events(_ fields: FormFields) async throws -> Response {
        var problem: String?
        var page = EventPage(events: [], next: nil)
        do throws(OperationError) {
            let query = EventQuery(try Endpoint.eventFilters.request(fields, at: operations.clock.now))
            do {
                page = try await operations.questions.events(query)
            } catch {
                throw OperationError(.unavailable, "\(error)")
            }
        } catch {
            problem = error.description
        }
        let view = EventsView(fields, page, problem: problem)
        return try await html("Events", "events", view, current: "/events", status: problem == nil ? 200 : 400)
    }

    private func event(_ number: Int64) async throws -> Response {
        let details = try await operations.questions.event(number)
        let runs = try await operations.questions.runs(RunQuery(eventID: details.stored.event.id, limit: 500)).rows
        var explanation: EventExplanation?
        var problem = details.stored.damage
        if problem == nil {
            do {
                explanation = try await operations.questions.explanation(ofEvent: number)
            } catch {
                problem = "\(error)"
            }
        }
        let view = EventView(details.stored, runs.reversed(), explanation, trace: details.trace, problem: problem)
        return try await html("Event \(number)", "event", view)
    }

    private func packages(_ fields: FormFields) async throws -> Response {
        let fields = fields.trimmed
        let request = try Endpoint.packageFilters.request(fields, at: operations.clock.now)
        let page = try await operations.questions.packages(try PackageQuery(request))
        return try await html(
            "Packages",
            "packages",
            PackagesView(fields, page),
            current: "/packages"
        )
    }

    private func package(_ id: String) async throws -> Response {
        let timeline = try await operations.questions.package(id)
        return try await html("Package \(id.printable)", "package", PackageView(timeline, at: operations.clock.now))
    }

    private func runs(_ fields: FormFields) async throws -> Response {
        var problem: String?
        var rows: [RunRow] = []
        do throws(OperationError) {
            let request = try Endpoint.runFilters.request(fields, at: operations.clock.now)
            var query = RunQuery(request)
            query.limit = Self.length + 1
            do {
                rows = try await operations.questions.runs(query).rows
            } catch {
                throw OperationError(.unavailable, "\(error)")
            }
        } catch {
            problem = error.description
        }
        let rules = operations.book.current?.ruleSet.rules.map(\.id) ?? []
        let view = RunsView(fields, rows, limit: Self.length, rules: rules, problem: problem)
        return try await html("Runs", "runs", view, current: "/runs", status: problem == nil ? 200 : 400)
    }

    private func run(_ number: Int64, done: String?) async throws -> Response {
        let details = try await operations.questions.run(number)
        // Without its rule set a run still shows what was done.
        let resumption = try? await operations.questions.resumption(ofRun: number)
        let run = details.run
        let notice: String? =
            switch done {
            case "retry":
                "Run \(number) is retried with rule set \(run.ruleSet.short)"
                    + (run.ruleSet == operations.book.current?.ruleSet.version
                        ? ", the active one." : ", which created it.")
            case "discard": "Run \(number) is discarded."
            default: nil
            }
        let active = operations.book.current?.ruleSet
        let hasNewer = active.map { $0.version != run.ruleSet && $0.rule(run.ruleID) != nil } ?? false
        let view = RunView(details, resumption, hasNewerRules: hasNewer)
        return try await html("Run \(number)", "run", view, notice: notice)
    }

    private func retry(_ number: Int64, _ form: FormFields) async throws -> Response {
        let rules: RetryRequest.Rules = form["rules"] == "current" ? .current : .kept
        _ = try await operations.commands.retry(
            RetryRequest(Run.ID(rawValue: number), from: form["from"], by: rules),
            once: nil
        )
        return .redirect(to: Address.query(Address.run(number), [("done", "retry")]), type: .normal)
    }

    private func discard(_ number: Int64) async throws -> Response {
        try await operations.commands.discard(Run.ID(rawValue: number), once: nil)
        return .redirect(to: Address.query(Address.run(number), [("done", "discard")]), type: .normal)
    }

    private func instances() async throws -> Response {
        let view = InstancesView(try await operations.questions.instances())
        return try await html("Instances", "instances", view, current: "/instances")
    }

    private func rules() async throws -> Response {
        let sample = SamplePayload.all.first { $0.name == "PACKAGE_COMPLETE" }?.body ?? ""
        let payload = (try? JSON(parsing: sample))?.indented ?? sample
        let view = RulesView(operations.book.status, try await operations.questions.rules().rules, payload: payload)
        return try await html("Rules", "rules", view, current: "/rules")
    }

    private func rule(_ id: String, done: String?) async throws -> Response {
        let details = try await operations.questions.rule(id)
        let runs = try await operations.questions.runs(RunQuery(ruleID: id, limit: 20)).rows
        let view = RuleView(details.status, source: details.source, runs: runs)
        return try await html("Rule \(id)", "rule", view, notice: Self.notice(done))
    }

    private func dryRun(_ form: FormFields) async throws -> Response {
        let payload = form["payload"] ?? ""
        let view: DryRunView
        do throws(OperationError) {
            view = DryRunView(payload: payload, try await operations.dryRun(Array(payload.utf8)))
        } catch {
            view = DryRunView(payload: payload, problem: error.description)
        }
        return try await html("Dry run", "dryrun", view, status: view.problem == nil ? 200 : 400)
    }

    private func quarantine(_ fields: FormFields) async throws -> Response {
        var query = QuarantineQuery(try Endpoint.quarantineFilters.request(fields.trimmed, at: operations.clock.now))
        query.limit = Self.length + 1
        let bodies = try await operations.questions.quarantined(query).bodies
        return try await html(
            "Quarantine",
            "quarantine",
            QuarantineView(bodies, limit: Self.length),
            current: "/quarantine"
        )
    }

    private func quarantined(_ number: Int64) async throws -> Response {
        let body = try await operations.questions.quarantinedBody(number)
        return try await html("Body \(number)", "quarantine", QuarantineView(whole: body))
    }

    /// The bytes as they came, to keep as a file; no browser shall show them.
    private func body(_ number: Int64) async throws -> Response {
        let found = try await operations.questions.quarantinedBody(number)
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream",
                .contentDisposition: "attachment; filename=\"countersign-body-\(number)\"",
            ],
            body: .init(byteBuffer: ByteBuffer(bytes: found.body))
        )
    }
}

/// Signing in and out.
extension PageRoutes {
    private func login(to target: String?, problem: String? = nil) -> Response {
        let view = LoginView(to: target ?? "/", problem: problem)
        let page = Page("Sign in", navigation: [], canSignOut: false, page: view)
        return render(page, "login", status: problem == nil ? 200 : 401)
    }

    private func signIn(_ form: FormFields, _ request: Request, _ context: AdminContext) async -> Response {
        let target = AdminAccess.ownPath(form["to"])
        await guesses.pause(before: context)
        guard let token = access.token(form["token"] ?? "") else {
            guard let wait = guesses.wait(afterWrongTokenIn: context) else {
                return login(to: target, problem: "The token is wrong.")
            }
            var response = login(to: target, problem: "Too many wrong tokens from your address. Try again later.")
            response.status = .tooManyRequests
            response.headers[.retryAfter] = String(wait)
            return response
        }
        var response = Response.redirect(to: target, type: .normal)
        response.headers[.setCookie] = Self.cookie(
            access.cookie(for: token, at: operations.clock.now),
            age: Int(AdminAccess.session),
            answering: request
        )
        return response
    }

    private func signOut(_ request: Request) -> Response {
        access.signOut(cookie: AdminGate.cookie(of: request))
        var response = Response.redirect(to: "/login", type: .normal)
        response.headers[.setCookie] = Self.cookie("", age: 0, answering: request)
        return response
    }

    /// A cookie that only this server gets to see, and over TLS only where the browser came over TLS.
    private static func cookie(_ value: String, age: Int, answering request: Request) -> String {
        let forwarded = request.headers.first { $0.name.canonicalName == "x-forwarded-proto" }?.value.lowercased()
        let isSecure = forwarded == "https" || request.headers[.origin]?.lowercased().hasPrefix("https://") == true
        return
            "\(AdminGate.cookie)=\(value); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")"
    }
}

extension Request {
    /// What is behind the `?`.
    var fields: FormFields { FormFields(uri.query ?? "") }

    /// The posted form.
    var form: FormFields {
        get async throws {
            let body: ByteBuffer
            do {
                body = try await self.body.collect(upTo: 4 << 20)
            } catch {
                throw OperationError(.invalid, "The request is too large.")
            }
            return FormFields(String(buffer: body))
        }
    }
}

extension AdminContext {
    /// The last segment of the path.
    var text: String {
        let segment = parameters.get("id") ?? ""
        return segment.removingPercentEncoding ?? segment
    }

    /// The number that it names.
    fileprivate var number: Int64 {
        get throws(OperationError) {
            guard let number = Int64(text) else {
                throw OperationError(.notFound, "'\(text.printable)' is not a number.")
            }
            return number
        }
    }
}
