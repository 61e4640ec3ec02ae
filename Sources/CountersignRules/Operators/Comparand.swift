import CountersignCore
import Foundation

/// What has an order: a number, or a time.
enum Comparand: Sendable {
    case number(JSONNumber)
    case time(Date)

    init?(_ value: JSON) {
        switch value {
        case .number(let number): self = .number(number)
        case .string(let text):
            guard let date = Date(rfc3339: text) else { return nil }
            self = .time(date)
        default: return nil
        }
    }

    /// Whether `value` is in the given order to this; false where the two are not of one kind.
    func compares(_ value: JSON?, isOrdered: (Order) -> Bool) -> Bool {
        switch (self, value) {
        case (.number(let bound), .number(let number)?):
            isOrdered(number < bound ? .below : number == bound ? .same : .above)
        case (.time(let bound), .string(let text)?):
            Date(outside: text).map { isOrdered($0 < bound ? .below : $0 == bound ? .same : .above) } ?? false
        default: false
        }
    }

    /// The bound as a rule writes it.
    var value: JSON {
        switch self {
        case .number(let number): .number(number)
        case .time(let date): .string(date.rfc3339)
        }
    }

    /// Where a value stands, seen from the bound.
    enum Order {
        case below
        case same
        case above
    }
}
