import CountersignCore
import Foundation

struct OlderThan: Operator {
    static let declaration = OperatorDeclaration(
        "older_than",
        .duration,
        "The RFC 3339 time is more than this long ago, at the time of the evaluation.",
        examples: [
            .init("{older_than: 2d}", "2018-06-28T00:00:00Z", true),
            .init("{older_than: 2d}", "2018-06-30T00:00:00Z", false),
            .init("{older_than: 2d}", "yesterday", false),
            .init("{older_than: 2d}", nil, false),
        ]
    )

    private let age: Duration

    init?(_ argument: OperatorArgument) {
        guard let age = argument.duration() else { return nil }
        self.age = age
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .string(let text)? = value, let date = Date(outside: text) else { return false }
        return context.now.timeIntervalSince(date) > age.timeInterval
    }

    var isPure: Bool { false }
}
