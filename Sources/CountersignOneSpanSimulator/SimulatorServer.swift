package import CountersignCore
package import CountersignOutbound
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
package import Logging
import ServiceLifecycle

/// A local stand-in for the vendor: the REST calls that Countersign makes, and the callbacks that it waits for.
///
/// Paths under `/api`, `/apitoken` and `/oauth2` are the vendor's. Those under `/simulator` are its own: they do what signers
/// and time do, and tell what happened. What the vendor documents nowhere is inferred, and said so in the README.
package struct SimulatorServer: Service {
    /// How a simulator behaves.
    package struct Settings: Sendable {
        /// The address to listen on; by default only this machine can connect.
        package var host = "127.0.0.1"

        /// The port to listen on; 0 lets the system choose one.
        package var port = 8_181

        /// As long as the vendor's own, so that nothing warns of it.
        package var apiKey = "simulator-api-key-of-76-characters-0123456789abcdefghijklmnopqrstuvwxyzABCDE"

        /// How long a signer takes, who signs by himself; nil when nobody does.
        package var signingTime: Duration?

        /// The faults at the start; `PUT /simulator/faults` changes them.
        package var faults = SimulatorFaults()

        /// Settings for 127.0.0.1:8181, without faults and without signers that sign by themselves.
        package init() {}
    }

    private let settings: Settings
    let account: SimulatorAccount
    private let clock: any WallClock
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - settings: How it behaves.
    ///   - http: The way to those who wait for callbacks.
    ///   - clock: The time of packages and waits.
    ///   - logger: Where the server's own problems are reported.
    ///   - onListening: Called once with the port when requests are taken.
    package init(
        settings: Settings,
        http: any HTTPSending,
        clock: any WallClock,
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void
    ) {
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.onListening = onListening
        account = SimulatorAccount(
            faults: settings.faults,
            clock: clock,
            poster: CallbackPoster(http: http, clock: clock)
        )
    }

    /// Serves requests until a graceful shutdown.
    package func run() async throws {
        let router = Router()
        addTokens(to: router)
        addRegistration(to: router)
        addPackages(to: router)
        addFiles(to: router)
        addControls(to: router)
        let onListening = onListening
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(settings.host, port: settings.port)),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        try await application.run()
    }

    // MARK: The vendor's paths

    private func addTokens(to router: Router<BasicRequestContext>) {
        router.post("/apitoken/clientApp/accessToken") { request, _ in
            let body = await json(of: request)
            guard body["clientId"]?.string?.isEmpty == false, body["secret"]?.string?.isEmpty == false else {
                return SimulatorAnswer.failure(.unauthorized, "error.unauthorised", "clientId and secret are needed.")
            }
            let end = clock.now.addingTimeInterval(1_800).timeIntervalSince1970 * 1_000
            return SimulatorAnswer(["accessToken": .string(account.makeToken()), "expiresAt": JSON(Int64(end))])
        }
        router.post("/oauth2/token") { request, _ in
            guard request.headers[.authorization]?.hasPrefix("Basic ") == true else {
                return SimulatorAnswer(["error": "invalid_client"], status: .unauthorized)
            }
            return SimulatorAnswer(
                ["access_token": .string(account.makeToken()), "token_type": "Bearer", "expires_in": 299]
            )
        }
    }

    private func addRegistration(to router: Router<BasicRequestContext>) {
        for path in ["/api/callback", "/api/callback/connectors/:origin"] {
            router.get(RouterPath(path)) { request, context in
                await asked(request) {
                    let slot = text(context, "origin") ?? ""
                    let none = SimulatorAccount.Registration(url: nil, key: nil, events: [])
                    return SimulatorAnswer((account.registration(slot) ?? none).json)
                }
            }
            router.post(RouterPath(path)) { request, context in
                let body = await json(of: request)
                return await asked(request) {
                    guard let url = body["url"]?.string, let events = body["events"]?.array?.compactMap(\.string) else {
                        return .failure(.badRequest, "error.validation", "url and events are needed.")
                    }
                    let registration = SimulatorAccount.Registration(url: url, key: body["key"]?.string, events: events)
                    account.register(registration, in: text(context, "origin") ?? "")
                    return SimulatorAnswer(registration.json)
                }
            }
        }
    }

    private func addPackages(to router: Router<BasicRequestContext>) {
        router.get("/api/packages") { request, _ in await asked(request) { list(request) } }
        router.post("/api/packages") { request, _ in
            let body = await json(of: request)
            return await asked(request) {
                let package = account.create(from: body)
                if body["status"]?.string == "SENT" { _ = try? account.apply(.send, to: package.id) }
                live(package.id)
                return SimulatorAnswer(["id": .string(package.id)])
            }
        }
        router.get("/api/packages/:id") { request, context in
            await asked(request) {
                account.package(text(context, "id") ?? "").map { SimulatorAnswer($0.json) } ?? .noPackage
            }
        }
        for method in [HTTPRequest.Method.put, .post] {
            router.on("/api/packages/:id", method: method) { request, context in
                let body = await json(of: request)
                return await asked(request) { change(text(context, "id") ?? "", body) }
            }
        }
        addRoles(to: router)
        addChanges(to: router)
    }

    private func addRoles(to router: Router<BasicRequestContext>) {
        router.get("/api/packages/:id/signingStatus") { request, context in
            await asked(request) {
                guard let package = account.package(text(context, "id") ?? "") else { return .noPackage }
                let signer = request.uri.queryParameters["signer"].map(String.init) ?? ""
                guard let status = package.signingStatus(of: signer) else {
                    return .failure(.notFound, "error.notFound.signer", "There is no such signer.")
                }
                return SimulatorAnswer(["status": .string(status)])
            }
        }
        router.post("/api/packages/:id/roles/:role/unlock") { request, context in
            await asked(request) {
                let isDone = account.unlock(text(context, "role") ?? "", of: text(context, "id") ?? "")
                return isDone
                    ? SimulatorAnswer([:]) : .noRole
            }
        }
        router.post("/api/packages/:id/roles/:role/notifications") { request, context in
            await asked(request) {
                guard let package = account.package(text(context, "id") ?? "") else { return .noPackage }
                let role = text(context, "role") ?? ""
                guard package.signers.contains(where: { $0.role == role }) else { return .noRole }
                account.remind(["packageId": .string(package.id), "role": .string(role)])
                return SimulatorAnswer([:])
            }
        }
    }

    private func addFiles(to router: Router<BasicRequestContext>) {
        func add(_ path: String, _ content: @escaping @Sendable (SimulatorFiles, String) -> SimulatorAnswer?) {
            router.get(RouterPath("/api/packages/:id/\(path)")) { request, context in
                await asked(request) {
                    let id = text(context, "id") ?? ""
                    guard let package = account.package(id) else { return .noPackage }
                    guard account.countFileRequest(of: id) > account.faults.missingFor else {
                        return .failure(.notFound, "error.notFound.documentNotFound", "The file is not ready yet.")
                    }
                    let file = content(SimulatorFiles(package: package), text(context, "document") ?? "")
                    return file ?? .failure(.notFound, "error.notFound.documentNotFound", "There is no such file.")
                }
            }
        }
        add("documents/zip") { files, _ in SimulatorAnswer(files.documents, type: "application/zip") }
        add("documents/:document/pdf") { files, id in
            files.package.documents.first { $0.id == id }
                .map { SimulatorAnswer(files.pdf(of: $0), type: "application/pdf") }
        }
        add("evidence/summary") { files, _ in SimulatorAnswer(files.evidence, type: "application/pdf") }
        add("fieldSummary") { files, _ in SimulatorAnswer(files.fields) }
        add("attachment/zip") { files, _ in
            files.package.attachments.isEmpty ? nil : SimulatorAnswer(files.attachments, type: "application/zip")
        }
        router.get("/supporting-documents/v1/transactions/:id") { request, context in
            await asked(request) {
                guard let package = account.package(text(context, "id") ?? "") else { return .noPackage }
                guard !package.supporting.isEmpty else {
                    return .failure(.notFound, "error.notFound.documentNotFound", "There is no such file.")
                }
                return SimulatorAnswer(SimulatorFiles(package: package).supporting, type: "application/zip")
            }
        }
    }

    /// `GET /api/packages`, with either style of dates; the list of drafts holds expired and declined ones, too.
    private func list(_ request: Request) -> SimulatorAnswer {
        let query = request.uri.queryParameters
        func date(_ names: String...) -> Date? {
            names.compactMap { query[$0[...]].flatMap { Date(rfc3339: String($0)) } }.first
        }
        let since = date("startDate", "lastUpdatedStartDate") ?? .distantPast
        let until = date("endDate", "lastUpdatedEndDate") ?? .distantFuture
        let status = query["query"].map(String.init)
        let wantsTemplates = query["type"]?.lowercased() == "template"
        let found = account.packages.filter { package in
            guard package.isTemplate == wantsTemplates else { return false }
            let statuses =
                [package.status.rawValue] + ([.expired, .declined].contains(package.status) ? ["DRAFT"] : [])
            return status.map { statuses.contains($0) } ?? true && (since...max(since, until)).contains(package.updated)
        }
        // Items are counted from 1, and `to` is the last one wanted; no page has more than 100.
        let from = query["from"].flatMap { Int($0) } ?? 1
        let to = query["to"].flatMap { Int($0) } ?? .max
        let page = from < 1 ? [] : found.dropFirst(from - 1).prefix(to <= from ? 1 : min(99, to - from) + 1)
        return SimulatorAnswer(["count": JSON(found.count), "results": .array(page.map(\.json))])
    }

    func perform(_ transition: SimulatorPackage.Transition, on id: String) -> SimulatorAnswer {
        do throws(SimulatorPackage.Refusal) {
            return try account.apply(transition, to: id).map { SimulatorAnswer($0.json) } ?? .noPackage
        } catch {
            return .failure(.conflict, "error.validation.status", error.sentence)
        }
    }

    /// Has the signers of a package sign, one after another.
    func live(_ id: String) {
        guard let time = settings.signingTime, let package = account.package(id), package.status == .sent else {
            return
        }
        let (account, clock) = (account, clock)
        Task {
            for _ in package.signers {
                try? await clock.sleep(until: clock.now.addingTimeInterval(time.timeInterval))
                _ = try? account.apply(.sign, to: id)
            }
        }
    }

    /// Answers a request to the API as the faults and the credentials have it.
    func asked(_ request: Request, _ work: () -> SimulatorAnswer) async -> SimulatorAnswer {
        let faults = account.faults
        if faults.answerAfter > .zero {
            try? await clock.sleep(until: clock.now.addingTimeInterval(faults.answerAfter.timeInterval))
        }
        let authorization = request.headers[.authorization] ?? ""
        let isKnown =
            authorization == "Basic \(settings.apiKey)"
            || authorization.hasPrefix("Bearer ") && account.knowsToken(String(authorization.dropFirst(7)))
        guard isKnown else {
            return .failure(.unauthorized, "error.unauthorised", "The API key or token is not known.")
        }
        if account.countRequest().isTurn(every: faults.busyEvery) {
            var answer = SimulatorAnswer.failure(.tooManyRequests, "error.tooManyRequests", "Too many requests.")
            answer.retryAfter = 1
            return answer
        }
        let answer = work()
        guard request.method != .get, answer.status == .ok, account.loseAnswer() else { return answer }
        return .failure(.badGateway, "error.gateway", "The answer was lost on purpose.")
    }

    // MARK: Its own paths

    private func addControls(to router: Router<BasicRequestContext>) {
        router.get("/simulator") { _, _ in
            SimulatorAnswer([
                "packages": .array(
                    account.packages.map { ["id": .string($0.id), "status": .string($0.status.rawValue)] }
                ),
                "callbacks": .array(account.poster.log.map(\.json)), "reminders": .array(account.reminders),
                "faults": account.faults.json, "idle": .bool(account.poster.isIdle),
            ])
        }
        router.put("/simulator/faults") { request, _ in
            guard let faults = account.faults.changed(by: await json(of: request)) else {
                let keys = SimulatorFaults().json.object?.keys.joined(separator: ", ") ?? ""
                return SimulatorAnswer.failure(.badRequest, "error.validation", "A fault is one of \(keys).")
            }
            account.faults = faults
            return SimulatorAnswer(faults.json)
        }
        router.get("/simulator/packages/:id/files") { _, context in
            guard let package = account.package(text(context, "id") ?? "") else { return SimulatorAnswer.noPackage }
            let files = SimulatorFiles(package: package)
            return SimulatorAnswer([
                "documents": .string(Self.digest(files.documents)), "evidence": .string(Self.digest(files.evidence)),
            ])
        }
        router.post("/simulator/packages/:id/:deed") { request, context in
            let body = await json(of: request)
            guard let transition = Self.transition(text(context, "deed") ?? "", body) else {
                let known = "sign, decline, opt-out, expire, lock, attach, support, bounce"
                return SimulatorAnswer.failure(.notFound, "error.notFound", "A package can: \(known).")
            }
            return perform(transition, on: text(context, "id") ?? "")
        }
    }

    private static func transition(_ name: String, _ body: JSON) -> SimulatorPackage.Transition? {
        switch name {
        case "sign": .sign
        case "decline": .decline(reason: body["reason"]?.string ?? "the terms are not acceptable")
        case "opt-out": .optOut(reason: body["reason"]?.string ?? "I want to sign on paper")
        case "expire": .expire
        case "lock": .lock
        case "attach": .attach(name: body["name"]?.string ?? "passport.pdf")
        case "support": .support(name: body["name"]?.string ?? "invoice.pdf")
        case "bounce": .bounce(kind: body["kind"]?.string ?? "BOUNCE")
        default: nil
        }
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).hexDigits
    }

    func text(_ context: BasicRequestContext, _ name: String) -> String? {
        context.parameters.get(name).map { $0.removingPercentEncoding ?? $0 }
    }

    func json(of request: Request) async -> JSON {
        guard let body = try? await request.body.collect(upTo: 1 << 20) else { return .null }
        return (try? JSON(parsing: body.readableBytesView)) ?? .null
    }
}
