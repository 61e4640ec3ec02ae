import CountersignCore
import CountersignOneSpan

/// Bytes as a mail that holds callbacks: headers, MIME parts, encodings, charsets, HTML, quote marks.
enum MailTarget {
    private static let finder = EventFinder(reader: OneSpanCallbacks())

    static func check(_ bytes: [UInt8]) -> CInt {
        let found = finder.find(in: bytes)
        for event in found.events {
            require(
                event.delivery.payload["name"]?.string == event.delivery.name,
                "the event is called as its payload says"
            )
            let again = try? JSON(parsing: event.delivery.payload.bytes)
            require(again == event.delivery.payload, "what was found is JSON that can be read again")
        }
        let keys = found.events.compactMap(\.delivery.deduplicationKey)
        require(Set(keys).count == keys.count, "an event is found once")
        for unreadable in found.unreadable { require(unreadable.line >= 1, "a line is counted from 1") }
        checkLineEnds(bytes, found)
        return 0
    }

    /// A mail reads the same with the line ends of Windows, where no carriage return has a meaning of its own.
    private static func checkLineEnds(_ bytes: [UInt8], _ found: EventFinder.Findings) {
        guard !bytes.contains(0x0D), !bytes.contains(0), !bytes.starts(with: [0xFF, 0xFE]),
            !bytes.starts(with: [0xFE, 0xFF])
        else { return }
        let windows = bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        let again = finder.find(in: windows)
        require(
            again.events.map(\.delivery.payload) == found.events.map(\.delivery.payload),
            "line ends change nothing"
        )
    }
}
