import CountersignCore
import Hummingbird
import NIOCore
import Synchronization

/// What is known of a request beside what it says: where it comes from, and who was let in.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    /// The address at the other end; nil over the control socket.
    let remote: IPAddress?

    private let admitted = Admitted()

    /// Who was let in; nil for somebody who was not.
    ///
    /// It is kept by reference, since the log looks at it when the request has been answered.
    var identity: AdminIdentity? {
        get { admitted.identity.withLock { $0 } }
        nonmutating set { admitted.identity.withLock { $0 = newValue } }
    }

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remote = source.channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    }

    /// Where the request comes from, for the log.
    var remoteText: String { remote.map { "\($0)" } ?? "control socket" }
}

/// Who sent a request, once that is known.
private final class Admitted: Sendable {
    let identity = Mutex<AdminIdentity?>(nil)
}
