import CountersignListener
import CountersignStore
import ServiceLifecycle

/// Starts the callback endpoint once commands are accepted: whoever sees it listen can send commands.
struct DeferredListener: Service {
    let listener: CallbackServer

    /// Notified when commands are accepted.
    let opener: AsyncSignal

    func run() async throws {
        await cancelWhenGracefulShutdown { await opener.wait() }
        try await listener.run()
    }
}
