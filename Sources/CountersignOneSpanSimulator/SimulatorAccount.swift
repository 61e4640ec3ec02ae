import CountersignCore
import Foundation
import Synchronization

/// The one account of a simulator: its packages, its registrations, its faults.
///
/// All of it is in memory.
final class SimulatorAccount: Sendable {
    /// What is registered under a slot of `/api/callback`.
    struct Registration {
        var url: String?
        var key: String?
        var events: [String]

        var json: JSON {
            ["url": JSON(url), "key": JSON(key), "events": .array(events.map { .string($0) })]
        }
    }

    private struct State {
        var packages: [String: SimulatorPackage] = [:]
        var order: [String] = []
        var registrations: [String: Registration] = [:]
        var faults: SimulatorFaults
        var requests = 0
        var fileRequests: [String: Int] = [:]
        var tokens: Set<String> = []
        var reminders: [JSON] = []
    }

    private let state: Mutex<State>
    private let clock: any WallClock
    let poster: CallbackPoster

    init(faults: SimulatorFaults, clock: any WallClock, poster: CallbackPoster) {
        state = Mutex(State(faults: faults))
        self.clock = clock
        self.poster = poster
    }

    var faults: SimulatorFaults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// The packages, the oldest first.
    var packages: [SimulatorPackage] { state.withLock { state in state.order.compactMap { state.packages[$0] } } }

    func package(_ id: String) -> SimulatorPackage? { state.withLock { $0.packages[id] } }

    /// What is registered for the account (an empty name) or a connector.
    func registration(_ slot: String) -> Registration? { state.withLock { $0.registrations[slot] } }

    func register(_ registration: Registration, in slot: String) {
        state.withLock { $0.registrations[slot] = registration }
    }

    /// The number of a request to the API, counted from 1.
    func countRequest() -> Int {
        state.withLock { state in
            state.requests += 1
            return state.requests
        }
    }

    /// How often a file of the package was asked for, this time included.
    func countFileRequest(of id: String) -> Int {
        state.withLock { state in
            state.fileRequests[id, default: 0] += 1
            return state.fileRequests[id, default: 0]
        }
    }

    func makeToken() -> String {
        let token = UUID().uuidString
        state.withLock { _ = $0.tokens.insert(token) }
        return token
    }

    func knowsToken(_ token: String) -> Bool { state.withLock { $0.tokens.contains(token) } }

    func remind(_ reminder: JSON) { state.withLock { $0.reminders.append(reminder) } }

    var reminders: [JSON] { state.withLock { $0.reminders } }

    /// Makes a package from what `POST /api/packages` is given, and tells of it.
    func create(from json: JSON) -> SimulatorPackage {
        let now = clock.now
        let package = SimulatorPackage(
            id: Self.packageID(),
            name: json["name"]?.string ?? "Untitled",
            created: now,
            data: json["data"] ?? [:],
            documents: Self.documents(json["documents"]?.array),
            isTemplate: json["type"] == "TEMPLATE",
            isAutocompleted: json["autocomplete"]?.bool ?? true,
            due: json["due"]?.string,
            signers: Self.signers(json["roles"]?.array),
            updated: now
        )
        return add(package)
    }

    /// Makes a package from a template, or from another package; nil when there is none of this id.
    func clone(_ id: String, with json: JSON) -> SimulatorPackage? {
        guard let template = package(id) else { return nil }
        let now = clock.now
        let replaced = Self.signers(json["roles"]?.array ?? [])
        let signers = template.signers.map { signer in
            let given = json["roles"]?.array == nil ? nil : replaced.first { $0.role == signer.role }
            return given ?? SimulatorPackage.Signer(copying: signer)
        }
        return add(
            SimulatorPackage(
                id: Self.packageID(),
                name: json["name"]?.string ?? template.name,
                created: now,
                data: json["data"] ?? template.data,
                documents: template.documents,
                isTemplate: json["type"] == "TEMPLATE",
                isAutocompleted: json["autocomplete"]?.bool ?? template.isAutocompleted,
                due: json["due"]?.string ?? template.due,
                signers: signers,
                updated: now
            )
        )
    }

    private func add(_ package: SimulatorPackage) -> SimulatorPackage {
        state.withLock { state in
            state.packages[package.id] = package
            state.order.append(package.id)
        }
        // A template is nobody's to be told of.
        if !package.isTemplate { tell([package.creation]) }
        return package
    }

    /// Whether the answer to a request that changed something is to be lost; each time one less is.
    func loseAnswer() -> Bool {
        state.withLock { state in
            guard state.faults.loseAnswers > 0 else { return false }
            state.faults.loseAnswers -= 1
            return true
        }
    }

    /// Does something with a package, and tells of it; nil when there is no such package.
    func apply(
        _ transition: SimulatorPackage.Transition,
        to id: String
    ) throws(SimulatorPackage.Refusal) -> SimulatorPackage? {
        let now = clock.now
        let outcome = state.withLock {
            state -> Result<(SimulatorPackage, [SimulatorNotice])?, SimulatorPackage.Refusal> in
            guard var package = state.packages[id] else { return .success(nil) }
            do throws(SimulatorPackage.Refusal) {
                let notices = try package.apply(transition, at: now)
                state.packages[id] = package
                return .success((package, notices))
            } catch {
                return .failure(error)
            }
        }
        guard let (package, notices) = try outcome.get() else { return nil }
        tell(notices)
        return package
    }

    /// Unlocks the signer of a role; false when there is none.
    func unlock(_ role: String, of id: String) -> Bool {
        state.withLock { state in
            guard let index = state.packages[id]?.signers.firstIndex(where: { $0.role == role }) else { return false }
            state.packages[id]?.signers[index].isLocked = false
            return true
        }
    }

    private func tell(_ notices: [SimulatorNotice]) {
        for notice in notices {
            let (targets, faults) = state.withLock { state in
                let targets = state.registrations.sorted { $0.key < $1.key }.map(\.value)
                    .filter { $0.events.contains(notice.event) }
                    .compactMap { registration in
                        registration.url.map { CallbackPoster.Target(url: $0, key: registration.key) }
                    }
                return (targets, state.faults)
            }
            poster.post(notice, to: targets, faults)
        }
    }

    /// 28 characters of base64url, the last one `=`, as the vendor's are.
    private static func packageID() -> String {
        let bytes = (0..<20).map { _ in UInt8.random(in: .min ... .max) }
        return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
    }

    private static func documents(_ items: [JSON]?) -> [SimulatorPackage.Document] {
        let documents = (items ?? [])
            .enumerated()
            .map { number, item in
                SimulatorPackage.Document(
                    id: item["id"]?.string ?? hexID(),
                    name: item["name"]?.string ?? "Document \(number + 1)"
                )
            }
        return documents.isEmpty ? [.init(id: hexID(), name: "Contract")] : documents
    }

    private static func hexID() -> String {
        (0..<24).map { _ in String(UInt8.random(in: 16 ... .max), radix: 16) }.joined()
    }

    private static func signers(_ roles: [JSON]?) -> [SimulatorPackage.Signer] {
        let signers = (roles ?? [])
            .enumerated()
            .map { number, role in
                let signer = role["signers"]?.array?.first ?? .null
                return SimulatorPackage.Signer(
                    role: role["id"]?.string ?? "Signer\(number + 1)",
                    id: signer["id"]?.string ?? UUID().uuidString.lowercased(),
                    email: signer["email"]?.string ?? "signer\(number + 1)@example.com",
                    firstName: signer["firstName"]?.string ?? "Signer",
                    lastName: signer["lastName"]?.string ?? "\(number + 1)"
                )
            }
        guard signers.isEmpty else { return signers }
        return [
            .init(
                role: "Signer1",
                id: UUID().uuidString.lowercased(),
                email: "signer1@example.com",
                firstName: "Ada",
                lastName: "Example"
            )
        ]
    }
}

extension SimulatorPackage.Signer {
    /// A signer of the same role and address, who has not signed.
    init(copying other: Self) {
        self.init(
            role: other.role,
            id: UUID().uuidString.lowercased(),
            email: other.email,
            firstName: other.firstName,
            lastName: other.lastName
        )
    }
}
