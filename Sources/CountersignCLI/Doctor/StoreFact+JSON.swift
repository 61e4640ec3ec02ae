import CountersignCore
import CountersignStore

extension StoreFact {
    /// The fact as the server gives it to `countersign doctor`.
    var json: JSON { ["subject": .string(subject), "status": .string(status.rawValue), "text": .string(text)] }

    /// Reads what `json` gives; nil for anything else.
    init?(json: JSON) {
        guard let subject = json["subject"]?.string, let text = json["text"]?.string,
            let status = json["status"]?.string.flatMap(Status.init)
        else { return nil }
        self.init(subject, status, text)
    }

    /// The fact as a finding of the doctor.
    var finding: Finding {
        switch status {
        case .fine: .fine(subject, text)
        case .warning: .warning(subject, text)
        case .failure: .failure(subject, text)
        }
    }
}
