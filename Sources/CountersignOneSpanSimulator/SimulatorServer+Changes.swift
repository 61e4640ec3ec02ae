import CountersignCore
import Hummingbird

/// What the sender changes over the API.
extension SimulatorServer {
    /// Adds cloning, and reading and correcting roles.
    func addChanges(to router: Router<BasicRequestContext>) {
        router.post("/api/packages/:id/clone") { request, context in
            let body = await json(of: request)
            return await asked(request) {
                guard let package = account.clone(text(context, "id") ?? "", with: body) else { return .noPackage }
                if body["status"]?.string == "SENT" { _ = try? account.apply(.send, to: package.id) }
                live(package.id)
                return SimulatorAnswer(["id": .string(package.id)])
            }
        }
        router.get("/api/packages/:id/roles/:role") { request, context in
            await asked(request) {
                guard let package = account.package(text(context, "id") ?? "") else { return .noPackage }
                let role = text(context, "role") ?? ""
                return package.signers.first { $0.role == role }.map { SimulatorAnswer($0.json) } ?? .noRole
            }
        }
        router.put("/api/packages/:id/roles/:role") { request, context in
            let body = await json(of: request)
            return await asked(request) {
                guard let package = account.package(text(context, "id") ?? "") else { return .noPackage }
                let role = text(context, "role") ?? ""
                guard package.signers.contains(where: { $0.role == role }) else { return .noRole }
                return perform(.correct(role: role, body), on: package.id)
            }
        }
    }

    /// What the sender does by changing the package: its fields, then its status.
    func change(_ id: String, _ body: JSON) -> SimulatorAnswer {
        let transition: SimulatorPackage.Transition? =
            switch (body["status"]?.string, body["trashed"]?.bool) {
            case ("SENT"?, _): .send
            case ("DRAFT"?, _): .edit
            case ("COMPLETED"?, _): .complete
            case ("ARCHIVED"?, _): .archive
            case (_, true?): .trash
            case (_, false?): .restore
            default: nil
            }
        let hasFields = ["name", "due", "data"].contains { body[$0] != nil }
        guard transition != nil || hasFields else {
            return .failure(.badRequest, "error.validation", "Give a status, trashed, name, due or data.")
        }
        if hasFields {
            let answer = perform(.update(body), on: id)
            guard answer.status == .ok, transition != nil else { return answer }
        }
        guard let transition else { return .noPackage }
        let answer = perform(transition, on: id)
        if case .send = transition { live(id) }
        return answer
    }
}
