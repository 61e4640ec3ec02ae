/// What OneSpan Sign is known to tell of a package and of a signer; both are open sets.
package enum PackageFields {
    /// The keys of `GET /api/packages/{id}`.
    package static let ofPackage = [
        "id", "name", "description", "status", "created", "updated", "completed", "due", "trashed", "autocomplete",
        "data",
        "sender", "roles", "documents", "messages", "language",
    ]

    /// The keys of a signer, and those that Countersign adds from the role.
    package static let ofSigner = [
        "id", "email", "firstName", "lastName", "company", "title", "phone", "language", "role", "locked",
    ]
}
