import CountersignOperations
import CountersignStore

extension StoreFact {
    /// The fact as a finding of the doctor.
    var finding: Finding {
        switch status {
        case .fine: .fine(subject, text)
        case .warning: .warning(subject, text)
        case .failure: .failure(subject, text)
        }
    }
}
