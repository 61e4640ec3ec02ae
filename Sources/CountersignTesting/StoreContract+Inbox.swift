import CountersignCore
import CountersignStore
import Foundation
import Testing

extension StoreContract {
    static let inbox = [
        Clause("an event is numbered from 1 in the order of storing") { store async throws in
            for number in 1...3 {
                let receipt = try await store.append(SampleDelivery.numbered(number), at: start)
                #expect(receipt == .stored(Event.ID(rawValue: Int64(number))))
            }
        },
        Clause("an event comes back byte for byte, with every field") { store async throws in
            for delivery in SampleDelivery.all {
                let id = try await store.append(delivery, at: start).eventID
                let stored = try #require(try await store.event(id))
                #expect(stored.body == delivery.body)
                #expect(stored.event.id == id)
                #expect(stored.event.name == delivery.name)
                #expect(stored.event.payload == delivery.payload)
                #expect(stored.event.origin == .callback)
                #expect(stored.event.receivedAt == start)
                #expect(stored.duplicates == 0 && stored.dispatchedAt == nil && stored.ruleSet == nil)
            }
        },
        Clause("a name and a package's number are whole, even with a NUL in them") { store async throws in
            let texts = ["A", #"A\u0000"#, #"A\u0000B"#]
            for text in texts {
                let delivery = SampleDelivery.delivery(#"{"name":"\#(text)","packageId":"\#(text)"}"#)
                let id = try await store.append(delivery, at: start).eventID
                #expect(try await store.event(id)?.event.name == delivery.name)
                for query in [EventQuery(name: delivery.name), EventQuery(packageID: delivery.name)] {
                    #expect(try await store.events(query).map { $0.event.id } == [id])
                }
            }
            let waiting = try await store.undispatched(limit: 10, at: start).events
            #expect(waiting.map { $0.name } == ["A", "A\0", "A\0B"])
        },
        Clause("an event of every origin is kept") { store async throws in
            for (number, origin) in Event.Origin.allCases.enumerated() {
                let sample = SampleDelivery.numbered(number)
                let delivery = Delivery(
                    name: sample.name,
                    payload: sample.payload,
                    body: sample.body,
                    origin: origin,
                    deduplicationKey: nil
                )
                let id = try await store.append(delivery, at: start).eventID
                #expect(try await store.event(id)?.event.origin == origin)
            }
        },
        Clause("what a poll found is stored only where the package has no event of this name") { store async throws in
            let first = try await store.append(SampleDelivery.numbered(1), at: start).eventID
            #expect(try await store.append(polled(1), at: after(1)) == .duplicate(of: first))
            let found = Event.ID(rawValue: 2)
            #expect(try await store.append(polled(2), at: after(2)) == .stored(found))
            #expect(try await store.append(polled(2), at: after(3)) == .duplicate(of: found))
            #expect(try await store.event(found)?.event.origin == .poll)
            #expect(try await store.event(found)?.duplicates == 0)
        },
        Clause("the callback of what a poll found is no second event, however often it is sent") { store async throws in
            let found = try await store.append(polled(1), at: start).eventID
            for seconds in [1.0, 2] {
                let receipt = try await store.append(callback(1, madeAt: after(-60)), at: after(seconds))
                #expect(receipt == .duplicate(of: found))
            }
            #expect(try await store.event(found)?.duplicates == 2)
            #expect(try await store.append(polled(1), at: after(3)) == .duplicate(of: found))
        },
        Clause("a callback that was made after the poll, or is the second one of its state, is a new event") {
            store async throws in
            _ = try await store.append(polled(1), at: start)
            let late = callback(1, madeAt: after(Delivery.pollTolerance + 1))
            #expect(try await store.append(late, at: after(700)) == .stored(Event.ID(rawValue: 2)))
            _ = try await store.append(callback(1, madeAt: start), at: after(701))
            let second = callback(1, madeAt: after(30))
            #expect(try await store.append(second, at: after(702)) == .stored(Event.ID(rawValue: 3)))
        },
        Clause("a note is what was kept last under its name") { store async throws in
            #expect(try await store.value(forKey: "poll") == nil)
            try await store.set(["watermark": 1], forKey: "poll")
            try await store.set(["watermark": 2], forKey: "poll")
            try await store.set("text", forKey: "other")
            #expect(try await store.value(forKey: "poll") == ["watermark": 2])
            #expect(try await store.value(forKey: "other") == "text")
        },
        Clause("events of one origin can be asked for") { store async throws in
            _ = try await store.append(SampleDelivery.numbered(1), at: start)
            _ = try await store.append(polled(2), at: after(1))
            let found = try await store.events(EventQuery(origin: .callback))
            #expect(found.map { $0.event.id.rawValue } == [1])
        },
        Clause("a second delivery of an event is recognised and counted, and is no event") { store async throws in
            let first = try await store.append(SampleDelivery.numbered(1), at: start).eventID
            #expect(try await store.append(SampleDelivery.numbered(1), at: after(1)) == .duplicate(of: first))
            #expect(try await store.append(SampleDelivery.numbered(1), at: after(2)) == .duplicate(of: first))
            let events = try await store.events(EventQuery())
            #expect(events.count == 1)
            #expect(events.first?.duplicates == 2)
            #expect(events.first?.event.receivedAt == start)
        },
        Clause("events without a deduplication key are never taken for one another") { store async throws in
            for number in 1...2 {
                let delivery = SampleDelivery.delivery(#"{"name":"A"}"#, isUnique: true)
                #expect(try await store.append(delivery, at: start) == .stored(Event.ID(rawValue: Int64(number))))
            }
        },
        Clause("a delivery that is handed in again is the same event, and is not counted as a duplicate") {
            store async throws in
            let deliveries = [
                SampleDelivery.delivery(#"{"name":"A"}"#, isUnique: true), SampleDelivery.numbered(1),
                callback(2, madeAt: after(-60)),
            ]
            _ = try await store.append(polled(2), at: start)
            for _ in 1...3 {
                for delivery in deliveries { _ = try await store.append(delivery, at: after(1)) }
            }
            let events = try await store.events(EventQuery())
            #expect(events.count == 3)
            // The callback of what a poll found is one more delivery of it, once.
            #expect(events.map { $0.duplicates } == [0, 0, 1])
        },
        Clause("a batch is stored in its order, and each delivery has its own receipt") { store async throws in
            let batch = [1, 2, 1, 3].map { ReceivedDelivery(SampleDelivery.numbered($0), at: after(Double($0))) }
            let receipts = try await store.append(batch).map { try $0.get() }
            let ids = (1...3).map { Event.ID(rawValue: $0) }
            #expect(receipts == [.stored(ids[0]), .stored(ids[1]), .duplicate(of: ids[0]), .stored(ids[2])])
            #expect(try await store.event(ids[2])?.event.receivedAt == after(3))
            #expect(await store.append([]).isEmpty)
        },
        Clause("a body that is handed in again is kept apart once") { store async throws in
            let body = UnreadableBody(body: [1], reason: "no JSON")
            for _ in 1...2 { #expect(try await store.quarantine(body, at: start) == 1) }
            #expect(try await store.quarantine(UnreadableBody(body: [1], reason: "no JSON"), at: start) == 2)
        },
        Clause("an event signals an arrival, a duplicate does not") { store async throws in
            _ = try await store.append(SampleDelivery.numbered(1), at: start)
            #expect(store.arrivals.take())
            _ = try await store.append(SampleDelivery.numbered(1), at: start)
            #expect(!store.arrivals.take())
        },
        Clause("a body that is no event is kept apart, the newest shown first") { store async throws in
            let bodies: [[UInt8]] = [[], [0, 0xFF], Array("{".utf8)]
            for (index, body) in bodies.enumerated() {
                let unreadable = UnreadableBody(body: body, reason: "reason \(index)")
                #expect(try await store.quarantine(unreadable, at: after(Double(index))) == Int64(index) + 1)
            }
            let kept = try await store.quarantined(QuarantineQuery(limit: 2))
            #expect(kept.map { $0.id } == [3, 2])
            #expect(kept.map { $0.body } == [bodies[2], bodies[1]])
            #expect(kept.map { $0.reason } == ["reason 2", "reason 1"])
            #expect(kept.map { $0.receivedAt } == [after(2), after(1)])
            #expect(try await store.quarantined(QuarantineQuery(since: after(1), limit: 9)).map { $0.id } == [3, 2])
            #expect(try await store.quarantined(QuarantineQuery(before: 3, limit: 1)).map { $0.id } == [2])
            #expect(try await store.events(EventQuery()).isEmpty)
        },
        Clause("a healthy store confirms that it can write") { store async throws in
            try await store.confirmWritable()
            try await store.confirmWritable()
        },
        Clause("the identity has sixteen hex digits and stays") { store async throws in
            let identity = store.identity
            #expect(identity.count == 16 && identity.allSatisfy { $0.isHexDigit })
            #expect(store.identity == identity)
        },
        Clause("a closed store refuses to write") { store async throws in
            await store.close()
            await #expect(throws: StoreError.cannotWrite("the store is closed")) {
                try await store.append(SampleDelivery.numbered(1), at: start)
            }
        },
        Clause("a write is finished and answered truthfully though who asked was cancelled") { store async throws in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await store.append(SampleDelivery.numbered(1), at: start)
            }
            #expect(try await task.value == .stored(Event.ID(rawValue: 1)))
            #expect(try await store.events(EventQuery()).count == 1)
        },
    ]

    static let archive = [
        Clause("events are shown from the newest on, as many as asked for") { store async throws in
            for number in 1...5 { _ = try await store.append(SampleDelivery.numbered(number), at: after(1)) }
            #expect(try await store.events(EventQuery(limit: 3)).map { $0.event.id.rawValue } == [5, 4, 3])
            #expect(try await store.events(EventQuery(limit: 0)).isEmpty)
        },
        Clause("events are chosen by name, package and time, and by all of them") { store async throws in
            for number in 1...6 {
                let name = number.isMultiple(of: 2) ? "EVEN" : "ODD"
                _ = try await store.append(SampleDelivery.numbered(number, name: name), at: after(Double(number)))
            }
            func ids(_ query: EventQuery) async throws -> [Int64] {
                try await store.events(query).map { $0.event.id.rawValue }
            }
            #expect(try await ids(EventQuery(name: "EVEN")) == [6, 4, 2])
            #expect(try await ids(EventQuery(packageID: "package-3")) == [3])
            #expect(try await ids(EventQuery(since: after(5))) == [6, 5])
            #expect(try await ids(EventQuery(name: "ODD", packageID: "package-5", since: after(5))) == [5])
            #expect(try await ids(EventQuery(name: "EVEN", packageID: "package-5")) == [])
            #expect(try await ids(EventQuery(name: "even")) == [])
        },
        Clause("a walk from the oldest event on shows each once, page by page, also after the clock went back") {
            store async throws in
            for (number, seconds) in [3.0, 1, 1, 2, 1].enumerated() {
                _ = try await store.append(SampleDelivery.numbered(number), at: after(seconds))
            }
            func walk(from date: Date?, page: Int) async throws -> [Int64] {
                var ids: [Int64] = []
                var position = EventPosition(before: date)
                while true {
                    let events = try await store.events(after: position, limit: page).map { $0.event }
                    guard let last = events.last else { return ids }
                    ids += events.map { $0.id.rawValue }
                    position = EventPosition(after: last)
                }
            }
            for page in 1...6 {
                #expect(try await walk(from: nil, page: page) == [2, 3, 5, 4, 1])
                #expect(try await walk(from: after(2), page: page) == [4, 1])
            }
            #expect(try await walk(from: after(4), page: 1) == [])
        },
        Clause("what is not there is nil") { store async throws in
            #expect(try await store.event(Event.ID(rawValue: 1)) == nil)
            #expect(try await store.run(Run.ID(rawValue: 1)) == nil)
            #expect(try await store.sources(of: RuleSetVersion(rawValue: "none")) == nil)
            #expect(try await store.nextDue() == nil)
            #expect(try await store.runCounts().isEmpty)
        },
        Clause("runs are chosen by event, rule and state, the newest first") { store async throws in
            let events = try await appended(3, to: store)
            try await store.dispatch(events.map { dispatch($0, ["a", "b"]) }, at: start)
            _ = try await store.claim(limit: 2, lease: lease("w"), at: start)
            func ids(_ query: RunQuery) async throws -> [Int64] { try await store.runs(query).map { $0.id.rawValue } }
            #expect(try await ids(RunQuery()) == [6, 5, 4, 3, 2, 1])
            #expect(try await ids(RunQuery(limit: 2)) == [6, 5])
            #expect(try await ids(RunQuery(eventID: events[1])) == [4, 3])
            #expect(try await ids(RunQuery(ruleID: "a")) == [5, 3, 1])
            #expect(try await ids(RunQuery(state: .running)) == [2, 1])
            #expect(try await ids(RunQuery(ruleID: "b", state: .queued)) == [6, 4])
            #expect(try await ids(RunQuery(eventID: events[0], ruleID: "b", state: .running)) == [2])
            #expect(try await store.runCounts() == [.running: 2, .queued: 4])
        },
        Clause("the sources of a rule set are kept once and for all") { store async throws in
            let version = RuleSetVersion(rawValue: "abc")
            let sources: JSON = ["rules/a.yaml": "id: a\n", "deep": [1, .null, true]]
            try await activate("abc", sources, in: store, after: 0)
            try await activate("def", ["other": 2], in: store, after: 1)
            try await activate("abc", ["other": 1], in: store, after: 2)
            #expect(try await store.sources(of: version) == sources)
        },
    ]
}
