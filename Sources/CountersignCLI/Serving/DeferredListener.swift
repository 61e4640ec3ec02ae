import CountersignListener
import CountersignStore
import ServiceLifecycle

/// Opens the endpoint for callbacks once commands are heard: who sees it open can give orders.
struct DeferredListener: Service {
    let door: CallbackServer

    /// Rings when commands are heard.
    let opener: AsyncSignal

    func run() async throws {
        await cancelWhenGracefulShutdown { await opener.wait() }
        try await door.run()
    }
}
