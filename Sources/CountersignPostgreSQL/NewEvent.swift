import CountersignCore
import CountersignStore
import Crypto
import Foundation

/// An event ready to be inserted: all that can be made ready before the writer's turn.
struct NewEvent: Sendable {
    let name: [UInt8]
    let account: String
    let packageID: [UInt8]?
    let origin: Event.Origin
    let receivedAt: Moment
    let body: [UInt8]
    let bodyHash: [UInt8]

    /// By what it is recognized.
    let key: EventKey

    /// Names the delivery, so that one that is handed in again is not counted as a further one.
    let token: [UInt8]

    /// Where a poll puts the event of the same state; nil for what no poll finds.
    let stateKey: EventKey?

    /// A poll before this time cannot have found the state that the delivery tells of.
    let earliestPoll: Moment

    init(_ delivery: Delivery, receivedAt moment: Moment, clock: DatabaseClock) {
        name = StoredText.indexed(delivery.name)
        account = delivery.account
        packageID = delivery.packageKey.map { StoredText.indexed($0) }
        origin = delivery.origin
        receivedAt = moment
        body = delivery.body
        bodyHash = Array(SHA256.hash(data: delivery.body))
        token = delivery.token.bytes
        let key = delivery.recognitionKey
        let place = DeduplicationSlot.of(key, origin: delivery.origin, payload: delivery.payload)
        self.key = EventKey(place: place, key: key)
        stateKey = delivery.stateKey.map {
            EventKey(place: DeduplicationSlot.of($0, createdDate: nil), key: $0)
        }
        earliestPoll = clock.moment(
            delivery.createdAt?.addingTimeInterval(-Delivery.pollTolerance) ?? .distantPast
        )
    }
}

/// A row of the index by which deliveries are recognized.
struct EventKey: Sendable, Hashable, Comparable {
    let place: Int64
    let key: [UInt8]

    /// The order in which all connections lock them, so that none waits for another in a circle.
    static func < (left: EventKey, right: EventKey) -> Bool {
        left.place == right.place ? left.key.lexicographicallyPrecedes(right.key) : left.place < right.place
    }
}

extension Event.Origin {
    /// The number in a column.
    var code: Int64 {
        switch self {
        case .callback: 0
        case .poll: 1
        case .manual: 2
        case .rule: 3
        }
    }

    init?(code: Int64) {
        guard let origin = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = origin
    }
}
