import CountersignCore
import CountersignTesting
import Foundation
import NIOHTTP1
import Testing

/// The program whose store is taken away: it goes on answering 200, and nothing is lost or stored twice.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SpoolTests {
    private static let rules = """
        rules:
          - id: list
            when: { event: PACKAGE_COMPLETE }
            then: [{ file: { path: list.txt, mode: append, content: "${event.packageId}" } }]
          - id: alerts
            when: { event: [X_SPOOLING, X_SPOOL_DRAINED] }
            then: [{ file: { path: alerts.txt, mode: append } }]
        """

    private func deployment(settings: String? = nil) throws -> Deployment {
        try Deployment(rules: Self.rules, settings: settings)
    }

    /// Takes the store's file from its place, so that nothing is written to it, or puts it back.
    private func move(_ name: String, to other: String, in deployment: Deployment) throws {
        try FileManager.default.moveItem(atPath: deployment.path(name), toPath: deployment.path(other))
    }

    private func takeAway(_ deployment: Deployment) throws {
        try move("countersign.db", to: "away.db", in: deployment)
    }

    private func putBack(_ deployment: Deployment) throws {
        try move("away.db", to: "countersign.db", in: deployment)
    }

    /// The packages of the vendor's events in the store, in their order.
    private func storedPackages(_ deployment: Deployment) async throws -> [String] {
        try await deployment.list("events", "--limit", "1000").reversed()
            .filter { $0["name"] == "PACKAGE_COMPLETE" }
            .compactMap { $0["payload"]?["packageId"]?.string }
    }

    private func expectStored(_ package: String, by server: RunningServer) async throws {
        let answer = try await server.post(event(package: package)).json
        #expect(answer["status"] == "stored")
    }

    private func untilStored(_ packages: [String], in deployment: Deployment) async throws {
        try await eventually("\(packages.count) events") {
            try await storedPackages(deployment).count >= packages.count
        }
        #expect(try await storedPackages(deployment) == packages)
    }

    @Test func `callbacks are answered while the store is gone, and stored in their order once it is back`()
        async throws
    {
        let deployment = try deployment()
        let packages = (1...6).map { "p-\($0)" }
        try await deployment.serve { server in
            try await expectStored("p-1", by: server)
            _ = try await deployment.settledRuns()
            try takeAway(deployment)
            for package in packages[1...4] {
                let answer = try await server.post(event(package: package))
                #expect(answer.status == 200 && answer.body == #"{"spooled": true}"#)
            }
            // What comes again is known while it is spooled.
            #expect(try await server.post(event(package: "p-2")).status == 200)
            let ready = try await server.send(.GET, "/ready")
            #expect(ready.status == 200)
            #expect(ready.body.contains("spooling (4 events, 1% full; since 2"), "\(ready.body)")
            let shown = try await deployment.run("spool", "show", "--json")
            #expect(try JSON(parsing: shown.output)["events"]?.array?.count == 4)
            let check = try await deployment.run("spool", "check")
            #expect(check.status == .exited(0) && check.output.contains("4 events"), "\(check.output)")
            let doctor = try await deployment.run("doctor")
            #expect(doctor.output.contains("they are stored once the store can store again"), "\(doctor.output)")
            try putBack(deployment)
            _ = try await server.log.line(with: "level=info", "Spool drained", "events=4")
            try await expectStored("p-6", by: server)
            try await untilStored(packages, in: deployment)
            try await eventually("the runs") { deployment.text(of: "output/list.txt")?.count == 6 * 4 }
            try await eventually("both alerts") { deployment.text(of: "output/alerts.txt")?.count { $0 == "\n" } == 2 }
            #expect(
                server.log.text.contains("level=warning msg=\"Callbacks are spooled until the store stores again\"")
            )
        }
        let duplicates = try await deployment.list("events").compactMap { $0["duplicates"]?.number?.integer }
        #expect(duplicates.allSatisfy { $0 == 0 })
    }

    @Test func `what was answered with 200 while the store was gone outlives kill -9`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            try takeAway(deployment)
            try await withThrowingTaskGroup { group in
                for number in 1...40 {
                    group.addTask { try await server.post(event(package: "p-\(number)")).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            server.crash()
        }
        try putBack(deployment)
        try await deployment.serve { _ in
            try await eventually("all events") { try await storedPackages(deployment).count == 40 }
        }
        #expect(Set(try await storedPackages(deployment)) == Set((1...40).map { "p-\($0)" }))
    }

    @Test(arguments: [FailPoint.afterSpooling, .afterDraining])
    func `a kill between the spool and the store loses nothing, and stores nothing twice`(point: FailPoint) async throws
    {
        let deployment = try deployment()
        let crashed = try await deployment.serve(environment: ["COUNTERSIGN_FAIL_POINT": point.rawValue]) { server in
            try takeAway(deployment)
            let status = try? await server.post(event(package: "p-1")).status
            #expect(status == (point == .afterSpooling ? nil : 200))
            try putBack(deployment)
            try await server.log.untilEnd()
        }
        #expect(crashed.status == .signalled(SIGKILL), "\(point) was never reached")
        try await deployment.serve { server in
            _ = try await server.log.line(with: "Spool drained")
            try await untilStored(["p-1"], in: deployment)
        }
        let found = try await deployment.list("events").first { $0["name"] == "PACKAGE_COMPLETE" }
        #expect(try #require(found)["duplicates"] == 0)
    }

    @Test func `a server that stops while the store is gone says how many callbacks remain, and where`() async throws {
        let deployment = try deployment(settings: "engine: { shutdown_timeout: 100ms }\n")
        let stopped = try await deployment.serve { server in
            try takeAway(deployment)
            for number in 1...3 { try await server.post(event(package: "p-\(number)")) }
        }
        #expect(stopped.status == .exited(0))
        let spool = deployment.path("countersign.db.spool")
        let line = stopped.log.lines.first { $0.contains("Callbacks remain in the spool") }
        #expect(line?.contains("events=3") == true && line?.contains(spool) == true, "\(stopped.log.text)")
        #expect(try deployment.mode(of: "countersign.db.spool") == 0o600)
        try putBack(deployment)
        for count in [3, 0] {
            let drained = try await deployment.run("spool", "drain")
            #expect(drained.status == .exited(0) && drained.output.hasPrefix("\(count) event"), "\(drained)")
        }
        #expect(try await storedPackages(deployment) == ["p-1", "p-2", "p-3"])
    }

    @Test func `the spool of another store is refused, and taken over where that is asked for`() async throws {
        let (gone, other) = (try deployment(settings: "engine: { shutdown_timeout: 100ms }\n"), try deployment())
        try await gone.serve { server in
            try takeAway(gone)
            try await server.post(event(package: "p-1"))
        }
        try await other.serve { _ in }
        let file = gone.path("countersign.db.spool")
        let refused = try await other.run("spool", "drain", "--from", file)
        #expect(refused.status == .exited(1) && refused.errors.contains("--adopt-spool"), "\(refused.errors)")
        let target = other.path("countersign.db.spool")
        try FileManager.default.removeItem(atPath: target)
        try FileManager.default.copyItem(atPath: file, toPath: target)
        let serve = try await other.run("serve")
        #expect(
            serve.status == .exited(1) && serve.errors.contains("holds 1 callback for the store"),
            "\(serve.errors)"
        )
        let check = try await other.run("store", "check")
        #expect(
            check.status == .exited(1) && check.output.contains("holds 1 callback for the store"),
            "\(check.output)"
        )
        try await other.serve("--adopt-spool") { _ in try await untilStored(["p-1"], in: other) }
        // The file itself, once more: nothing is stored twice.
        let drained = try await other.run("spool", "drain", "--from", file, "--adopt-spool")
        #expect(drained.output.hasPrefix("1 event stored, 1 of them already there"), "\(drained)")
        #expect(try await storedPackages(other) == ["p-1"])
    }

    @Test func `a full spool answers 503, and 200 again once the store is back`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            try takeAway(deployment)
            var count = 0
            while try await server.post(event(package: "p-\(count + 1)")).status == 200 { count += 1 }
            // 1 MiB: two blocks of the header, and a block for each callback that comes alone.
            #expect(count == 254)
            #expect(try await server.send(.GET, "/ready").status == 503)
            _ = try await server.log.line(with: "level=error", "Delivery not stored")
            try putBack(deployment)
            _ = try await server.log.line(with: "Spool drained", "events=254", "refused=1")
            try await expectStored("last", by: server)
            try await untilStored((1...254).map { "p-\($0)" } + ["last"], in: deployment)
        }
    }

    /// Locks bytes of a file as another program does that works on the store (https://sqlite.org/lockingv3.html).
    private func lock(_ path: String, _ bytes: Range<Int>) throws -> FileHandle {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        var lock = flock()
        (lock.l_type, lock.l_whence) = (Int16(F_WRLCK), Int16(SEEK_SET))
        (lock.l_start, lock.l_len) = (bytes.lowerBound, bytes.count)
        try #require(fcntl(file.fileDescriptor, F_SETLK, &lock) == 0)
        return file
    }

    @Test func `what the store stores late is answered by then, and is not stored twice`() async throws {
        let deployment = try deployment()
        try await deployment.serve(environment: ["COUNTERSIGN_SPOOL_AFTER": "50ms"]) { server in
            try await expectStored("p-1", by: server)
            _ = try await deployment.settledRuns()
            // The byte that a writer of the log locks; SQLite waits for it for seconds.
            let lock = try lock(deployment.path("countersign.db-shm"), 120..<121)
            for number in 2...3 {
                let answer = try await server.post(event(package: "p-\(number)"))
                #expect(answer.status == 200 && answer.body == #"{"spooled": true}"#)
            }
            _ = try await server.log.line(with: "msg=\"Callbacks are spooled", "has not answered within 50ms")
            try lock.close()
            _ = try await server.log.line(with: "Spool drained")
            try await untilStored((1...3).map { "p-\($0)" }, in: deployment)
        }
        let duplicates = try await deployment.list("events").compactMap { $0["duplicates"]?.number?.integer }
        #expect(duplicates.allSatisfy { $0 == 0 })
    }

    @Test func `a start without the store accepts callbacks, and goes on with it once it is there`() async throws {
        let deployment = try deployment()
        try await deployment.serve { _ in }
        let lock = try lock(deployment.path("countersign.db"), 0x4000_0000..<0x4000_0200)
        try await deployment.serve(environment: AdminClient.onFreePort) { server in
            let waiting = try await AdminClient(server)
            for number in 1...3 {
                let answer = try await server.post(event(package: "p-\(number)"))
                #expect(answer.status == 200 && answer.body == #"{"spooled": true}"#)
            }
            let ready = try await server.send(.GET, "/ready")
            #expect(ready.status == 200 && ready.body.contains("waiting for the store"), "\(ready.body)")
            #expect(try await waiting.send(.GET, "metrics").body.contains("countersign_spool_events 3"))
            let page = try await waiting.send(.GET, "runs?state=failed")
            #expect(page.status == 503 && page.body.contains("The store cannot be opened yet"), "\(page.body)")
            #expect(try await waiting.send(.POST, "api/v1/poll").body.contains("the store cannot be opened yet"))
            try lock.close()
            _ = try await server.log.line(with: "Spool drained", "events=3")
            try await expectStored("p-4", by: server)
            try await untilStored((1...4).map { "p-\($0)" }, in: deployment)
        }
    }
}
