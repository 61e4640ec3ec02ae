import NIOCore

/// One timer serves many requests: it is not moved when a deadline moves back; who is notified looks again.
struct DeadlineTimer {
    private var scheduled: Scheduled<Void>?

    /// When it fires; far away while it is not set.
    private(set) var time = NIODeadline.distantFuture

    mutating func set(at time: NIODeadline, on eventLoop: any EventLoop, _ notify: @escaping () -> Void) {
        scheduled?.cancel()
        scheduled = eventLoop.assumeIsolated().scheduleTask(deadline: time, notify)
        self.time = time
    }

    mutating func cancel() {
        scheduled?.cancel()
        scheduled = nil
        time = .distantFuture
    }
}
