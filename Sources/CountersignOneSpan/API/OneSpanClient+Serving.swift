package import CountersignCore
package import CountersignOutbound
package import Foundation

extension OneSpanClient: PackageServing {
    /// A step has retries of its own, which outlive the program.
    static let once = RetryPolicy(attempts: 1)

    /// Fetches a file in one attempt, without retries of its own.
    ///
    /// - Throws: `StepFailure`; 404 and 409 are worth retrying, since OneSpan Sign may still be preparing the file.
    package func fetch(
        _ file: PackageFile,
        of packageID: String,
        to receiver: any BodyReceiving
    ) async throws(StepFailure) {
        do throws(APIFailure) {
            try await fetch(file.path(of: packageID), to: receiver)
        } catch {
            // Just after the event, the vendor may still be at work on its files.
            guard error.status == 404 || error.status == 409 else { throw error.stepFailure }
            throw StepFailure("\(error); it may not be there yet")
        }
    }

    /// The package from a cache where it is fresh enough, else from OneSpan Sign; nil where that answers 404.
    package func package(_ id: String, asOf date: Date) async throws(StepFailure) -> JSON? {
        try await packages.package(id, asOf: date) { () async throws(StepFailure) in
            do throws(APIFailure) {
                return try await get(["api", "packages", id], retry: Self.once, isAdmitted: true)
            } catch {
                if error.status == 404 { return nil }
                throw error.stepFailure
            }
        }
    }

    /// Asks `GET /api/packages/{id}/signingStatus?signer={id}&document=`, once.
    ///
    /// The vendor's SDKs (Java, .NET: `getSigningStatus`) call it so, and name `INACTIVE`, `COMPLETE`, `ARCHIVED`,
    /// `SIGNING-PENDING` and `SIGNING-COMPLETE`; an underscore in the place of the hyphen is taken as the same.
    package func isSigningPending(of signer: String, in packageID: String) async throws(StepFailure) -> Bool {
        do throws(APIFailure) {
            let answer = try await get(
                ["api", "packages", packageID, "signingStatus"],
                [("signer", signer), ("document", "")],
                retry: Self.once,
                isAdmitted: true
            )
            return answer["status"]?.string?.replacing("-", with: "_") == "SIGNING_PENDING"
        } catch {
            throw error.stepFailure
        }
    }

    /// Posts to `/api/packages/{id}/roles/{role}/notifications`, once.
    package func remind(role: String, of packageID: String) async throws(StepFailure) {
        try await act("notifications", on: role, of: packageID)
    }

    /// Posts to `/api/packages/{id}/roles/{role}/unlock`, once.
    package func unlock(role: String, of packageID: String) async throws(StepFailure) {
        try await act("unlock", on: role, of: packageID)
    }

    private func act(_ transition: String, on role: String, of packageID: String) async throws(StepFailure) {
        do throws(APIFailure) {
            let path = ["api", "packages", packageID, "roles", role, transition]
            _ = try await post(path, nil, retry: Self.once, isAdmitted: true)
        } catch {
            throw error.stepFailure
        }
    }
}

extension PackageFile {
    /// The segments of the path of a package's file.
    fileprivate func path(of packageID: String) -> [String] {
        let package = ["api", "packages", packageID]
        return switch self {
        case .documents: package + ["documents", "zip"]
        case .document(let id): package + ["documents", id, "pdf"]
        case .evidence: package + ["evidence", "summary"]
        case .fields: package + ["fieldSummary"]
        case .attachments: package + ["attachment", "zip"]
        case .supporting: ["supporting-documents", "v1", "transactions", packageID]
        }
    }
}
