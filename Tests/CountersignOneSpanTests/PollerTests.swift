import CountersignCore
import CountersignOneSpan
import CountersignOutbound
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Synchronization
import Testing

/// Polling against a vendor who behaves oddly; ProgramTests poll the simulator.
struct PollerTests {
    private let clock = ManualClock()
    private let store = MemoryStore()

    private func poller(_ answer: @escaping @Sendable (String) async -> JSON) -> (Poller, ScriptedAPI) {
        let network = ScriptedAPI(answer)
        let access = OneSpanAccess(baseURL: "http://vendor") { () throws(APIFailure) in .apiKey("key") }
        let client = OneSpanClient(access: access, http: network, clock: clock)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return (Poller(client: client, store: store, as: "test", overlap: 3_600, logger: logger), network)
    }

    private func package(
        _ id: String,
        _ status: String,
        updated: TimeInterval = 0,
        created: TimeInterval = -1e7
    ) -> JSON {
        [
            "id": .string(id), "status": .string(status), "updated": .string(date(updated)),
            "created": .string(date(created)), "completed": .string(date(updated)),
        ]
    }

    private func date(_ offset: TimeInterval) -> String { clock.now.addingTimeInterval(offset).rfc3339 }

    private func events() async throws -> [String] {
        try await store.events(EventQuery(limit: 1_000)).reversed()
            .map { "\($0.event.name) \($0.event.payload["packageId"]?.string ?? "")" }
    }

    @Test func `a vendor who gives the same page for ever is not asked for ever`() async throws {
        let page: JSON = ["results": .array((1...100).map { package("p\($0)", "SENT") })]
        let (poller, network) = poller { _ in page }
        await #expect(throws: APIFailure.self) { try await poller.poll() }
        #expect(network.urls.count == 2)
        #expect(try await store.pollState()?.finishedAt == nil, "the mark stays where it was")
    }

    @Test func `while another polls nobody is asked, and who has been replaced stops at the next package`() async throws
    {
        let (poller, network) = poller { _ in ["count": 0, "results": []] }
        let lease = Lease(id: "other", for: .seconds(60))
        let hold = try await store.take(.poll, as: "web2", under: lease, at: clock.now)
        let theirs = SingletonHold(holder: "web2", term: 1, until: hold.until, isOwn: false)
        await #expect(throws: SingletonError.held(.poll, theirs)) { try await poller.poll() }
        #expect(network.urls.isEmpty)
        try await store.giveUp(.poll, under: "other")
        #expect(try await poller.poll().term == 2)
        let finished = try await store.pollState()?.finishedAt
        let (clock, store) = (clock, store)
        let (slow, asked) = self.poller { _ in
            // It takes so long to answer that another one takes over.
            clock.advance(by: .seconds(61))
            let next = Lease(id: "next", for: .seconds(60))
            _ = try? await store.take(.poll, as: "web2", under: next, at: clock.now)
            let package: JSON = ["id": "p", "status": "SENT", "updated": .string(clock.now.rfc3339)]
            return ["count": 1, "results": [package]]
        }
        await #expect(throws: SingletonError.lost(.poll, term: 3)) { try await slow.poll() }
        #expect(asked.urls.count == 1)
        #expect(try await events().isEmpty)
        #expect(try await store.pollState()?.finishedAt == finished)
    }

    @Test func `what the vendor's filter lets through too much is left out`() async throws {
        let old = package("old", "COMPLETED", updated: -1e6)
        let (poller, _) = poller {
            $0.contains("COMPLETED") ? ["count": 1, "results": [old]] : ["count": 0, "results": []]
        }
        #expect(try await poller.poll().packages == 0)
    }

    @Test func `the list of drafts tells of expired and declined ones by their own status`() async throws {
        let results: JSON = [package("e", "EXPIRED"), package("d", "DRAFT")]
        let (poller, _) = poller {
            $0.contains("DRAFT") ? ["count": 2, "results": results] : ["count": 0, "results": []]
        }
        let report = try await poller.poll()
        #expect(report.packages == 2)
        #expect(try await events() == ["PACKAGE_EXPIRE e"])
    }

    @Test func `a package that was made since polling began was sent before it was done`() async throws {
        let results: JSON = [
            package("new", "COMPLETED", created: -60), package("old", "COMPLETED"), package("archived", "ARCHIVED"),
        ]
        let (poller, _) = poller {
            $0.contains("query=COMPLETED") ? ["count": 3, "results": results] : ["results": []]
        }
        _ = try await poller.poll()
        #expect(
            try await events() == [
                "PACKAGE_ACTIVATE new", "PACKAGE_COMPLETE new", "PACKAGE_COMPLETE old", "PACKAGE_COMPLETE archived",
                "PACKAGE_ARCHIVE archived",
            ]
        )
    }

    @Test func `a list that gets shorter while it is read is read again`() async throws {
        let reads = Mutex(0)
        let pages = (1...150).map { package("p\($0)", "SENT") }
        let (poller, _) = poller { url in
            guard url.contains("query=SENT") else { return ["count": 0, "results": []] }
            let isFirst = url.contains("from=1&")
            let read = reads.withLock { reads in
                if isFirst { reads += 1 }
                return reads
            }
            // While it is read for the first time, a package leaves it, and the others move up.
            let rest = read == 1 && !isFirst ? Array(pages.dropFirst()) : read == 1 ? pages : Array(pages.dropFirst())
            let slice = isFirst ? rest.prefix(100) : rest.dropFirst(100)
            return ["count": JSON(rest.count), "results": .array(Array(slice))]
        }
        #expect(try await poller.poll().packages == 150)
    }

    @Test func `a look at a past that the last poll has not seen leaves the mark where it was`() async throws {
        let (poller, network) = poller { _ in ["count": 0, "results": []] }
        _ = try await poller.poll()
        let mark = try await store.pollState()?.watermark
        clock.advance(by: .seconds(86_400))
        _ = try await poller.poll(since: clock.now.addingTimeInterval(-60))
        #expect(try await store.pollState()?.watermark == mark)
        _ = try await poller.poll()
        let wanted = mark?.addingTimeInterval(-3_600).rfc3339.percentEncoded ?? ""
        #expect(network.urls.last?.contains(wanted) == true, "\(network.urls.last ?? "")")
    }
}

/// An API that answers each URL as a function says.
private final class ScriptedAPI: HTTPSending {
    private let answer: @Sendable (String) async -> JSON
    private let asked = Mutex<[String]>([])

    init(_ answer: @escaping @Sendable (String) async -> JSON) {
        self.answer = answer
    }

    /// The URLs that were asked for.
    var urls: [String] { asked.withLock { $0 } }

    func send(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        asked.withLock { $0.append(request.url) }
        try await receiver?.receive(await answer(request.url).bytes)
        return IncomingAnswer(status: 200, headers: [], body: [])
    }
}
