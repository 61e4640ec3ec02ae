import CountersignCore
package import CountersignStore
import Foundation

extension PackagePosition {
    private static let idMark = "id:"

    /// The place in a form that goes into a URL.
    package var text: String {
        switch self {
        case .id(let id): Self.idMark + id
        case .event(let position): position.text
        }
    }

    /// Reads what `text` gives; nil for anything else.
    package init?(text: String) {
        if text.hasPrefix(Self.idMark) {
            self = .id(String(text.dropFirst(Self.idMark.count)))
        } else if let position = EventPosition(text: text) {
            self = .event(position)
        } else {
            return nil
        }
    }
}

extension EventPosition {
    /// The place in a form that goes into a URL.
    package var text: String { "\(receivedAt.milliseconds)-\(id)" }

    /// Reads what `text` gives; nil for anything else.
    package init?(text: String) {
        guard let match = text.wholeMatch(of: /(\d{1,14})-(\d{1,18})/), let time = Int64(match.1),
            let id = Int64(match.2)
        else { return nil }
        self.init(receivedAt: Date(milliseconds: time), id: Event.ID(rawValue: id))
    }
}
