import CountersignCore
import CountersignOutbound

/// A file of the output folder that a step sends.
struct StepFile: Sendable {
    /// Where it lies.
    private enum Place: Sendable {
        /// Beneath the output folder.
        case components([String])
        /// As an earlier step gave it in its output `path`: absolute.
        case output(String)
    }

    private let place: Place

    /// The file of a template: a path relative to the output folder, or the output `path` of an earlier step alone.
    ///
    /// - Throws: `StepFailure` where a value does not fit into a path.
    init(_ template: Template, in scope: Scope) throws(StepFailure) {
        if Self.isOutput(template) {
            place = .output(try template.text(in: scope, for: .text))
            return
        }
        let path = try template.text(in: scope, for: .filePath)
        place = .components(try EncodingContext.components(ofPath: path, source: template.source))
    }

    /// Whether it is `${steps.ID.path}` and nothing else.
    private static func isOutput(_ template: Template) -> Bool {
        guard template.segments.count == 1, case .value(let expression)? = template.segments.first,
            case .step(_, let path) = expression.reference, expression.filters.isEmpty
        else { return false }
        return path.components == [.key("path")]
    }

    /// The path as plans show it.
    var shown: String {
        switch place {
        case .components(let components): components.joined(separator: "/")
        case .output(let path): path
        }
    }

    /// The name that others see.
    var name: String { shown.split(separator: "/").last.map(String.init) ?? "file" }

    /// The media type that follows from the end of its name.
    var type: String {
        let types = [
            "pdf": "application/pdf", "zip": "application/zip", "json": "application/json", "xml": "application/xml",
            "txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8",
            "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
        ]
        let parts = name.split(separator: ".")
        return parts.count > 1 ? types[parts.last?.lowercased() ?? ""] ?? Self.anyType : Self.anyType
    }

    private static let anyType = "application/octet-stream"

    /// The components beneath the folder `root`.
    ///
    /// - Throws: `StepFailure` where it does not lie there.
    func components(beneath root: String) throws(StepFailure) -> [String] {
        switch place {
        case .components(let components): return components
        case .output(let path):
            guard path.hasPrefix(root + "/") else {
                throw .final("'\(path.cut(to: 300).showingControls)' does not lie in the output folder '\(root)'")
            }
            return try EncodingContext.components(ofPath: String(path.dropFirst(root.count + 1)), source: path)
        }
    }

    /// Opens it.
    ///
    /// - Throws: `StepFailure` where there is no such file.
    func open(in services: ActionServices) async throws(StepFailure) -> OpenFile {
        let folder = OutputFolder(path: services.outputRoot)
        return try await folder.openForReading(try components(beneath: folder.path))
    }
}
