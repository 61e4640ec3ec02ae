import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import Foundation

/// Measures what a store in a PostgreSQL database does in a second, inside the program: without HTTP, rules or actions.
///
/// `StoreBenchmark ADDRESS SCHEMA insert EVENTS UNDER-WAY` stores events; `StoreBenchmark ADDRESS SCHEMA work RUNS WORKERS BATCH`
/// claims and ends runs. Each prints how many it did in a second.
@main
struct StoreBenchmark {
    private struct Usage: Error, CustomStringConvertible {
        let description = "usage: StoreBenchmark ADDRESS SCHEMA insert EVENTS UNDER-WAY | work RUNS WORKERS BATCH"
    }

    private let store: PostgreSQLStore

    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let numbers = words.dropFirst(3).compactMap { Int($0) }
        guard words.count >= 5 else { throw Usage() }
        let store = try PostgreSQLStore.open(try ConnectionOptions(words[0], schema: words[1]), time: .server)
        let benchmark = StoreBenchmark(store: store)
        let rate =
            switch (words[2], numbers.count) {
            case ("insert", 2): try await benchmark.insert(numbers[0], underWay: numbers[1])
            case ("work", 3): try await benchmark.work(numbers[0], workers: numbers[1], batch: numbers[2])
            default: throw Usage()
            }
        await store.close()
        print(Int(rate))
    }

    /// Stores events, of which so many are under way at a time; none alike, each of the length of a callback.
    private func insert(_ count: Int, underWay: Int) async throws -> Double {
        let deliveries = Self.deliveries(count)
        return try await rate(of: count) {
            try await concurrently(underWay) { worker in
                for place in stride(from: worker, to: count, by: underWay) {
                    _ = try await store.append(deliveries[place], at: Date())
                }
            }
        }
    }

    /// Claims and ends runs that wait to be executed.
    private func work(_ count: Int, workers: Int, batch: Int) async throws -> Double {
        try await queue(count)
        return try await rate(of: count) {
            try await concurrently(workers) { _ in
                while true {
                    let lease = Lease(id: UUID().uuidString, for: .seconds(60))
                    let claimed = try await store.claim(limit: batch, lease: lease, at: Date())
                    if claimed.isEmpty { return }
                    try await concurrently(claimed.count) { place in
                        let run = claimed[place].run.id
                        try await store.release(run, lease: lease.id, to: .succeeded, recording: nil, at: Date())
                    }
                }
            }
        }
    }

    private func queue(_ count: Int) async throws {
        let now = Date()
        for delivery in Self.deliveries(count).split(maxLength: 256) {
            let receipts = await store.append(delivery.map { ReceivedDelivery($0, at: now) })
            let dispatches = try receipts.map { receipt in
                Dispatch(
                    eventID: try receipt.get().eventID,
                    ruleSet: RuleSetVersion(rawValue: "benchmark"),
                    ruleIDs: ["benchmark"],
                    matchSet: MatchSet([true])
                )
            }
            try await store.dispatch(dispatches, under: 0, at: now)
        }
    }

    private static func deliveries(_ count: Int) -> [Delivery] {
        // What one run stores is not what the one before stored.
        let run = UInt32.random(in: 0...UInt32.max)
        return (0..<count)
            .map { number in
                let payload: JSON = [
                    "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": "DOCUMENT_VIEWED",
                    "sessionUser": "b3f0c1d2-9a8b-4c7d-8e6f-1a2b3c4d5e6f",
                    "packageId": .string("\(run)-\(number / 4)"), "message": .null,
                    "documentId": .string("\(run)-document-\(number)"), "createdDate": "2018-06-30T20:15:01.038Z",
                ]
                let body = payload.bytes
                return Delivery(
                    name: "DOCUMENT_VIEWED",
                    payload: payload,
                    body: body,
                    origin: .callback,
                    deduplicationKey: body
                )
            }
    }

    private func rate(of count: Int, _ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for place in 0..<count { group.addTask { try await body(place) } }
            try await group.waitForAll()
        }
    }
}

extension Array {
    /// Its parts, each of at most so many elements.
    fileprivate func split(maxLength length: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: length).map { self[$0..<Swift.min($0 + length, count)] }
    }
}
