import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Testing

/// The actions that change packages, against a vendor that notes what it is asked.
struct PackageChangeTests {
    private static let id = "wVdZEaPD2igwUnFGJBjDD0dpO7k="
    private static let path = "/api/packages/wVdZEaPD2igwUnFGJBjDD0dpO7k%3D"

    private static func vendor(
        _ package: JSONObject,
        replies: [String: VendorAnswer] = [:]
    ) -> VendorFake {
        var package = package
        package["id"] = .string(id)
        return VendorFake(packages: [id: .object(package)], replies: replies)
    }

    private static func event(_ name: String) -> Event {
        var payload = Event.sample(message: "no").payload.object ?? [:]
        payload["name"] = .string(name)
        return Event(
            id: Event.ID(rawValue: 7),
            name: name,
            payload: .object(payload),
            origin: .callback,
            receivedAt: Date(timeIntervalSince1970: 1_530_389_095)
        )
    }

    private static func requests(_ vendor: VendorFake) -> [String] {
        vendor.deeds.filter { !$0.hasPrefix("package ") }
    }

    private static let until: [String: OptionValue] = [
        "until": .template(Template(literal: "2099-12-31T18:00:00Z"))
    ]

    // MARK: Extending

    @Test func `a package in signing gets a later expiry`() async throws {
        let vendor = Self.vendor(["status": "SENT", "due": "2099-01-01T00:00:00Z"])
        let outputs = try await World(packages: vendor).run("onespan.extend", Self.until)
        #expect(Self.requests(vendor) == [#"PUT \#(Self.path) {"due":"2099-12-31T18:00:00.000Z"}"#])
        #expect(outputs == ["due": "2099-12-31T18:00:00.000Z", "package_status": "SENT", "changed": true])
    }

    @Test(
        arguments: [["status": "SENT", "due": "2100-01-01T00:00:00Z"], ["status": "SENT", "due": .null]] as [JSONObject]
    )
    func `a package that expires later, or never, is left as it is`(package: JSONObject) async throws {
        let vendor = Self.vendor(package)
        let outputs = try await World(packages: vendor).run("onespan.extend", Self.until)
        #expect(Self.requests(vendor).isEmpty && outputs["changed"] == false)
    }

    @Test func `an expired package becomes a draft with a new expiry, then it is sent`() async throws {
        let vendor = Self.vendor(["status": "EXPIRED", "due": "2018-01-01T00:00:00Z"])
        let outputs = try await World(packages: vendor).run("onespan.extend", Self.until)
        #expect(
            Self.requests(vendor) == [
                #"PUT \#(Self.path) {"status":"DRAFT","due":"2099-12-31T18:00:00.000Z"}"#,
                #"PUT \#(Self.path) {"status":"SENT"}"#,
            ]
        )
        #expect(outputs["package_status"] == "SENT")
    }

    @Test func `the next attempt sends the draft that a crash left, by its expiry or its event`() async throws {
        let left = Self.vendor(["status": "DRAFT", "due": "2099-12-31T18:00:00.000Z"])
        let outputs = try await World(packages: left).run("onespan.extend", Self.until)
        #expect(Self.requests(left) == [#"PUT \#(Self.path) {"status":"SENT"}"#])
        #expect(outputs["package_status"] == "SENT" && outputs["changed"] == true)

        let byEvent = Self.vendor(["status": "DRAFT", "due": "2099-01-01T00:00:00Z"])
        let by: [String: OptionValue] = ["by": .duration(.seconds(86_400))]
        _ = try await World(packages: byEvent).run("onespan.extend", by, event: Self.event("PACKAGE_EXPIRE"))
        #expect(Self.requests(byEvent) == [#"PUT \#(Self.path) {"status":"SENT"}"#])
    }

    @Test func `a draft that somebody edits is not sent`() async throws {
        let vendor = Self.vendor(["status": "DRAFT", "due": "2018-01-01T00:00:00Z"])
        let outputs = try await World(packages: vendor)
            .run("onespan.extend", Self.until, event: Self.event("PACKAGE_EXPIRE"))
        #expect(Self.requests(vendor) == [#"PUT \#(Self.path) {"due":"2099-12-31T18:00:00.000Z"}"#])
        #expect(outputs["package_status"] == "DRAFT")
    }

    @Test(arguments: ["COMPLETED", "ARCHIVED", "DECLINED", "OPTED_OUT", "odd\u{1B}[2J"])
    func `a package that nobody can sign any more is a failure for good`(status: String) async throws {
        let vendor = Self.vendor(["status": .string(status)])
        let failure = try #require(await World(packages: vendor).failure("onespan.extend", Self.until))
        #expect(!failure.isWorthRetrying && failure.reason.contains("SENT, DRAFT or EXPIRED"))
        #expect(!failure.reason.utf8.contains(0x1B) && Self.requests(vendor).isEmpty)
    }

    @Test(arguments: [
        ("soon", "is not a time such as"), ("2018-01-01", "is in the past"), ("", "is not a time such as"),
    ])
    func `an expiry that is none is refused`(text: String, reason: String) async throws {
        let vendor = Self.vendor(["status": "SENT", "due": "2099-01-01T00:00:00Z"])
        let options: [String: OptionValue] = ["until": .template(Template(literal: text))]
        let failure = try #require(await World(packages: vendor).failure("onespan.extend", options))
        #expect(failure.reason.contains(reason) && !failure.isWorthRetrying && Self.requests(vendor).isEmpty)
    }

    // MARK: Completing and archiving

    @Test(arguments: [("complete", "SENT", "COMPLETED"), ("archive", "COMPLETED", "ARCHIVED")])
    func `a package gets the status that the action is named for`(
        action: String,
        from: String,
        to: String
    ) async throws {
        let vendor = Self.vendor(["status": .string(from)])
        let outputs = try await World(packages: vendor).run("onespan.\(action)", [:])
        #expect(Self.requests(vendor) == [#"PUT \#(Self.path) {"status":"\#(to)"}"#])
        #expect(outputs == ["package_status": .string(to), "changed": true])
    }

    @Test(arguments: [("complete", "COMPLETED"), ("complete", "ARCHIVED"), ("archive", "ARCHIVED")])
    func `a package that is there already is left as it is`(action: String, status: String) async throws {
        let vendor = Self.vendor(["status": .string(status)])
        let outputs = try await World(packages: vendor).run("onespan.\(action)", [:])
        #expect(Self.requests(vendor).isEmpty && outputs == ["package_status": .string(status), "changed": false])
    }

    @Test(arguments: ["complete", "archive", "extend"])
    func `a package that OneSpan Sign does not know is a failure for good`(action: String) async throws {
        let options = action == "extend" ? Self.until : [:]
        let failure = try #require(await World(packages: VendorFake()).failure("onespan.\(action)", options))
        #expect(!failure.isWorthRetrying && failure.reason.contains("has no package"))
    }

    @Test func `what the vendor refuses fails in its words`() async throws {
        let refusal = VendorAnswer.refusal(409, "OneSpan Sign answered with 409 (error.validation.status)")
        let vendor = Self.vendor(["status": "SENT"], replies: ["PUT \(Self.path)": refusal])
        let failure = try #require(await World(packages: vendor).failure("onespan.complete", [:]))
        #expect(failure.reason.contains("409 (error.validation.status)") && !failure.isWorthRetrying)
    }

    // MARK: Correcting

    private static let role: JSON = [
        "id": "Signer1", "index": 3,
        "signers": [["id": "ada", "email": "old@example.com", "firstName": "Ada", "language": "fr"]],
    ]

    private static let correction: [String: OptionValue] = [
        "role": .template(Template(literal: "Signer1")), "email": .template(Template(literal: "new@example.com")),
    ]

    @Test func `a role is written back with the new address, and the invitation is sent`() async throws {
        let vendor = Self.vendor(
            ["status": "SENT"],
            replies: ["GET \(Self.path)/roles/Signer1": .ok(Self.role)]
        )
        let outputs = try await World(packages: vendor).run("onespan.correct", Self.correction)
        #expect(
            Self.requests(vendor) == [
                "GET \(Self.path)/roles/Signer1",
                "PUT \(Self.path)/roles/Signer1 "
                    + #"{"id":"Signer1","index":3,"signers":[{"id":"ada","email":"new@example.com","firstName":"Ada","language":"fr"}]}"#,
                "remind Signer1 of \(Self.id)",
            ]
        )
        #expect(outputs == ["email": "new@example.com", "changed": true])
    }

    @Test func `another attempt only sends the invitation again`() async throws {
        let corrected = try JSON(parsing: Self.role.text.replacing("old@", with: "new@"))
        let vendor = Self.vendor(
            ["status": "SENT"],
            replies: ["GET \(Self.path)/roles/Signer1": .ok(corrected)]
        )
        let outputs = try await World(packages: vendor).run("onespan.correct", Self.correction)
        #expect(Self.requests(vendor).last == "remind Signer1 of \(Self.id)")
        #expect(!Self.requests(vendor).contains { $0.hasPrefix("PUT") } && outputs["changed"] == false)
    }

    @Test func `a role without a signer is a failure for good, and nobody is notified`() async throws {
        let vendor = Self.vendor(
            ["status": "SENT"],
            replies: ["GET \(Self.path)/roles/Signer1": .ok(["id": "Signer1", "signers": []])]
        )
        let failure = try #require(await World(packages: vendor).failure("onespan.correct", Self.correction))
        #expect(failure.reason.contains("has no signer") && !failure.isWorthRetrying)
        #expect(Self.requests(vendor).count == 1)
    }

    // MARK: Creating

    private static let creation: [String: OptionValue] = [
        "template": .template(Template(literal: "T=")), "name": .template(Template(literal: "Lease")),
        "data": .json(.object([.init(key: "branch", value: .literal("west"))])), "send": .boolean(true),
    ]

    @Test func `a template is cloned with the mark of the step, and sent`() async throws {
        let vendor = VendorFake(replies: ["POST /api/packages/T%3D/clone": .ok(["id": "N="])])
        let outputs = try await World(packages: vendor).run("onespan.create", Self.creation)
        #expect(
            vendor.deeds == [
                #"POST /api/packages/T%3D/clone {"type":"PACKAGE","name":"Lease","data":{"branch":"west","countersign":"run-3/step-1"},"status":"DRAFT"}"#,
                #"PUT /api/packages/N%3D {"status":"SENT"}"#,
            ]
        )
        #expect(outputs == ["id": "N=", "package_status": "SENT", "created": true])
    }

    @Test(arguments: ["DRAFT", "SENT"])
    func `another attempt finds the package of an earlier one, and clones nothing`(status: String) async throws {
        let earlier: JSON = [
            "id": "N=", "status": .string(status), "updated": "2018-06-30T20:05:00Z",
            "data": ["countersign": "run-3/step-1"],
        ]
        let vendor = VendorFake(packages: ["N=": earlier])
        let outputs = try await World(packages: vendor).run("onespan.create", Self.creation)
        #expect(vendor.deeds == (status == "DRAFT" ? [#"PUT /api/packages/N%3D {"status":"SENT"}"#] : []))
        #expect(outputs == ["id": "N=", "package_status": "SENT", "created": false])
    }

    @Test func `a package of another step or event is none of this one`() async throws {
        let other: JSON = ["id": "O=", "status": "SENT", "data": ["countersign": "run-4/step-1"]]
        let vendor = VendorFake(
            packages: ["O=": other],
            replies: ["POST /api/packages/T%3D/clone": .ok(["id": "N="])]
        )
        #expect(try await World(packages: vendor).run("onespan.create", Self.creation)["id"] == "N=")
    }

    // MARK: Requests

    @Test func `a request goes below the API with its values encoded, and its answer is an output`() async throws {
        let place = "PUT /api/packages/a%2F..%2Fb?q=%26x"
        let vendor = VendorFake(replies: [place: .ok(["a": [1]])])
        let options: [String: OptionValue] = [
            "method": .text("PUT"), "path": try .parsed("/api/packages/${event.message}"),
            "query": try .parsed(["q": "&x"]), "json": try .parsedJSON(["v": "${event.message}"]),
        ]
        let outputs = try await World(packages: vendor)
            .run("onespan.request", options, event: .sample(message: "a/../b"))
        #expect(vendor.deeds == [place + #" {"v":"a/../b"}"#])
        #expect(outputs["status_code"] == 200 && outputs["body"] == ["a": [1]])
    }

    @Test(arguments: [(404, true), (409, true), (403, false), (400, false), (503, true)])
    func `a status is retried as that of http`(status: Int, isWorthRetrying: Bool) async throws {
        let vendor = VendorFake(replies: ["GET /api/x": .refusal(status, "OneSpan Sign answered \(status)")])
        let options: [String: OptionValue] = ["path": try .parsed("/api/x")]
        let failure = try #require(await World(packages: vendor).failure("onespan.request", options))
        #expect(failure.isWorthRetrying == isWorthRetrying && failure.reason == "OneSpan Sign answered \(status)")
        #expect(failure.output?["status_code"] == JSON(status))
    }

    @Test(arguments: ["/oauth2/token", "/apitoken/x", "packages", "/api/../oauth2/token", "/api/%2E%2e/x", "/api/a#b"])
    func `a path that is not below the API is refused`(path: String) async throws {
        let vendor = VendorFake()
        let options: [String: OptionValue] = ["path": .template(Template(literal: path))]
        let failure = try #require(await World(packages: vendor).failure("onespan.request", options))
        #expect(failure.reason.contains("path") && !failure.isWorthRetrying && vendor.deeds.isEmpty)
    }
}
