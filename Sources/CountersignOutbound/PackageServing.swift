package import CountersignCore
package import Foundation

/// What the vendor gives and does for a package; the target `CountersignOneSpan` knows how to ask.
package protocol PackageServing: Sendable {
    /// Hands a file of the package to `receiver`, as it comes.
    ///
    /// - Throws: `StepFailure`; a file that is not there yet is worth another try.
    func fetch(
        _ file: PackageFile,
        of packageID: String,
        to receiver: any BodyReceiving
    ) async throws(StepFailure)

    /// The package as it is at `date` or later; nil where the vendor knows none of this id.
    func package(_ id: String, asOf date: Date) async throws(StepFailure) -> JSON?

    /// Whether a signer, by the id of the signer and not of the role, has still to sign.
    func isSigningPending(of signer: String, in packageID: String) async throws(StepFailure) -> Bool

    /// Has the vendor mail the signer of a role once more.
    func remind(role: String, of packageID: String) async throws(StepFailure)

    /// Lets the signer of a role in again, who was locked out.
    func unlock(role: String, of packageID: String) async throws(StepFailure)

    /// Sends a request to the vendor's API, once.
    ///
    /// - Throws: `StepFailure` where there is no response.
    /// - Returns: The response, whatever its status.
    func answer(to request: VendorRequest) async throws(StepFailure) -> VendorAnswer

    /// The first package of these statuses, updated at `since` or later, that `isMeant` accepts; nil where there is none.
    ///
    /// The list may show a package some time after it was created.
    func firstPackage(
        in statuses: [String],
        since: Date,
        where isMeant: @Sendable (JSON) -> Bool
    ) async throws(StepFailure) -> JSON?
}

/// A file that belongs to a package.
package enum PackageFile: Sendable, Equatable {
    /// All documents, as one ZIP archive.
    case documents
    /// One document, as a PDF.
    case document(String)
    /// The evidence summary, as a PDF.
    case evidence
    /// The values of all fields, as JSON.
    case fields
    /// What signers have attached, as one ZIP archive.
    case attachments
    /// The supporting documents, as the vendor gives them.
    case supporting
}
