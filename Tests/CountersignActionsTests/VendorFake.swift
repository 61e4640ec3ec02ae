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
    private let kept = Mutex<[String]>([])

    /// Gives `parts`, then fails where there is a failure; knows these packages, and the signers who have not signed.
    init(
        parts: [String] = [],
        failure: StepFailure? = nil,
        packages: [String: JSON] = [:],
        pending: Set<String> = []
    ) {
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
}
