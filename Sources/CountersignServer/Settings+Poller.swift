import CountersignCore
package import CountersignOneSpan
package import CountersignStore
import Foundation
package import Logging

extension Settings {
    /// What polls by these settings; `holder` is the name under which others learn who polls.
    package func poller(
        _ client: OneSpanClient,
        over store: any Store,
        as holder: String,
        logger: Logger
    ) -> Poller {
        let overlap = oneSpan?.pollOverlap ?? .zero
        return Poller(
            client: client,
            store: store,
            account: account.name,
            as: holder,
            overlap: overlap.timeInterval,
            logger: logger
        )
    }
}
