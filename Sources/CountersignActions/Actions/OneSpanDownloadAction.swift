package import CountersignModel

/// Fetches a file of a package from OneSpan Sign.
package struct OneSpanDownloadAction: Action {
    private static let path = Field.template(
        "path",
        in: .filePath,
        "The file, relative to the output folder; missing folders are made, and a value is one component at most.",
        isRequired: true
    )
    private static let what = Field.choice(
        "what",
        ["documents", "document", "evidence", "fields", "attachments"],
        "All documents (ZIP), one document (PDF), the evidence summary (PDF), the values of the fields (JSON), or what "
            + "signers attached (ZIP).",
        default: "documents"
    )
    private static let document = Field.template(
        "document",
        in: .text,
        "The id of the one document; without it, that of the event."
    )

    package static let declaration = ActionDeclaration(
        name: "onespan.download",
        summary: "Fetches a file of a package from OneSpan Sign, and puts it in its place once it is there as a whole.",
        mainField: "path",
        fields: [path.declaration, what.declaration, document.declaration, PackageTarget.field.declaration],
        outputs: [
            .init("path", "The absolute path of the file."),
            .init("bytes", "How many bytes it has."),
            .init("sha256", "Its SHA-256, in hex."),
        ],
        examples: [
            .init("Fetch all signed documents.", yaml: "onespan.download: \"contracts/${event.packageId}.zip\""),
            .init(
                "Fetch the document that was just signed.",
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

        package var json: JSON {
            var object: JSONObject = ["what": .string(file.name), "package": .string(packageID)]
            if case .document(let id) = file { object["document"] = .string(id) }
            object["path"] = .string(components.joined(separator: "/"))
            return .object(object)
        }

        package var destination: String? { PackageTarget.destination }
    }

    private let options: Options

    package init(options: Options) {
        self.options = options
    }

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
        guard let id, !id.isEmpty else { throw .final("the event names no document; give its id as 'document'") }
        guard id != "default-consent" else {
            throw .final("'default-consent' is the consent and no document; add 'documentId: {not: default-consent}'")
        }
        return id
    }

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
        }
    }
}
