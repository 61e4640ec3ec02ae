import CountersignCore
import Foundation

struct NewerThan: Operator {
    static let declaration = OperatorDeclaration(
        "newer_than",
        .duration,
        "The RFC 3339 time is less than this long ago, or in the future.",
        examples: [
            .init("{newer_than: 2d}", "2018-06-30T00:00:00Z", true),
            .init("{newer_than: 2d}", "2018-06-28T00:00:00Z", false),
            .init("{newer_than: 2d}", nil, false),
        ]
    )

    private let age: Duration

    init?(_ argument: OperatorArgument) {
        guard let age = argument.duration() else { return nil }
        self.age = age
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .string(let text)? = value, let date = Date(outside: text) else { return false }
        return context.now.timeIntervalSince(date) < age.timeInterval
    }

    var isPure: Bool { false }
}
