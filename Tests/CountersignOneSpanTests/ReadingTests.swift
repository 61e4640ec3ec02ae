import CountersignCore
import CountersignOneSpan
import CountersignTesting
import Testing

struct ReadingTests {
    private let reader = OneSpanCallbacks()

    private func read(_ text: String) throws -> Delivery {
        try reader.read(Array(text.utf8), origin: .callback)
    }

    private func key(_ payload: JSON) throws -> [UInt8]? {
        try reader.read(payload.bytes, origin: .callback).deduplicationKey
    }

    private let complete: JSON = [
        "name": "PACKAGE_COMPLETE", "packageId": "p", "sessionUser": "u", "documentId": "d", "message": "m",
        "newRoleId": "r", "createdDate": "2018-06-30T20:15:01.038Z",
    ]

    @Test(arguments: SamplePayload.published.map(\.body))
    func `a published payload is read whole`(body: String) throws {
        let delivery = try read(body)
        #expect(EventCatalogue.names.contains(delivery.name))
        #expect(delivery.body == Array(body.utf8))
        #expect(delivery.payload["name"] == .string(delivery.name))
        #expect(delivery.origin == .callback)
        #expect(delivery.deduplicationKey?.count == 32)
    }

    @Test func `no callback can pass for an event that the program raises, and a person may hand one in`() throws {
        let body = Array(#"{"name":"X_RUN_FAILED","run":7}"#.utf8)
        let error = try #require(throws: UnreadableBody.self) { try reader.read(body, origin: .callback) }
        #expect(error.reason.hasPrefix("the event 'X_RUN_FAILED' is not accepted as a callback") && error.body == body)
        #expect(try reader.read(body, origin: .manual).name == "X_RUN_FAILED")
        #expect(try read(#"{"name":"XRAY"}"#).name == "XRAY")
    }

    @Test func `the published payloads are seven different events`() throws {
        let keys = try SamplePayload.published.map { try read($0.body).deduplicationKey }
        #expect(Set(keys).count == 7)
    }

    @Test(arguments: SamplePayload.published.map(\.body))
    func `the order of the keys and white space change nothing`(body: String) throws {
        let delivery = try read(body)
        let members = try #require(delivery.payload.object).members
        var generator = SplitMix64(seed: 7)
        for _ in 0..<20 {
            let shuffled = JSON.object(JSONObject(members.shuffled(using: &generator)))
            #expect(try read("\n\t " + shuffled.indented + "\r\n").deduplicationKey == delivery.deduplicationKey)
        }
    }

    @Test(arguments: ["name", "packageId", "sessionUser", "documentId", "message", "newRoleId", "createdDate"])
    func `each field that tells events apart changes the key`(field: String) throws {
        var object = try #require(complete.object)
        object[field] = "another"
        try #expect(key(.object(object)) != key(complete))
    }

    @Test(arguments: ["packageId", "sessionUser", "documentId", "message", "newRoleId"])
    func `null is as good as absent, and neither is the empty string`(field: String) throws {
        var (null, absent, empty) = try (
            #require(complete.object), #require(complete.object), #require(complete.object)
        )
        null[field] = JSON.null
        absent[field] = nil
        empty[field] = ""
        try #expect(key(.object(null)) == key(.object(absent)))
        try #expect(key(.object(empty)) != key(.object(absent)))
        try #expect(key(.object(absent)) != key(complete))
    }

    @Test func `what ends one field and begins the next is distinguished`() throws {
        var (left, right) = try (#require(complete.object), #require(complete.object))
        (left["packageId"], left["sessionUser"]) = ("ab", "c")
        (right["packageId"], right["sessionUser"]) = ("a", "bc")
        try #expect(key(.object(left)) != key(.object(right)))
    }

    @Test func `a number is not the string of its digits`() throws {
        var (left, right) = try (#require(complete.object), #require(complete.object))
        (left["message"], right["message"]) = (5, "5")
        try #expect(key(.object(left)) != key(.object(right)))
    }

    @Test(arguments: [#"{"name":"X"}"#, #"{"name":"X","createdDate":null}"#])
    func `without a date two alike bodies may be two events`(body: String) throws {
        #expect(try read(body).deduplicationKey == nil)
    }

    @Test func `unknown names and fields are kept, and the latter leave the key alone`() throws {
        var object = try #require(complete.object)
        object["phone"] = ["555", .null]
        try #expect(key(.object(object)) == key(complete))
        #expect(try read(#"{"name":"NEVER_SEEN","phone":[1]}"#).payload["phone"] == [1])
    }

    @Test(arguments: [
        ("", "the body is not valid JSON: the text is empty at line 1, column 1"),
        ("{\"name\":\n \"X\",}", "found '}' instead of a key in quotes at line 2, column 6"),
        ("\n [1]", "found an array instead of an object at line 2, column 2"),
        ("null", "found null instead of an object at line 1, column 1"),
        ("{}", "the object at line 1, column 1 has no field 'name'"),
        (#"{"name":7}"#, "the field 'name' of the object at line 1, column 1 is a number, not a string"),
        (#"{"name":null}"#, "is null, not a string"),
        (#"{"name":""}"#, "the field 'name' of the object at line 1, column 1 is empty"),
        (#"{"name":"A","name":"B"}"#, #"the key "name" is repeated in an object at line 1, column 13"#),
        (#"{"name":"A"} x"#, "found 'x' after the end of the value at line 1, column 14"),
        (String(repeating: "[", count: 65), "values are nested deeper than 64 levels at line 1, column 65"),
        ("--a=b&c", "a number is not valid JSON at line 1, column 1"),
    ])
    func `a body that is no event is refused with what is wrong and where`(body: String, reason: String) throws {
        let error = try #require(throws: UnreadableBody.self) { try read(body) }
        #expect(error.reason.contains(reason), "\(error.reason)")
        #expect(error.reason.contains("OneSpan Sign sends one object"))
        #expect(error.body == Array(body.utf8))
    }

    @Test func `more than a thousand keys are refused`() throws {
        let members = (0..<1_000).map { #""k\#($0)":0"# }.joined(separator: ",")
        _ = try read(#"{"name":"X",\#(members.dropFirst(#""k0":0,"#.count))}"#)
        let error = try #require(throws: UnreadableBody.self) { try read(#"{"name":"X",\#(members)}"#) }
        #expect(error.reason.contains("more than 1000 keys"))
    }
}
