import CountersignCore
import CountersignEngine
import Foundation
import Testing

struct CircuitBreakerTests {
    private let start = Date(timeIntervalSince1970: 1_000)
    private let policy = CircuitBreaker.Policy(threshold: 3, firstPause: .seconds(10), ceiling: .seconds(35))

    private func at(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker(policy: policy)
        for _ in 0..<3 { breaker.failed(at: start) }
        return breaker
    }

    @Test func `it opens at the threshold, and a success in between begins the count again`() {
        var breaker = CircuitBreaker(policy: policy)
        breaker.failed(at: start)
        breaker.failed(at: start)
        breaker.succeeded()
        breaker.failed(at: start)
        breaker.failed(at: start)
        #expect(breaker.state == .closed(outages: 2))
        #expect(breaker.admit(at: start) == nil)
        breaker.failed(at: start)
        #expect(breaker.state == .open(until: at(10), pause: .seconds(10)))
    }

    @Test func `while it is open nobody passes, and behind the pause one does`() {
        var breaker = opened()
        #expect(breaker.admit(at: at(9.999)) == at(10))
        #expect(breaker.admit(at: at(10)) == nil)
        #expect(breaker.state == .probing(since: at(10), pause: .seconds(10)))
        #expect(breaker.admit(at: at(11)) == at(21))
    }

    @Test func `a probe that succeeds closes it`() {
        var breaker = opened()
        _ = breaker.admit(at: at(10))
        breaker.succeeded()
        #expect(breaker.state == .closed(outages: 0))
    }

    @Test func `each probe that fails doubles the pause, up to the ceiling`() {
        var breaker = opened()
        var pauses: [Duration] = []
        var now = at(10)
        for _ in 0..<4 {
            _ = breaker.admit(at: now)
            breaker.failed(at: now, isProbe: true)
            guard case .open(let until, let pause) = breaker.state else { break }
            pauses.append(pause)
            now = until
        }
        #expect(pauses == [.seconds(20), .seconds(35), .seconds(35), .seconds(35)])
    }

    @Test func `a probe that tells nothing lets the next one probe at once`() {
        var breaker = opened()
        _ = breaker.admit(at: at(10))
        breaker.abandoned(at: at(12))
        #expect(breaker.admit(at: at(12)) == nil)
    }

    @Test func `a failure of a step that was under way when it opened changes nothing`() {
        var breaker = opened()
        let before = breaker
        breaker.failed(at: at(5))
        #expect(breaker == before)
        _ = breaker.admit(at: at(10))
        breaker.failed(at: at(11))
        #expect(breaker.state == .probing(since: at(10), pause: .seconds(10)))
    }
}
