package import CountersignCore
import CountersignOutbound

/// Fetches a file of a package from OneSpan Sign.
package struct OneSpanDownloadAction: Action {
    private static let path = Field.template(
        "path",
        in: .filePath,
        "The file, relative to the output folder; missing folders are created, and a value cannot add path components.",
        isRequired: true
    )
    private static let what = Field.choice(
        "what",
        ["documents", "document", "evidence", "fields", "attachments", "supporting"],
        "All documents (ZIP), one document (PDF), the evidence summary (PDF), the field values (JSON), the signers' "
            + "attachments (ZIP), or the supporting documents.",
        default: "documents"
    )
    private static let document = Field.template(
        "document",
        in: .text,
        "The id of the document; defaults to that of the event."
    )

    /// The declaration of `onespan.download`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.download",
        summary: "Downloads a file of a package from OneSpan Sign; the file appears once it is complete.",
        mainField: "path",
        fields: [path.declaration, what.declaration, document.declaration, PackageTarget.field.declaration],
        outputs: [
            .init("path", "The absolute path of the file."),
            .init("bytes", "Its size in bytes."),
            .init("sha256", "Its SHA-256, in hex."),
        ],
        leavesFiles: true,
        notes: [
            "Another attempt replaces the file by the same content.",
            "Where supporting documents are found (`/supporting-documents/v1/transactions/ID`) and that they come as one ZIP are inferred: the file holds what OneSpan Sign sends.",
        ],
        examples: [
            .init("Download all signed documents.", yaml: "onespan.download: \"contracts/${event.packageId}.zip\""),
            .init(
                "Download the document that was just signed.",
                yaml: """
                    onespan.download:
                      what: document
                      path: "signed/${event.packageId}/${event.documentId}.pdf"
                    """
            ),
        ]
    )

    /// A file that is about to be fetched.
    package struct Plan: ActionPlan {
        let file: PackageFile
        let packageID: String
        let components: [String]

        /// What is downloaded, of which package, and to which path relative to the output folder.
        package var json: JSON {
            var object: JSONObject = ["what": .string(file.name), "package": .string(packageID)]
            if case .document(let id) = file { object["document"] = .string(id) }
            object["path"] = .string(components.joined(separator: "/"))
            return .object(object)
        }

        /// The same for all steps that use the API of OneSpan Sign.
        package var destination: String? { PackageTarget.destination }
    }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the path and the ids of package and document.
    ///
    /// - Throws: `StepFailure` where an id is missing, or the document is the consent.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let template = options.required(Self.path)
        let path = try template.text(in: scope, for: .filePath)
        return Plan(
            file: try file(in: scope),
            packageID: try PackageTarget.id(options, in: scope),
            components: try EncodingContext.components(ofPath: path, source: template.source)
        )
    }

    private func file(in scope: Scope) throws(StepFailure) -> PackageFile {
        switch options.required(Self.what) {
        case "document": .document(try documentID(in: scope))
        case "evidence": .evidence
        case "fields": .fields
        case "attachments": .attachments
        case "supporting": .supporting
        default: .documents
        }
    }

    private func documentID(in scope: Scope) throws(StepFailure) -> String {
        let id: String?
        if let template = options[Self.document] {
            id = try template.text(in: scope, for: .text)
        } else {
            id = scope.event.payload["documentId"]?.string
        }
        guard let id, !id.isEmpty else { throw .final("the event has no document; set its id as 'document'") }
        guard id != "default-consent" else {
            throw .final(
                "'default-consent' is the consent, not a document; add the condition 'documentId: {not: default-consent}'"
            )
        }
        return id
    }

    /// Downloads the file, which appears under its path once it is complete.
    ///
    /// - Throws: `StepFailure`; a file that OneSpan Sign does not have yet is worth retrying.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let vendor = try context.services.vendor()
        let folder = OutputFolder(path: context.services.outputRoot)
        let result = try await folder.receive(plan.components, spare: context.spareFile) {
            receiver async throws(StepFailure) in
            try await vendor.fetch(plan.file, of: plan.packageID, to: receiver)
        }
        return [
            "path": .string(([folder.path] + plan.components).joined(separator: "/")), "bytes": JSON(result.bytes),
            "sha256": .string(result.sha256),
        ]
    }
}

extension PackageFile {
    fileprivate var name: String {
        switch self {
        case .documents: "documents"
        case .document: "document"
        case .evidence: "evidence"
        case .fields: "fields"
        case .attachments: "attachments"
        case .supporting: "supporting"
        }
    }
}
