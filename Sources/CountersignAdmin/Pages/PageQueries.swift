import CountersignModel
import Foundation

extension [Endpoint.Parameter] {
    /// What the form of a page asks for: what the API can be asked, and read as it is there.
    ///
    /// - Throws: `APIError` with a sentence for people.
    func request(_ fields: FormFields, at now: Date) throws(APIError) -> APIRequest {
        do {
            return APIRequest(values: try checked(fields.trimmed, at: now), now: now)
        } catch {
            throw APIError(error.refusal, error.sentence.prefix(1).uppercased() + error.sentence.dropFirst() + ".")
        }
    }
}
