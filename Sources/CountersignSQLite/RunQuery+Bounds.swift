import CountersignCore
import CountersignStore
import Foundation
import GRDB

extension Database {
    /// How far the clock may have been set back between two runs of which the later one is looked for by its time.
    private static let clockTolerance: TimeInterval = 86_400

    /// The query with bounds on the numbers of runs that follow from those on their times, for which there is no index.
    func bounded(_ query: RunQuery) throws -> RunQuery {
        guard query.eventID == nil, query.packageID == nil else { return query }
        var query = query
        if let since = query.since, let first = try firstRun(since: since - Self.clockTolerance) { query.from = first }
        if let until = query.until, let end = try firstRun(since: until + Self.clockTolerance) {
            // Where none is that late, this is the last one of all, which must not be lost.
            query.before = Run.ID(rawValue: min(query.before?.rawValue ?? .max, end.rawValue + 1))
        }
        return query
    }
}
