import CountersignOutbound
import Synchronization

/// A body that is kept whole, up to a bound.
final class CollectedBody: BodyReceiving {
    private static let largest = 32 << 20

    private let kept = Mutex<[UInt8]>([])

    var bytes: [UInt8] { kept.withLock { $0 } }

    func receive(_ part: [UInt8]) async throws(ExchangeError) {
        let count = kept.withLock { kept in
            kept += part
            return kept.count
        }
        if count > Self.largest {
            throw ExchangeError("its answer is larger than \(Self.largest >> 20) MiB", isPassing: false)
        }
    }
}
