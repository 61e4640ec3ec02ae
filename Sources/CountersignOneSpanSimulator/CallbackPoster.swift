import CountersignCore
import CountersignOutbound
import Foundation
import Synchronization

/// Posts callbacks as the vendor does: the key raw, an empty `User-Agent`, 20 seconds of patience, and never again.
///
/// One at a time, in their order unless a fault changes it.
final class CallbackPoster: Sendable {
    /// A callback that was due, and what became of it.
    struct Entry {
        let number: Int
        let notice: SimulatorNotice
        let outcome: String

        var json: JSON {
            [
                "number": JSON(number), "event": .string(notice.event), "packageId": .string(notice.package),
                "outcome": .string(outcome),
            ]
        }
    }

    /// Whom to tell.
    struct Target: Sendable {
        let url: String
        let key: String?
    }

    private struct QueuedCallback {
        let number: Int
        let notice: SimulatorNotice
        let targets: [Target]
        let copies: Int
    }

    private struct State {
        var count = 0
        var queue: [QueuedCallback] = []
        var held: QueuedCallback?
        var isPosting = false
        var log: [Entry] = []
    }

    private static let patience = Duration.seconds(20)
    private static let longestLog = 10_000

    private let http: any HTTPSending
    private let clock: any WallClock
    private let state = Mutex(State())

    init(http: any HTTPSending, clock: any WallClock) {
        self.http = http
        self.clock = clock
    }

    /// What became of the callbacks, the first one first.
    var log: [Entry] { state.withLock { $0.log.sorted { $0.number < $1.number } } }

    /// Whether there is nothing left to post.
    var isIdle: Bool { state.withLock { $0.queue.isEmpty && $0.held == nil && !$0.isPosting } }

    /// Takes a notice in progress; faults count from the first one.
    func post(_ notice: SimulatorNotice, to targets: [Target], _ faults: SimulatorFaults) {
        guard !targets.isEmpty else { return }
        let (isFirst, isHeld) = state.withLock { state -> (Bool, Bool) in
            state.count += 1
            let number = state.count
            if number.isTurn(every: faults.loseEvery) || faults.lose.contains(notice.event) {
                note(Entry(number: number, notice: notice, outcome: "lost on purpose"), in: &state)
                return (false, false)
            }
            let copies = number.isTurn(every: faults.doubleEvery) ? 2 : 1
            let callback = QueuedCallback(number: number, notice: notice, targets: targets, copies: copies)
            if number.isTurn(every: faults.swapEvery), state.held == nil {
                state.held = callback
                return (false, true)
            }
            state.queue.append(callback)
            if let held = state.held {
                state.queue.append(held)
                state.held = nil
            }
            defer { state.isPosting = true }
            return (!state.isPosting, false)
        }
        if isFirst { Task { await work() } }
        if isHeld { Task { await releaseLater() } }
    }

    /// Sends what is held back when nothing followed it.
    private func releaseLater() async {
        try? await clock.sleep(until: clock.now.addingTimeInterval(1))
        let isFirst = state.withLock { state -> Bool in
            guard let held = state.held else { return false }
            state.queue.append(held)
            state.held = nil
            defer { state.isPosting = true }
            return !state.isPosting
        }
        if isFirst { await work() }
    }

    private func work() async {
        while let callback = next() {
            for target in callback.targets {
                for _ in 0..<callback.copies {
                    let outcome = await deliver(callback.notice, to: target)
                    let entry = Entry(number: callback.number, notice: callback.notice, outcome: outcome)
                    state.withLock { note(entry, in: &$0) }
                }
            }
        }
    }

    private func next() -> QueuedCallback? {
        state.withLock { state in
            guard state.queue.isEmpty else { return state.queue.removeFirst() }
            state.isPosting = false
            return nil
        }
    }

    private func note(_ entry: Entry, in state: inout State) {
        if state.log.count >= Self.longestLog { state.log.removeFirst(Self.longestLog / 10) }
        state.log.append(entry)
    }

    private func deliver(_ notice: SimulatorNotice, to target: Target) async -> String {
        var headers: [OutgoingRequest.Header] = [
            .init("Content-Type", "application/json; charset=utf-8"), .init("User-Agent", ""),
            .init("Accept-Encoding", "gzip,deflate"),
        ]
        if let key = target.key { headers.append(.init("Authorization", "Basic \(key)")) }
        let request = OutgoingRequest(method: "POST", url: target.url, headers: headers, body: notice.body.bytes)
        let (http, clock) = (http, clock)
        return await withTaskGroup(of: String?.self) { group in
            group.addTask {
                do throws(ExchangeError) {
                    return "answered \(try await http.send(request).status)"
                } catch {
                    return "not taken: \(error.reason)"
                }
            }
            group.addTask {
                try? await clock.sleep(until: clock.now.addingTimeInterval(Self.patience.timeInterval))
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? "not answered within \(Self.patience.text)"
        }
    }
}
