import CountersignCore
import Hummingbird
import NIOCore

/// What is known of a request beside what it says: where it comes from.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    /// The address at the other end; nil over the control socket.
    let remote: IPAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remote = source.channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    }

    /// Where the request comes from, for the log.
    var remoteText: String { remote.map { "\($0)" } ?? "control socket" }
}
