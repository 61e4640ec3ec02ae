import CountersignCore
import Foundation

/// A queue of runs in a decision in the making.
struct QueueDraft {
    /// A run, which may be one that is only decided.
    enum Reference: Equatable {
        case stored(Run.ID)
        /// The place in `StateOutcome.runs`.
        case new(Int)
    }

    /// A run of the queue.
    struct Member: Equatable {
        let run: Reference
        let eventID: Event.ID
        let ruleID: String
        let part: String
        let happenedAt: Date
        var slot: Int?
        let hasBegun: Bool

        /// The run's number; nil for one that has none yet.
        var storedRun: Run.ID? { if case .stored(let id) = run { id } else { nil } }

        /// What a decision says of it: its event, and its number where it has one.
        var facts: JSON {
            var facts: JSONObject = ["by": JSON(eventID.rawValue)]
            if let storedRun { facts["by_run"] = JSON(storedRun.rawValue) }
            return .object(facts)
        }

        func isBefore(_ other: Member) -> Bool {
            (happenedAt, eventID.rawValue) < (other.happenedAt, other.eventID.rawValue)
        }
    }

    /// An event whose run asks for a place.
    struct Newcomer {
        let event: Event
        let ruleID: String
        let part: String
        let happenedAt: Date
    }

    /// What becomes of a run whose place another one takes.
    enum Change: Equatable {
        case waits
        case superseded
    }

    /// What becomes of a newcomer.
    enum Placement {
        /// No run is made: this one has the key.
        case busy(Member)
        /// No run is made: this one waits and is newer.
        case superseded(Member)
        /// It has the slot, or waits behind another one; what becomes of others by that.
        case admitted(slot: Int?, behind: Member?, displaced: [(Member, Change)])
    }

    private var holders: [Member]
    private var waiting: [Member]

    init(_ state: QueueState) {
        holders = state.holders.map { Member($0) }
        waiting = state.waiting.map { Member($0) }
    }

    /// Decides about a newcomer that will be the run at the place `index`.
    mutating func admit(_ newcomer: Newcomer, by concurrency: Concurrency, as index: Int) -> Placement {
        var member = Member(
            run: .new(index),
            eventID: newcomer.event.id,
            ruleID: newcomer.ruleID,
            part: newcomer.part,
            happenedAt: newcomer.happenedAt,
            slot: nil,
            hasBegun: false
        )
        if holders.count < concurrency.limit {
            let taken = Set(holders.compactMap(\.slot))
            member.slot = (0..<concurrency.limit).first { !taken.contains($0) }
            holders.append(member)
            return .admitted(slot: member.slot, behind: nil, displaced: [])
        }
        switch concurrency.busy {
        case .skip: return .busy(holders.max { $1.isBefore($0) } ?? member)
        case .queue: return queue(member)
        case .newest: return takeOver(member)
        }
    }

    /// It waits, or goes ahead of one that has not begun and is later.
    private mutating func queue(_ newcomer: Member) -> Placement {
        var member = newcomer
        let later = holders.indices.filter { !holders[$0].hasBegun && member.isBefore(holders[$0]) }
        guard let place = later.max(by: { holders[$0].isBefore(holders[$1]) }) else {
            waiting.append(member)
            return .admitted(slot: nil, behind: holders.min { $0.isBefore($1) }, displaced: [])
        }
        var overtaken = holders[place]
        member.slot = overtaken.slot
        holders[place] = member
        overtaken.slot = nil
        waiting.append(overtaken)
        return .admitted(slot: member.slot, behind: nil, displaced: [(overtaken, .waits)])
    }

    /// It takes the place of those that wait, or is superseded by one of them.
    private mutating func takeOver(_ newcomer: Member) -> Placement {
        var member = newcomer
        // Also one that has begun: what is older than the newest known one never comes behind it.
        let rivals = waiting + holders
        if let newest = rivals.max(by: { $0.isBefore($1) }), member.isBefore(newest) { return .superseded(newest) }
        // One that waits and had begun is one that failed and is retried: its `always` steps ran when it failed.
        var displaced = waiting.map { ($0, Change.superseded) }
        waiting = []
        let unbegun = holders.indices.filter { !holders[$0].hasBegun }
        if let place = unbegun.min(by: { holders[$0].isBefore(holders[$1]) }) {
            displaced.append((holders[place], .superseded))
            member.slot = holders[place].slot
            holders[place] = member
            return .admitted(slot: member.slot, behind: nil, displaced: displaced)
        }
        waiting.append(member)
        return .admitted(slot: nil, behind: holders.min { $0.isBefore($1) }, displaced: displaced)
    }
}

extension QueueDraft.Member {
    fileprivate init(_ member: QueueState.Member) {
        self.init(
            run: .stored(member.run),
            eventID: member.eventID,
            ruleID: member.ruleID,
            part: member.part,
            happenedAt: member.happenedAt,
            slot: member.slot,
            hasBegun: member.hasBegun
        )
    }
}
