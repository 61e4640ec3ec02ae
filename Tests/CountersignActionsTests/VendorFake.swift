import CountersignActions
import CountersignCore
import CountersignOutbound
import Foundation
import Synchronization

/// A vendor that gives files in parts, and notes what it is asked to do.
final class VendorFake: PackageServing {
    private let parts: [String]
    private let failure: StepFailure?
    private let packages: [String: JSON]
    private let pending: Set<String>
    private let replies: [String: VendorAnswer]
    private let kept = Mutex<[String]>([])

    /// Gives `parts`, then fails where there is a failure; knows these packages, and the signers who have not signed.
    ///
    /// A request is answered by `replies`, by its method and path, else with `{}`.
    init(
        parts: [String] = [],
        failure: StepFailure? = nil,
        packages: [String: JSON] = [:],
        pending: Set<String> = [],
        replies: [String: VendorAnswer] = [:]
    ) {
        self.replies = replies
        self.parts = parts
        self.failure = failure
        self.packages = packages
        self.pending = pending
    }

    /// What it was asked for, in order.
    var deeds: [String] { kept.withLock { $0 } }

    func fetch(
        _ file: PackageFile,
        of packageID: String,
        to receiver: any BodyReceiving
    ) async throws(StepFailure) {
        kept.withLock { $0.append("fetch \(file) of \(packageID)") }
        for part in parts {
            do throws(ExchangeError) {
                try await receiver.receive(Array(part.utf8))
            } catch {
                throw StepFailure(error.reason, isWorthRetrying: error.isPassing)
            }
        }
        if let failure { throw failure }
    }

    func package(_ id: String, asOf _: Date) async throws(StepFailure) -> JSON? {
        kept.withLock { $0.append("package \(id)") }
        if let failure { throw failure }
        return packages[id]
    }

    func isSigningPending(of signer: String, in _: String) async throws(StepFailure) -> Bool {
        pending.contains(signer)
    }

    func remind(role: String, of packageID: String) async throws(StepFailure) {
        kept.withLock { $0.append("remind \(role) of \(packageID)") }
    }

    func unlock(role: String, of packageID: String) async throws(StepFailure) {
        kept.withLock { $0.append("unlock \(role) of \(packageID)") }
    }

    func answer(to request: VendorRequest) async throws(StepFailure) -> VendorAnswer {
        let place = "\(request.method) \(request.path)"
        kept.withLock { $0.append(place + (request.json.map { " \($0.text)" } ?? "")) }
        return replies[place] ?? .ok([:])
    }

    func firstPackage(
        in statuses: [String],
        since: Date,
        where isMeant: @Sendable (JSON) -> Bool
    ) async throws(StepFailure) -> JSON? {
        packages.values.first { package in
            let isRecent = package["updated"]?.string.flatMap { Date(rfc3339: $0) }.map { $0 >= since } ?? true
            return isRecent && statuses.contains(package["status"]?.string ?? "") && isMeant(package)
        }
    }
}

extension VendorAnswer {
    /// A success with this body.
    static func ok(_ json: JSON, headers: [OutgoingRequest.Header] = []) -> VendorAnswer {
        VendorAnswer(
            IncomingAnswer(
                status: 200,
                headers: [.init("content-type", "application/json")] + headers,
                body: json.bytes
            ),
            failure: nil
        )
    }

    /// A refusal in the vendor's words.
    static func refusal(_ status: Int, _ reason: String) -> VendorAnswer {
        VendorAnswer(
            IncomingAnswer(status: status, headers: [], body: []),
            failure: StepFailure(reason, isWorthRetrying: status >= 500)
        )
    }
}
