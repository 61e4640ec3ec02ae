import CountersignCore
import CountersignOneSpan
import CountersignStore
import Foundation
import Logging

extension Settings {
    /// What polls by these settings.
    func poller(_ client: OneSpanClient, over store: any Store, logger: Logger) -> Poller {
        let overlap = oneSpan?.pollOverlap ?? .zero
        return Poller(client: client, store: store, overlap: overlap.timeInterval, logger: logger)
    }
}
