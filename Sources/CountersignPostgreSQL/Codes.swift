import CountersignCore

extension Run.State {
    /// The number in a column.
    var code: Int64 {
        switch self {
        case .queued: 0
        case .running: 1
        case .succeeded: 2
        case .failed: 3
        case .discarded: 4
        case .waiting: 6
        }
    }

    init?(code: Int64) {
        guard let state = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = state
    }
}

extension StepRecord.Status {
    /// The number in a column.
    var code: Int64 {
        switch self {
        case .succeeded: 0
        case .failed: 1
        case .skipped: 2
        case .interrupted: 3
        }
    }

    init?(code: Int64) {
        guard let status = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = status
    }
}
