import CountersignCore
package import CountersignOneSpan
package import CountersignStore
import Foundation
package import Logging

extension Settings {
    /// What polls by these settings.
    package func poller(_ client: OneSpanClient, over store: any Store, logger: Logger) -> Poller {
        let overlap = oneSpan?.pollOverlap ?? .zero
        return Poller(client: client, store: store, overlap: overlap.timeInterval, logger: logger)
    }
}
