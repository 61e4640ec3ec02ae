import CountersignCore
import CountersignRules
import Foundation
import Glibc

/// Measures how many events one thread evaluates in a second, from the bytes of a callback to the rules that match.
@main
struct RulesBenchmark {
    private static let now = Date(timeIntervalSince1970: 1_530_450_000)

    static func main() throws {
        let sizes = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        var workload = Workload(seed: 1)
        let bodies = workload.bodies(2_000)
        let parsing = try measure(bodies, forSeconds: 1) { try JSON(parsing: $0).object?.members.count ?? 0 }
        print("JSON alone: \(perSecond(parsing.best)) events/s (median \(perSecond(parsing.median)))\n")
        print("| rules | events/s | median | of one loop over all rules | times | rules that match an event |")
        print("|---:|---:|---:|---:|---:|---:|")
        for size in sizes.isEmpty ? [10, 100, 1_000, 10_000] : sizes {
            let ruleSet = try workload.ruleSet(of: size)
            // The loop takes long with many rules: a part of the bodies serves it.
            let sample = Array(bodies.prefix(max(20, min(bodies.count, 200_000 / size))))
            let matches = try verified(ruleSet, sample)
            let indexed = try measure(bodies, forSeconds: 2) { try evaluated($0, by: ruleSet).count }
            let naive = try measure(sample, forSeconds: 1) { try evaluatedOneByOne($0, by: ruleSet).count }
            let ratio = indexed.best / naive.best
            print(
                "| \(size) | \(perSecond(indexed.best)) | \(perSecond(indexed.median)) | \(perSecond(naive.best)) |",
                String(format: "%.1f | %.2f |", ratio, Double(matches) / Double(sample.count))
            )
        }
        try compareStates(bodies, of: sizes.last ?? 10_000)
    }

    /// What it costs that half of the rules wait, count or gather: which rules match, and whose timers are cancelled.
    private static func compareStates(_ bodies: [[UInt8]], of size: Int) throws {
        var (plain, stateful) = (Workload(seed: 2), Workload(seed: 2))
        let control = try plain.ruleSet(of: size)
        let ruleSet = try stateful.ruleSet(of: size, isHalfStateful: true)
        let without = try measure(bodies, forSeconds: 2) { try evaluated($0, by: control).count }
        let with = try measure(bodies, forSeconds: 2) { body in
            let context = try context(body)
            return ruleSet.matches(context).count + ruleSet.cancelling(context).count
        }
        print(
            "\nOf \(size) rules, half with state: \(perSecond(with.best)) events/s, without: \(perSecond(without.best)),",
            String(format: "%.2f ×", with.best / without.best)
        )
    }

    private static func evaluated(_ body: [UInt8], by ruleSet: RuleSet) throws -> [Int] {
        ruleSet.matches(try context(body))
    }

    private static func evaluatedOneByOne(_ body: [UInt8], by ruleSet: RuleSet) throws -> [Int] {
        let context = try context(body)
        return ruleSet.rules.indices.filter { ruleSet.rules[$0].condition.holds(in: context) }
    }

    private static func context(_ body: [UInt8]) throws -> EvaluationContext {
        let payload = try JSON(parsing: body)
        let name = payload["name"]?.string ?? ""
        return EvaluationContext(subject: payload, eventName: name, origin: .callback, now: now)
    }

    /// Makes sure that both ways find the same rules; the result is how many they find in all.
    private static func verified(_ ruleSet: RuleSet, _ bodies: [[UInt8]]) throws -> Int {
        var count = 0
        for body in bodies {
            let found = try evaluated(body, by: ruleSet)
            guard try found == evaluatedOneByOne(body, by: ruleSet) else { throw Disagreement(body: body) }
            count += found.count
        }
        return count
    }

    /// Does `work` on all bodies again and again; the results are events a second, best and median of the rounds.
    private static func measure(
        _ bodies: [[UInt8]],
        forSeconds seconds: Double,
        _ work: ([UInt8]) throws -> Int
    ) throws -> (best: Double, median: Double) {
        var rates: [Double] = []
        var checksum = 0
        let end = threadSeconds() + seconds
        while threadSeconds() < end || rates.count < 3 {
            let start = threadSeconds()
            for body in bodies { checksum &+= try work(body) }
            rates.append(Double(bodies.count) / (threadSeconds() - start))
        }
        guard checksum >= 0 else { throw Disagreement(body: []) }
        rates.sort()
        return (rates[rates.count - 1], rates[rates.count / 2])
    }

    /// The time that this thread has been running: what else the machine does counts little.
    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func perSecond(_ rate: Double) -> String {
        Int(rate).formatted(.number.locale(Locale(identifier: "en_US")))
    }
}

/// The index and the loop over all rules found different rules.
struct Disagreement: Error, CustomStringConvertible {
    let body: [UInt8]

    var description: String {
        "the index and the loop over all rules disagree on \(String(decoding: body, as: UTF8.self))"
    }
}
