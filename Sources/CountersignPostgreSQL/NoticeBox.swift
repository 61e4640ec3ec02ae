import CLibpq

/// What the server said beside its answers.
final class NoticeBox {
    var warnings: [String] = []

    /// Collects what comes over a connection, which this box outlives.
    func listen(to handle: OpaquePointer) {
        let receiver: PQnoticeReceiver = { box, result in
            guard let box, let result, let severity = PQresultErrorField(result, CInt(UInt8(ascii: "V"))) else {
                return
            }
            // Notices, information and the like are no signs of a fault.
            guard String(cString: severity) == "WARNING" else { return }
            let message = PQresultErrorField(result, CInt(UInt8(ascii: "M"))).map { String(cString: $0) } ?? ""
            Unmanaged<NoticeBox>.fromOpaque(box).takeUnretainedValue().warnings.append(message.onOneLine)
        }
        PQsetNoticeReceiver(handle, receiver, Unmanaged.passUnretained(self).toOpaque())
    }
}
