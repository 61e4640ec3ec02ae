import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// How often steps may begin that use a destination with a rate.
struct DestinationRateTests {
    private let now = Date(timeIntervalSince1970: 1_000)

    private func limiter(_ rate: String = "60/1m", capacity: Int = 4) throws -> DestinationLimiter {
        DestinationLimiter(capacity: capacity, rates: ["crm": try #require(Rate(rate))])
    }

    /// How long after `now` a step may begin; 0 where it begins at once.
    private func wait(_ permit: DestinationLimiter.Permit) -> TimeInterval {
        if case .refused(_, let until) = permit { until.timeIntervalSince(now) } else { 0 }
    }

    @Test(arguments: [("60/1m", 1.0), ("5/1s", 0.2), ("3/1s", 1.0 / 3), ("1/1h", 3_600)])
    func `a rate is spread evenly`(text: String, interval: Double) throws {
        let limiter = try limiter(text, capacity: 100)
        let waits = (0..<4).map { _ in wait(limiter.acquire("crm", at: now)) }
        for (number, wait) in waits.enumerated() { #expect(abs(wait - Double(number) * interval) < 0.001) }
    }

    @Test(arguments: [
        "", "60", "60/", "/1m", "0/1m", "60/0s", "-1/1m", "60/1", "60 / 1m", "1e3/1m", "60/1m/1m", "1.5/1s",
    ])
    func `what is no rate is none`(text: String) { #expect(Rate(text) == nil) }

    @Test func `runs that wait have a time each, and nobody wakes them`() throws {
        let limiter = try limiter(capacity: 1)
        #expect(wait(limiter.acquire("crm", at: now)) == 0)
        // One is in progress: for want of a place, and then for the rate.
        #expect((0..<3).map { _ in wait(limiter.acquire("crm", at: now)) } == [1, 2, 3])
        #expect(limiter.release("crm", .answered, isProbe: false, at: now).resumable == 0)
        #expect(limiter.lookAgain("crm") == 0)
        #expect(wait(limiter.acquire("crm", at: now)) == 4)
        #expect(wait(limiter.acquire("crm", at: now.addingTimeInterval(1))) == 0)
        _ = limiter.release("crm", .answered, isProbe: false, at: now.addingTimeInterval(1))
    }

    @Test func `a hundred runs that come at their times begin at the rate, although each is a little late`() throws {
        let limiter = try limiter("10/1s")
        var queue = (0..<100).map { _ in now }
        var begun: [TimeInterval] = []
        var spread = SplitMix64(seed: 1)
        var attempts = 0
        while let due = queue.min(), let index = queue.firstIndex(of: due) {
            attempts += 1
            let late = due.addingTimeInterval(Double.random(in: 0..<0.05, using: &spread))
            switch limiter.acquire("crm", at: late) {
            case .granted:
                queue.remove(at: index)
                begun.append(late.timeIntervalSince(now))
                _ = limiter.release("crm", .answered, isProbe: false, at: late)
            case .refused(_, let until): queue[index] = until
            }
        }
        #expect(begun.count == 100 && begun[99] < 10.1 && attempts < 210)
        // In no second more than the rate, but for the lateness of timers.
        for start in begun { #expect(begun.count { $0 >= start && $0 < start + 0.94 } <= 10) }
    }

    @Test func `instances share a rate`() throws {
        let limiter = try limiter()
        limiter.share(among: 4)
        #expect((0..<3).map { _ in wait(limiter.acquire("crm", at: now)) } == [0, 4, 8])
        limiter.share(among: 0)
        #expect(wait(limiter.acquire("crm", at: now.addingTimeInterval(4))) == 0)
    }

    @Test func `while it is down runs get times behind the end of the pause, and one of them is the probe`() throws {
        let rate = try #require(Rate("1/1s"))
        let policy = CircuitBreaker.Policy(threshold: 1, firstPause: .seconds(10))
        let limiter = DestinationLimiter(capacity: 4, rates: ["crm": rate], policy: policy)
        _ = limiter.acquire("crm", at: now)
        _ = limiter.release("crm", .outage, isProbe: false, at: now)
        #expect((0..<3).map { _ in wait(limiter.acquire("crm", at: now)) } == [10, 11, 12])
        let probe = now.addingTimeInterval(10)
        #expect(limiter.acquire("crm", at: probe) == .granted(isProbe: true))
        #expect(limiter.release("crm", .answered, isProbe: true, at: probe).resumable == 0)
        #expect(limiter.acquire("crm", at: now.addingTimeInterval(11)) == .granted(isProbe: false))
    }

    @Test func `a destination that is idle keeps its rate`() throws {
        let limiter = try limiter()
        _ = limiter.acquire("crm", at: now)
        _ = limiter.release("crm", .answered, isProbe: false, at: now)
        #expect(wait(limiter.acquire("crm", at: now)) == 1)
    }

    @Test func `the instances that are up share a rate`() async throws {
        let limiter = try limiter()
        let clock = ManualClock(now: now)
        func instance(_ id: Int64, seen: TimeInterval) -> InstanceRecord {
            InstanceRecord(
                id: id,
                name: "web\(id)",
                startedAt: now,
                seenAt: now.addingTimeInterval(-seen),
                clockOffset: .zero,
                runs: 0,
                report: InstanceReport(
                    version: "1",
                    activation: 1,
                    folder: nil,
                    folderSince: nil,
                    scripts: nil,
                    spooled: 0
                )
            )
        }
        let all = [instance(1, seen: 1), instance(2, seen: 5), instance(3, seen: 60)]
        let sharing = RateSharing(limiter: limiter, instances: { all }, clock: clock, logger: Logger(label: "test"))
        try await sharing.count()
        #expect((0..<3).map { _ in wait(limiter.acquire("crm", at: now)) } == [0, 2, 4])
    }
}
