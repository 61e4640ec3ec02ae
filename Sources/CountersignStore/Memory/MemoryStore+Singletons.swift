import CountersignCore
package import Foundation

/// A singleton as a store in memory holds it.
struct MemorySingleton {
    var holder: String
    var term: Int
    var until: Date
    var lease: Lease.ID?
}

extension MemoryStore {
    /// Takes a singleton that is free or whose lease has expired, and returns who has it now.
    package func take(
        _ singleton: Singleton,
        as holder: String,
        under lease: Lease,
        at now: Date
    ) async throws -> SingletonHold {
        try write { contents in
            let known = contents.singletons[singleton]
            let isOwn = known?.lease == nil || known?.lease == lease.id || known.map { $0.until <= now } == true
            var row = known ?? MemorySingleton(holder: holder, term: 0, until: now)
            if isOwn {
                if row.lease != lease.id { row.term += 1 }
                (row.holder, row.lease) = (holder, lease.id)
                row.until = now.addingTimeInterval(lease.duration.timeInterval)
                contents.singletons[singleton] = row
            }
            return SingletonHold(holder: row.holder, term: row.term, until: row.until, isOwn: isOwn)
        }
    }

    /// Makes the lease on a singleton last longer, and returns whether it still has it.
    package func renew(_ singleton: Singleton, under lease: Lease, at now: Date) async throws -> Bool {
        try write { contents in
            guard contents.singletons[singleton]?.lease == lease.id else { return false }
            contents.singletons[singleton]?.until = now.addingTimeInterval(lease.duration.timeInterval)
            return true
        }
    }

    /// Gives a singleton back.
    package func giveUp(_ singleton: Singleton, under lease: Lease.ID) async throws {
        try write { contents in
            if contents.singletons[singleton]?.lease == lease { contents.singletons[singleton]?.lease = nil }
        }
    }
}
