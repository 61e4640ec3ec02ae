package import CountersignModel

/// The seven callbacks that OneSpan Sign has published, as bodies and as deliveries.
package enum SampleDelivery {
    /// The bodies, byte for byte.
    package static let bodies = [
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"PACKAGE_CREATE","#
            + #""sessionUser":"18EZDL44xgsX","packageId":"wVdZEaPD2igwUnFGJBjDD0dpO7k=","message":null,"#
            + #""documentId":null,"createdDate":"2018-06-30T20:04:55.384Z"}"#,
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"PACKAGE_ACTIVATE","#
            + #""sessionUser":"18EZDL44xgsX","packageId":"5n4obeO8jYoPp126Cm-Y3fxdfbo=","message":null,"#
            + #""documentId":null,"createdDate":"2018-06-30T20:09:50.425Z"}"#,
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"DOCUMENT_SIGNED","#
            + #""sessionUser":"44aafb7c-97b9-40e1-bb59-eb76c7d2a484","#
            + #""packageId":"5n4obeO8jYoPp126Cm-Y3fxdfbo=","message":null,"documentId":"default-consent","#
            + #""createdDate":"2018-06-30T20:10:51.002Z"}"#,
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"DOCUMENT_SIGNED","#
            + #""sessionUser":"44aafb7c-97b9-40e1-bb59-eb76c7d2a484","#
            + #""packageId":"5n4obeO8jYoPp126Cm-Y3fxdfbo=","message":null,"#
            + #""documentId":"7caf46cdd75f7a411bf8c22793b84fa79d8d180becc40691","#
            + #""createdDate":"2018-06-30T20:12:12.256Z"}"#,
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"SIGNER_COMPLETE","#
            + #""sessionUser":"44aafb7c-97b9-40e1-bb59-eb76c7d2a484","#
            + #""packageId":"5n4obeO8jYoPp126Cm-Y3fxdfbo=","message":null,"documentId":null,"#
            + #""createdDate":"2018-06-30T20:12:12.272Z"}"#,
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"PACKAGE_COMPLETE","#
            + #""sessionUser":"e00696ec-d6f5-4feb-89c5-a5ce002a6c66","#
            + #""packageId":"5n4obeO8jYoPp126Cm-Y3fxdfbo=","message":null,"documentId":null,"#
            + #""createdDate":"2018-06-30T20:15:01.038Z"}"#,
        #"{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"PACKAGE_OPT_OUT","#
            + #""sessionUser":"b5381b13-991e-4179-9f9b-d4e1ec9d06bb","#
            + #""packageId":"J5tyJalzG49hmDho5b9JdG61T7M=","message":"the personal info is not correct","#
            + #""documentId":null,"createdDate":"2018-06-30T20:16:29.763Z"}"#,
    ]

    /// The bodies as deliveries of the vendor, each with a key of its own.
    package static let all = bodies.map { delivery($0) }

    /// Any object with a string `name` as a delivery; its bytes are its deduplication key.
    ///
    /// One that `isUnique` is taken for new however often it comes.
    package static func delivery(_ body: String, isUnique: Bool = false) -> Delivery {
        let payload = (try? JSON(parsing: body)) ?? .null
        return Delivery(
            name: payload["name"]?.string ?? "",
            payload: payload,
            body: Array(body.utf8),
            origin: .callback,
            deduplicationKey: isUnique ? nil : Array(body.utf8)
        )
    }

    /// A small event of a package, told apart from others by its number.
    package static func numbered(_ number: Int, name: String = "PACKAGE_CREATE") -> Delivery {
        delivery(#"{"name":"\#(name)","packageId":"package-\#(number)","number":\#(number)}"#)
    }
}
