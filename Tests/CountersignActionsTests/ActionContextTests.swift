import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Testing

/// What actions of others get to act with.
struct ActionContextTests {
    /// Answers each request with its method, its URL and its idempotency key.
    private struct Echo: HTTPSending {
        func send(
            _ request: OutgoingRequest,
            to _: (any BodyReceiving)?
        ) async throws(ExchangeError) -> IncomingAnswer {
            guard request.url.hasPrefix("https://") else { throw ExchangeError("no such host", isPassing: false) }
            let key = request.headers.first { $0.name == "Idempotency-Key" }?.value ?? ""
            return IncomingAnswer(status: 201, headers: [.init("x-key", key)], body: Array("\(request.method)".utf8))
        }
    }

    @Test func `a request carries the idempotency key, and its response can be read`() async throws {
        let context = try World(http: Echo()).context(key: "run-9/step-2")
        let response = try await context.send(.init("PUT", "https://erp.example.com/a", headers: [("X-A", "b")]))
        #expect(response.status == 201 && response.body == Array("PUT".utf8) && !response.isCut)
        #expect(response.headers.first?.name == "x-key" && response.headers.first?.value == "run-9/step-2")
    }

    @Test func `a request that is not answered fails the step with the reason`() async throws {
        let context = try World(http: Echo()).context()
        let failure = await #expect(throws: StepFailure.self) { try await context.send(.init("GET", "http://nowhere")) }
        #expect(failure?.reason == "the request was not answered: no such host" && failure?.isWorthRetrying == false)
    }

    @Test func `a program runs in the output folder, with its input, its variables and the idempotency key`()
        async throws
    {
        let world = try World()
        let context = world.context(key: "k-1")
        let script = #"cat; printf ' %s %s' "$A" "$COUNTERSIGN_IDEMPOTENCY_KEY"; pwd >&2; exit 3"#
        let program = ActionContext.Program(
            "/bin/sh",
            ["-c", script],
            environment: ["A": "b"],
            input: Array("in".utf8)
        )
        let result = try await context.run(program)
        #expect(result.exitStatus == 3 && result.output == "in b k-1")
        #expect(result.errors == "\(context.outputFolder)\n")
        #expect(context.outputFolder.hasSuffix("/output"))
    }

    @Test func `a program that is not there fails the step for good`() async throws {
        let context = try World().context()
        let failure = await #expect(throws: StepFailure.self) { try await context.run(.init("/no/such/program")) }
        #expect(failure?.isWorthRetrying == false && failure?.reason.contains("/no/such/program") == true)
    }
}
