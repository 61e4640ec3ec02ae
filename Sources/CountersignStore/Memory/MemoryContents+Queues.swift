import CountersignCore
import Foundation

/// Runs that take turns.
extension MemoryContents {
    /// Makes a run, unless its rule has one of this part for the event; gives the number of the one that is there.
    mutating func add(_ new: NewRun, at now: Date) -> Run.ID {
        let known = runsOfEvents[new.eventID]?
            .first { runs[$0].ruleID == new.ruleID && runs[$0].part == new.part && !runs[$0].isTakenBack }
        if let known { return runs[known].id }
        let index = runs.count
        runs.append(MemoryRun(id: Run.ID(rawValue: Int64(index) + 1), new, at: now.stored))
        runsOfEvents[new.eventID, default: []].append(index)
        if let place = new.place {
            // Two runs never have one slot.
            if isTaken(place.slot, of: place.queue) { runs[index].place?.slot = nil }
            lines[place.queue, default: []].insert(index)
        }
        return runs[index].id
    }

    private func isTaken(_ slot: Int?, of queue: String) -> Bool {
        slot != nil && (lines[queue] ?? []).contains { runs[$0].place?.slot == slot }
    }

    /// Takes the slot of a run, or its place in the line, and gives the slot to the next one.
    mutating func leaveQueue(_ index: Int) {
        guard let queue = runs[index].place?.queue else { return }
        move(index, to: nil)
        lines[queue]?.remove(index)
        advance(queue)
    }

    /// Has a run wait for a slot of its queue, unless it still has one.
    mutating func joinQueue(_ index: Int) {
        guard let queue = runs[index].place?.queue else { return }
        lines[queue, default: []].insert(index)
        advance(queue)
    }

    /// Gives a run a slot, or takes its own.
    mutating func move(_ index: Int, to slot: Int?) {
        runs[index].place?.slot = slot
        runs[index].place?.since = nil
    }

    /// Gives the free slots of a queue to the runs that wait longest by their own time.
    mutating func advance(_ queue: String) {
        guard let line = lines[queue], !line.isEmpty else {
            lines[queue] = nil
            return
        }
        var taken = Set(line.compactMap { runs[$0].place?.slot })
        while let next = line.filter({ runs[$0].run.waitsInQueue }).min(by: { runs[$0].turn < runs[$1].turn }) {
            let free = (0..<(runs[next].place?.limit ?? 0)).first { !taken.contains($0) }
            guard let free else { return }
            move(next, to: free)
            taken.insert(free)
            handovers += 1
        }
    }

    func queue(_ name: String) -> QueueState {
        let line = (lines[name] ?? []).map { runs[$0] }
        let waiting = line.filter { $0.place?.slot == nil }.sorted { $0.turn > $1.turn }
        return QueueState(
            holders: line.filter { $0.place?.slot != nil }.sorted { ($0.place?.slot ?? 0) < ($1.place?.slot ?? 0) }
                .compactMap(\.member),
            waiting: waiting.prefix(QueueState.mostWaiting).compactMap(\.member),
            waitingCount: waiting.count
        )
    }

    /// The queues in which runs wait, or that a failed run holds.
    func queues(limit: Int) -> [QueueSummary] {
        let all = lines.keys.map { summary(ofQueue: $0) }.filter { $0.waiting > 0 || $0.isHeldByFailure }
        let sorted = all.sorted {
            ($0.waitingSince ?? .distantFuture, $0.queue) < ($1.waitingSince ?? .distantFuture, $1.queue)
        }
        return Array(sorted.prefix(max(0, limit)))
    }

    private func summary(ofQueue name: String) -> QueueSummary {
        let line = (lines[name] ?? []).map { runs[$0] }
        let holders = line.filter { $0.place?.slot != nil }.sorted { $0.id.rawValue < $1.id.rawValue }
        let waiting = line.filter { $0.place?.slot == nil }
        return QueueSummary(
            queue: name,
            holders: holders.map(\.id),
            heldSince: holders.compactMap { $0.place?.since }.min(),
            isHeldByFailure: holders.contains { $0.state == .failed },
            waiting: waiting.count,
            waitingSince: waiting.map(\.createdAt).min()
        )
    }
}

extension MemoryRun {
    /// By what runs of a queue are ordered.
    fileprivate var turn: (Date, Int64, Int64) { (place?.happenedAt ?? createdAt, eventID.rawValue, id.rawValue) }

    fileprivate var member: QueueState.Member? {
        place.map { place in
            QueueState.Member(
                run: id,
                eventID: eventID,
                ruleID: ruleID,
                part: part,
                happenedAt: place.happenedAt,
                slot: place.slot,
                hasBegun: place.since != nil || !records.isEmpty
            )
        }
    }
}
