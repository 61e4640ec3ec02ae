import CountersignStore

/// How far a follower has come in each stream of a store.
///
/// Numbers grow in the order of commits within a stream only, so there is a position for each that is open. A stream that
/// is closed and read to its end is left out; one that is newer than `newest` begins at its beginning.
struct TailCursor: Sendable, Equatable {
    /// How far a stream was read: the numbers of its last event and its last step.
    struct Place: Sendable, Equatable {
        var event: Int64
        var step: Int64
    }

    /// Which store it is: a follower of another one begins anew.
    let store: String

    /// The newest stream that is known.
    var newest: Int64

    var places: [Int64: Place]

    init(store: String, newest: Int64, places: [Int64: Place]) {
        (self.store, self.newest, self.places) = (store, newest, places)
    }

    /// Reads what `position` wrote: `STORE-NEWEST-STREAM.EVENT.STEP-…`.
    init?(_ position: TailPosition) {
        let parts = position.text.split(separator: "-")
        guard parts.count >= 2, let newest = Int64(parts[1]) else { return nil }
        var places: [Int64: Place] = [:]
        for part in parts.dropFirst(2) {
            let numbers = part.split(separator: ".").compactMap { Int64($0) }
            guard numbers.count == 3 else { return nil }
            places[numbers[0]] = Place(event: numbers[1], step: numbers[2])
        }
        self.init(store: String(parts[0]), newest: newest, places: places)
    }

    var position: TailPosition {
        let streams = places.sorted { $0.key < $1.key }.map { "-\($0.key).\($0.value.event).\($0.value.step)" }
        return TailPosition(text: "\(store)-\(newest)\(streams.joined())")
    }
}
