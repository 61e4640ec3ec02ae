import CountersignCore

/// Some events of a list, the newest first.
package struct EventPage: Sendable {
    /// At most as many events as the query asks for; a search may return fewer, or none, before the last page.
    package let events: [StoredEvent]

    /// Before which place the next page begins; nil where there is none.
    package let next: EventPosition?

    /// A page as a store read it; `next` is nil for the last one.
    package init(events: [StoredEvent], next: EventPosition?) {
        self.events = events
        self.next = next
    }

    /// A page of at most `limit` events, out of `limit + 1` where there are more.
    package init(_ events: [StoredEvent], limit: Int) {
        let kept = Array(events.prefix(limit))
        let last = events.count > limit ? kept.last.map { EventPosition(after: $0.event) } : nil
        self.init(events: kept, next: last)
    }
}
