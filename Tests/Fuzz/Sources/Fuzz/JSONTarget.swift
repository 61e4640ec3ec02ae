import CountersignCore
import CountersignOneSpan

/// Bytes as JSON, and as a callback.
enum JSONTarget {
    private static let callbacks = OneSpanCallbacks()

    static func check(_ bytes: [UInt8]) -> CInt {
        do throws(JSONError) {
            checkFixedPoint(try JSON(parsing: bytes))
        } catch {
            checkPlace(of: error, in: bytes)
        }
        if let delivery = try? callbacks.read(bytes, origin: .callback) {
            require(delivery.payload["name"]?.string == delivery.name, "the event is called as its payload says")
            let again = try? callbacks.read(delivery.payload.bytes, origin: .callback)
            require(
                again?.deduplicationKey == delivery.deduplicationKey,
                "how a body is laid out tells no events apart"
            )
        }
        return 0
    }

    private static func checkFixedPoint(_ json: JSON) {
        let written = json.bytes
        guard let again = try? JSON(parsing: written) else {
            return require(false, "what is written can be read: \(json.text)")
        }
        require(again == json, "what is read again is the same value: \(json.text)")
        require(again.bytes == written, "what is written again is the same text: \(json.text)")
        require(again.hashValue == json.hashValue, "equal values hash alike: \(json.text)")
        require((try? JSON(parsing: json.indented)) == json, "the indented text is the same value: \(json.text)")
    }

    private static func checkPlace(of error: JSONError, in bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        require((1...lines.count).contains(error.line), "the line is in the text: \(error)")
        require((1...(lines[error.line - 1].count + 1)).contains(error.column), "the column is in the line: \(error)")
    }
}
