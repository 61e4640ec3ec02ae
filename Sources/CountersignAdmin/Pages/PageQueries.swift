import CountersignCore
import CountersignOperations
import Foundation

extension [Endpoint.Parameter] {
    /// What the form of a page asks for: what the API can be asked, and read as it is there.
    ///
    /// - Throws: `OperationError` with a sentence for people.
    func request(_ fields: FormFields, at now: Date) throws(OperationError) -> APIRequest {
        do {
            return APIRequest(values: try checked(fields.trimmed, at: now), now: now)
        } catch {
            throw OperationError(
                error.kind,
                error.description.prefix(1).uppercased() + error.description.dropFirst() + "."
            )
        }
    }
}
