/// A callback body to try rules with: published by OneSpan Sign's blog byte for byte, or made in the same form for an event of
/// which no body is published.
package struct SamplePayload: Sendable {
    /// The name under which commands know it: the event, and what tells two of the same event apart.
    package let name: String

    /// The JSON text, as a callback would carry it.
    package let body: String

    /// A sample for every event of the catalogue: the published ones first.
    package static let all = published + made

    /// The seven published bodies, in the order in which a package lives through them.
    package static let published: [SamplePayload] = [
        sample("PACKAGE_CREATE", "18EZDL44xgsX", "wVdZEaPD2igwUnFGJBjDD0dpO7k=", "2018-06-30T20:04:55.384Z"),
        sample("PACKAGE_ACTIVATE", "18EZDL44xgsX", deal, "2018-06-30T20:09:50.425Z"),
        sample(
            "DOCUMENT_SIGNED",
            signer,
            deal,
            "2018-06-30T20:10:51.002Z",
            document: "default-consent",
            called: "DOCUMENT_SIGNED-consent"
        ),
        sample(
            "DOCUMENT_SIGNED",
            signer,
            deal,
            "2018-06-30T20:12:12.256Z",
            document: "7caf46cdd75f7a411bf8c22793b84fa79d8d180becc40691"
        ),
        sample("SIGNER_COMPLETE", signer, deal, "2018-06-30T20:12:12.272Z"),
        sample("PACKAGE_COMPLETE", "e00696ec-d6f5-4feb-89c5-a5ce002a6c66", deal, "2018-06-30T20:15:01.038Z"),
        sample(
            "PACKAGE_OPT_OUT",
            "b5381b13-991e-4179-9f9b-d4e1ec9d06bb",
            "J5tyJalzG49hmDho5b9JdG61T7M=",
            "2018-06-30T20:16:29.763Z",
            message: "the personal info is not correct"
        ),
    ]

    /// One for each other event, with the fields that mean something in it; the values are made up.
    private static let made = EventCatalogue.entries.filter { entry in !published.contains { $0.name == entry.name } }
        .map { entry in
            var body: JSONObject = [
                "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": .string(entry.name),
                "sessionUser": .string(signer), "packageId": .string(deal), "message": .null, "documentId": .null,
                "createdDate": "2018-06-30T20:13:00.000Z",
            ]
            for field in entry.extraFields { body[field] = .string(madeUp[field] ?? "made up") }
            return SamplePayload(name: entry.name, body: JSON.object(body).text)
        }

    private static let madeUp = [
        "message": "the amount is not what we agreed on", "newRoleId": "Signer2", "phone": "+15145550123",
        "documentId": "7caf46cdd75f7a411bf8c22793b84fa79d8d180becc40691", "comment": "please call me",
        "selectedSupportBusinessHours": "09:00-17:00",
    ]

    private static let deal = "5n4obeO8jYoPp126Cm-Y3fxdfbo="
    private static let signer = "44aafb7c-97b9-40e1-bb59-eb76c7d2a484"

    private static func sample(
        _ event: String,
        _ user: String,
        _ packageID: String,
        _ date: String,
        message: String? = nil,
        document: String? = nil,
        called name: String? = nil
    ) -> SamplePayload {
        let body: JSON = [
            "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": .string(event),
            "sessionUser": .string(user), "packageId": .string(packageID), "message": JSON(message),
            "documentId": JSON(document), "createdDate": .string(date),
        ]
        return SamplePayload(name: name ?? event, body: body.text)
    }
}
