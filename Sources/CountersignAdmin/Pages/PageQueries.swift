import CountersignModel
import CountersignStore
import Foundation

extension EventQuery {
    /// What the form of the page asks for.
    init(_ fields: FormFields, limit: Int, now: Date) throws(APIError) {
        self.init(
            name: fields["event"],
            packageID: fields["package"],
            origin: fields["origin"].flatMap { Event.Origin(rawValue: $0) },
            since: try Self.date(fields["since"], now),
            until: try Self.date(fields["until"], now),
            before: fields["before"].flatMap { EventPosition(text: $0) },
            text: fields["text"],
            limit: limit
        )
    }

    /// A day, a time, or so long ago.
    private static func date(_ text: String?, _ now: Date) throws(APIError) -> Date? {
        guard let text = text?.trimmingCharacters(in: .whitespaces) else { return nil }
        if let ago = Duration(text: text) { return now.addingTimeInterval(-ago.timeInterval) }
        let spellings = [text, text + "T00:00:00Z", text.replacingOccurrences(of: " ", with: "T") + "Z"]
        if let date = spellings.lazy.compactMap({ Date(rfc3339: $0) }).first { return date }
        throw APIError(
            .badRequest,
            "'\(text.printable)' is no time: write 2d, 2026-01-31 or 2026-01-31 09:00:00."
        )
    }
}

extension RunQuery {
    /// What the form of the page asks for.
    init(_ fields: FormFields, limit: Int) throws(APIError) {
        func number(_ name: String) throws(APIError) -> Int64? {
            guard let text = fields[name]?.trimmingCharacters(in: .whitespaces) else { return nil }
            guard let number = Int64(text) else { throw APIError(.badRequest, "'\(text.printable)' is no number.") }
            return number
        }
        self.init(
            eventID: try number("event").map { Event.ID(rawValue: $0) },
            ruleID: fields["rule"],
            state: fields["state"].flatMap { Run.State(rawValue: $0) },
            before: try number("before").map { Run.ID(rawValue: $0) },
            limit: limit
        )
    }
}
