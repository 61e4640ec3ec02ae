import CountersignCore
import CountersignStore
import Foundation
import Testing

/// What operators are shown.
extension StoreContract {
    static let overview = [
        Clause("pages of events follow each other without a gap or a repetition") { store async throws in
            let ids = try await appended(5, to: store)
            var seen: [Event.ID] = []
            var query = EventQuery(limit: 2)
            repeat {
                let page = try await store.page(of: query)
                seen += page.events.map { $0.event.id }
                query.before = page.next
            } while query.before != nil && seen.count < 9
            #expect(seen == ids.reversed())
        },
        Clause("the last page of events names no next one") { store async throws in
            _ = try await appended(2, to: store)
            #expect(try await store.page(of: EventQuery(limit: 2)).next == nil)
            #expect(try await store.page(of: EventQuery(limit: 1)).next != nil)
        },
        Clause("a text is found in bodies ignoring case, and its signs stand for themselves") { store async throws in
            let texts = ["100% sure", "100 sure", #"back\\slash"#, "under_score", "underXscore"]
            for text in texts {
                let body = #"{"name":"N","packageId":"\#(text)"}"#
                _ = try await store.append(SampleDelivery.delivery(body), at: start)
            }
            func found(_ text: String) async throws -> [Int64] {
                try await store.page(of: EventQuery(text: text)).events.map { $0.event.id.rawValue }
            }
            #expect(try await found("100%") == [1])
            #expect(try await found("SURE") == [2, 1])
            #expect(try await found(#"\\sla"#) == [3])
            #expect(try await found("r_s") == [4])
            #expect(try await found("nowhere").isEmpty)
        },
        Clause("a text is found as a reader sees it, whatever escapes and case the sender chose") {
            store async throws in
            let messages = [
                #"B\u00e4rbel"#, "BÄRBEL", "Ba\u{308}rbel", #"a\/b \u20ac 5 \ud83d\ude00"#, #"say \"no\""#, "plain",
                "Ярмарка",
            ]
            for (number, message) in messages.enumerated() {
                let body = #"{"name":"N","packageId":"p\#(number)","message":"\#(message)"}"#
                _ = try await store.append(SampleDelivery.delivery(body), at: start)
            }
            let keyed = #"{"name":"N","packageId":"p9","na\u00efve":["x",{"y":"z\u00fc"}]}"#
            _ = try await store.append(SampleDelivery.delivery(keyed), at: start)
            let texts: [(String, [Int64])] = [
                ("Bärbel", [3, 2, 1]), ("bÄrB", [3, 2, 1]), (#"B\u00e4r"#, [1]), ("a/b", [4]), ("€ 5", [4]), ("😀", [4]),
                (#"say "no""#, [5]), ("PLAIN", [6]), ("ярМАРКА", [7]), ("Naïve", [8]), ("ZÜ", [8]), ("zu", []),
                ("é", []),
            ]
            for (text, ids) in texts {
                let page = try await store.page(of: EventQuery(text: text))
                #expect(page.events.map { $0.event.id.rawValue } == ids, "\(text)")
            }
        },
        Clause("events are found by how they came in, with and without a text") { store async throws in
            _ = try await appended(2, to: store)
            let polled = SampleDelivery.delivery(#"{"name":"N","packageId":"polled"}"#, origin: .poll)
            _ = try await store.append(polled, at: start)
            func found(_ origin: Event.Origin, _ text: String? = nil) async throws -> [Int64] {
                try await store.page(of: EventQuery(origin: origin, text: text)).events.map { $0.event.id.rawValue }
            }
            #expect(try await found(.poll) == [3])
            #expect(try await found(.callback) == [2, 1])
            #expect(try await found(.poll, "polled") == [3])
            #expect(try await found(.callback, "polled").isEmpty)
        },
        Clause("a search stops at its limit and goes on behind it") { store async throws in
            _ = try await appended(3, to: store)
            let page = try await store.page(of: EventQuery(text: "package-", limit: 2))
            #expect(page.events.map { $0.event.id.rawValue } == [3, 2])
            let next = try await store.page(of: EventQuery(before: page.next, text: "package-", limit: 2))
            #expect(next.events.map { $0.event.id.rawValue } == [1] && next.next == nil)
        },
        Clause("runs before a number are those of lower ones") { store async throws in
            let event = try await appended(1, to: store)[0]
            try await store.dispatch([dispatch(event, ["a", "b", "c"])], at: start)
            let runs = try await store.runs(RunQuery(before: Run.ID(rawValue: 3)))
            #expect(runs.map { $0.ruleID } == ["b", "a"])
        },
        Clause("a package is summed up from its events and their runs, the latest package first") {
            store async throws in
            let ids = try await appended(2, to: store)
            try await store.dispatch([dispatch(ids[0], ["a", "b"])], at: start)
            _ = try await store.keep(package: ["name": "Lease"], of: ids[0])
            let again = SampleDelivery.delivery(#"{"name":"PACKAGE_COMPLETE","packageId":"package-1"}"#)
            _ = try await store.append(again, at: after(5))
            let packages = try await store.packages(PackageQuery(limit: 9)).packages
            let first = PackageSummary(
                id: "package-1",
                name: "Lease",
                events: 2,
                firstAt: start,
                lastAt: after(5),
                lastEvent: "PACKAGE_COMPLETE",
                runs: [.queued: 2]
            )
            #expect(packages.first == first && packages.map { $0.id } == ["package-1", "package-2"])
            let second = try await store.packages(PackageQuery(prefix: "package-2", limit: 9)).packages
            #expect(second.map { $0.id } == ["package-2"])
            #expect(try await store.packages(PackageQuery(limit: 1)).packages.count == 1)
        },
        Clause("pages of packages follow each other without a gap or a repetition, by time and by id") {
            store async throws in
            // p0 to p4, then p0, p2 and p4 again, so that every other package has an event further back.
            for (number, package) in [0, 1, 2, 3, 4, 0, 2, 4].enumerated() {
                let name = number < 5 ? "A" : "B"
                let body = #"{"name":"\#(name)","packageId":"p\#(package)","number":\#(number)}"#
                // Two and two in the same moment: their order is that of their numbers.
                _ = try await store.append(SampleDelivery.delivery(body), at: after(Double(number / 2)))
            }
            let queries: [(PackageQuery, [String])] = [
                (PackageQuery(limit: 2), ["p4", "p2", "p0", "p3", "p1"]),
                (PackageQuery(limit: 5), ["p4", "p2", "p0", "p3", "p1"]),
                (PackageQuery(event: "A", limit: 2), ["p4", "p3", "p2", "p1", "p0"]),
                (PackageQuery(event: "A", until: after(2), limit: 1), ["p3", "p2", "p1", "p0"]),
                (PackageQuery(prefix: "p", limit: 2), ["p0", "p1", "p2", "p3", "p4"]),
                (PackageQuery(prefix: "p", since: after(1), limit: 2), ["p4", "p2", "p0", "p3"]),
                (PackageQuery(prefix: "p3", limit: 1), ["p3"]),
            ]
            for (query, ids) in queries {
                var (query, seen) = (query, [String]())
                repeat {
                    let page = try await store.packages(query)
                    #expect(page.packages.count <= query.limit)
                    seen += page.packages.map { $0.id }
                    query.after = page.next
                } while query.after != nil && seen.count < 20
                #expect(seen == ids, "\(query)")
            }
        },
        Clause("what names no package is in no list of packages, and a number is an id") { store async throws in
            for value in ["null", #""""#, #""  ""#, "[1]", "17"] {
                let body = #"{"name":"N","packageId":\#(value),"v":"\#(value.count)"}"#
                _ = try await store.append(SampleDelivery.delivery(body), at: start)
            }
            #expect(try await store.packages(PackageQuery()).packages.map { $0.id } == ["17"])
            #expect(try await store.packages(PackageQuery(prefix: "")).packages.map { $0.id } == ["17"])
            #expect(try await store.events(EventQuery(packageID: "17")).count == 1)
            #expect(try await store.events(EventQuery(packageID: "")).isEmpty)
        },
        Clause("packages are found by what happened to them, and when") { store async throws in
            for (name, package, seconds) in [("A", "p1", 0.0), ("B", "p2", 1), ("A", "p3", 2), ("C", "p1", 3)] {
                let body = #"{"name":"\#(name)","packageId":"\#(package)"}"#
                _ = try await store.append(SampleDelivery.delivery(body), at: after(seconds))
            }
            let queries: [(PackageQuery, [String])] = [
                (PackageQuery(event: "A"), ["p3", "p1"]), (PackageQuery(since: after(2)), ["p1", "p3"]),
                (PackageQuery(until: after(1)), ["p1"]), (PackageQuery(event: "A", since: after(1)), ["p3"]),
                (PackageQuery(prefix: "p1", event: "A"), ["p1"]), (PackageQuery(event: "A", limit: 1), ["p3"]),
                (PackageQuery(prefix: "q", since: start), []), (PackageQuery(event: "D"), []),
            ]
            for (query, ids) in queries {
                #expect(try await store.packages(query).packages.map { $0.id } == ids, "\(query)")
            }
        },
        Clause("runs of several events come in the order of making") { store async throws in
            let ids = try await appended(3, to: store)
            try await store.dispatch(ids.reversed().map { dispatch($0, ["a"]) }, at: start)
            let runs = try await store.runs(of: [ids[0], ids[2]])
            #expect(runs.map { $0.eventID } == [ids[2], ids[0]])
        },
        Clause("events and runs are counted by the hour") { store async throws in
            let ids = try await appended(2, to: store)
            try await store.dispatch([dispatch(ids[0], ["a", "b"])], at: start)
            try await store.dispatch([dispatch(ids[1], ["a"])], at: after(3_600))
            let hour = Int(start.milliseconds / 3_600_000)
            #expect(try await store.arrivals(since: after(-1)) == [hour: 2])
            #expect(try await store.arrivals(since: after(1)).isEmpty)
            let activity = try await store.activity(since: after(-1))
            #expect(activity.map { $0.hour } == [hour, hour, hour + 1])
            #expect(activity.map { $0.ruleID } == ["a", "b", "a"])
            #expect(activity.allSatisfy { $0.state == .queued && $0.count == 1 })
            #expect(try await store.activity(since: after(1)).map { $0.hour } == [hour + 1])
            #expect(try await store.runCount(ofRule: "a", in: .queued) == 2)
            #expect(try await store.runCount(ofRule: "a", in: .failed) == 0)
            #expect(try await store.runCount(ofRule: nil, in: .queued) == 3)
        },
        Clause("a list of runs has the package and the reason of each, and can be narrowed to a package") {
            store async throws in
            let ids = try await appended(3, to: store)
            try await store.dispatch(ids.map { dispatch($0, ["a", "b"]) }, at: start)
            try await fail(Run.ID(rawValue: 1), in: store)
            let rows = try await store.runRows(RunQuery(limit: 10))
            #expect(rows.map { $0.run.id.rawValue } == [6, 5, 4, 3, 2, 1])
            #expect(rows.allSatisfy { $0.eventName == "PACKAGE_CREATE" && $0.package != nil })
            #expect(rows.map(\.reason) == [nil, nil, nil, nil, nil, "step: no luck"])
            let package = try #require(rows[2].package)
            #expect(try await store.runRows(RunQuery(packageID: package)).map { $0.run.id.rawValue } == [4, 3])
            #expect(
                try await store.runRows(RunQuery(ruleID: "b", packageID: package)).map { $0.run.id.rawValue } == [4]
            )
            #expect(try await store.runRows(RunQuery(packageID: "nobody")).isEmpty)
            let records = try await store.records(of: [1, 2].map { Run.ID(rawValue: $0) })
            #expect(records.mapValues { $0.map(\.reason) } == [Run.ID(rawValue: 1): ["no luck"]])
        },
        Clause("the statistics of rules count their runs and failures, and name the newest one") { store async throws in
            let ids = try await appended(2, to: store)
            try await store.dispatch([dispatch(ids[0], ["a", "b"])], at: start)
            try await store.dispatch([dispatch(ids[1], ["a"])], at: after(3_600))
            try await fail(Run.ID(rawValue: 2), in: store)
            let found = try await store.statistics(ofRules: ["a", "b", "c"], since: after(60))
            #expect(found["a"] == RuleStatistics(runs: 1, failed: 0, lastMatch: after(3_600)))
            #expect(found["b"] == RuleStatistics(runs: 0, failed: 1, lastMatch: start))
            #expect(found["c"] == RuleStatistics())
        },
        Clause("the backlog tells what waits, and since when") { store async throws in
            let ids = try await appended(2, to: store)
            try await store.dispatch([dispatch(ids[0], ["a", "b"])], at: after(1))
            let backlog = try await store.backlog(at: after(3))
            #expect(
                backlog
                    == Backlog(events: 1, oldestEvent: start, runs: 2, dueRuns: 2, oldestDue: after(1))
            )
            #expect(backlog.age(at: after(3)) == .seconds(3))
            let earlier = try await store.backlog(at: start)
            #expect(earlier.dueRuns == 0 && earlier.oldestDue == nil)
        },
        Clause("a run that waits for its destination is late since it was made, whenever that is tried again") {
            store async throws in
            let run = try await running(in: store)
            let busy = RunWait(destination: "erp:443", reason: "4 steps are already in progress there")
            let waiting = RunEnding.waiting(busy, dueAt: after(600))
            try await store.release(run, lease: "w", to: waiting, recording: nil, at: after(5))
            let made = try #require(try await store.run(run)?.run.createdAt)
            for moment in [after(9), after(601)] {
                let backlog = try await store.backlog(at: moment)
                #expect(backlog.runs == 1 && backlog.dueRuns == 1 && backlog.oldestDue == made)
            }
            #expect(try await store.wake(waitingFor: "erp:443", limit: 1, at: after(20)) == 1)
            #expect(try await store.backlog(at: after(21)).oldestDue == after(20))
        },
        Clause("the time of a run is that from its event's storing to its end") { store async throws in
            let run = try await running(in: store)
            #expect(try await store.runTimes(limit: 9).isEmpty)
            try await store.release(run, lease: "w", to: .succeeded, recording: nil, at: after(2))
            #expect(try await store.runTimes(limit: 9) == [.seconds(2)])
        },
        Clause("a body in the quarantine is found by its number") { store async throws in
            let body = UnreadableBody(body: [0xFF], reason: "no JSON")
            let number = try #require(try await store.quarantine(body, at: start))
            #expect(try await store.quarantined(number)?.body == [0xFF])
            #expect(try await store.quarantined(number + 1) == nil)
        },
    ]
}
