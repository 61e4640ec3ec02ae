/// What the vendor is known to send; both are open sets, so a name or field that is not here is no mistake by itself.
package enum EventCatalogue {
    /// The events, grouped as the vendor's documentation groups them.
    package static let entries: [Entry] = [
        Entry(
            "PACKAGE_CREATE",
            .packageStatus,
            "A package (transaction) was created."
        ),
        Entry(
            "TEMPLATE_CREATE",
            .packageStatus,
            "A template was created."
        ),
        Entry(
            "PACKAGE_ACTIVATE",
            .packageStatus,
            "Package moved from DRAFT (or DELETED) to SENT."
        ),
        Entry(
            "PACKAGE_DEACTIVATE",
            .packageStatus,
            "Package moved back from SENT to DRAFT for editing."
        ),
        Entry(
            "PACKAGE_READY_FOR_COMPLETE",
            .packageStatus,
            "All signers are done but the package has autocomplete=false; the sender must act to complete it."
        ),
        Entry(
            "PACKAGE_COMPLETE",
            .packageStatus,
            "All recipients have signed (or the sender completed the package)."
        ),
        Entry(
            "PACKAGE_DECLINE",
            .packageStatus,
            "A recipient declined to sign and gave a reason.",
            extraFields: ["message"]
        ),
        Entry(
            "PACKAGE_OPT_OUT",
            .packageStatus,
            "A recipient opted out of signing electronically and gave a reason.",
            extraFields: ["message"]
        ),
        Entry(
            "PACKAGE_EXPIRE",
            .packageStatus,
            "The package passed its expiry date."
        ),
        Entry(
            "PACKAGE_ARCHIVE",
            .packageStatus,
            "The package was archived (only COMPLETED packages can be)."
        ),
        Entry(
            "PACKAGE_TRASH",
            .packageAction,
            "The package was moved to the Trash folder."
        ),
        Entry(
            "PACKAGE_RESTORE",
            .packageAction,
            "A trashed (or archived) package went back to its earlier state."
        ),
        Entry(
            "PACKAGE_DELETE",
            .packageAction,
            "The package was permanently deleted."
        ),
        Entry(
            "DOCUMENT_SIGNED",
            .signing,
            "A signer signed one document, or accepted the consent document.",
            extraFields: ["documentId"]
        ),
        Entry(
            "DOCUMENT_VIEWED",
            .signing,
            "A document was viewed.",
            extraFields: ["documentId"]
        ),
        Entry(
            "SIGNER_COMPLETE",
            .signing,
            "A signer has completed all of their documents."
        ),
        Entry(
            "ROLE_REASSIGN",
            .signing,
            "A signer delegated signing to somebody else (change signer).",
            extraFields: ["newRoleId"]
        ),
        Entry(
            "PACKAGE_ATTACHMENT",
            .signing,
            "A signer uploaded an attachment.",
            extraFields: ["message"]
        ),
        Entry(
            "EMAIL_BOUNCE",
            .exception,
            "A notification e-mail to a recipient bounced or was auto-answered.",
            extraFields: ["message"]
        ),
        Entry(
            "KBA_FAILURE",
            .exception,
            "Knowledge-based authentication failed."
        ),
        Entry(
            "SIGNER_LOCKED",
            .exception,
            "A signer was locked out after repeated SMS / Q&A (or KBA) failures."
        ),
        Entry(
            "COBROWSE_REQUEST",
            .exception,
            "A signer asks the sender for a co-browsing session.",
            extraFields: ["phone", "comment", "selectedSupportBusinessHours"]
        ),
    ]

    /// The payload fields that any event may carry.
    package static let commonFields = [
        "@class", "name", "sessionUser", "packageId", "message", "documentId", "createdDate",
    ]

    /// All payload fields that some event carries.
    package static let fields = commonFields + entries.flatMap(\.extraFields).filter { !commonFields.contains($0) }

    /// The names of all events, in the order of `entries`.
    package static let names = entries.map(\.name)

    /// Names that people take from the vendor's SDKs, and what is sent in their place.
    package static let misnomers = ["PACKAGE_READY_FOR_COMPLETION": "PACKAGE_READY_FOR_COMPLETE"]

    /// What the names of events begin with that rules raise.
    package static let ownPrefix = "X_"

    /// How an event of this name arrives in progress through the live program.
    package static func origin(of name: String) -> Event.Origin { name.hasPrefix(ownPrefix) ? .rule : .callback }
}

extension EventCatalogue {
    /// A group of events in the vendor's documentation.
    package enum Group: String, Sendable, CaseIterable {
        case packageStatus = "package-status"
        case packageAction = "package-action"
        case signing
        case exception
    }

    /// One event.
    package struct Entry: Sendable {
        /// The name on the wire.
        package let name: String

        /// The group that the vendor's documentation lists it under.
        package let group: Group

        /// When it is sent, in one sentence.
        package let meaning: String

        /// The payload fields that mean something in this event and not in all of them.
        package let extraFields: [String]

        init(_ name: String, _ group: Group, _ meaning: String, extraFields: [String] = []) {
            self.name = name
            self.group = group
            self.meaning = meaning
            self.extraFields = extraFields
        }
    }
}
