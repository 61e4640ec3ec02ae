package import CountersignCore

/// The seven callbacks that OneSpan Sign has published, as bodies and as deliveries.
package enum SampleDelivery {
    /// The bodies, byte for byte.
    package static let bodies = SamplePayload.published.map(\.body)

    /// The bodies as deliveries of the vendor, each with a key of its own.
    package static let all = bodies.map { delivery($0) }

    /// Any object with a string `name` as a delivery; its bytes are its deduplication key.
    ///
    /// One that `isUnique` is taken for new however often it comes.
    package static func delivery(
        _ body: String,
        origin: Event.Origin = .callback,
        isUnique: Bool = false
    ) -> Delivery {
        let payload = (try? JSON(parsing: body)) ?? .null
        return Delivery(
            name: payload["name"]?.string ?? "",
            payload: payload,
            body: Array(body.utf8),
            origin: origin,
            deduplicationKey: isUnique ? nil : Array(body.utf8)
        )
    }

    /// A small event of a package, told apart from others by its number.
    package static func numbered(_ number: Int, name: String = "PACKAGE_CREATE") -> Delivery {
        delivery(#"{"name":"\#(name)","packageId":"package-\#(number)","number":\#(number)}"#)
    }
}
