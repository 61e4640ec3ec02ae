import CountersignCore
import Testing

struct FilterTests {
    private func rendered(_ template: String, _ payload: JSON) throws -> String {
        try Template(parsing: template).text(in: .test(payload), for: .text)
    }

    @Test(arguments: [
        ("0001-01-01T00:00:00Z", "0001-01-01 Mon"), ("1582-10-14T12:00:00Z", "1582-10-14 Thu"),
        ("0999-12-31T23:59:59Z", "0999-12-31 Tue"), ("2018-12-31T00:00:00Z", "2018-12-31 Mon"),
        ("9999-12-31T23:59:59Z", "9999-12-31 Fri"),
    ])
    func `a date is Gregorian at all times`(time: String, text: String) throws {
        #expect(
            try rendered("${event.message | date('yyyy-MM-dd EEE')}", ["name": "X", "message": .string(time)]) == text
        )
    }

    @Test(arguments: [
        (String(repeating: "ü", count: 200), String(repeating: "ü", count: 100)),
        (String(repeating: "ü", count: 200) + ".pdf", String(repeating: "ü", count: 98) + ".pdf"),
        (String(repeating: "a", count: 201), String(repeating: "a", count: 200)),
        ("." + String(repeating: "漢", count: 90), "." + String(repeating: "漢", count: 66)),
        ("short.pdf", "short.pdf"),
    ])
    func `a file's name has no more bytes than a file system takes`(message: String, name: String) throws {
        #expect(try rendered("${event.message | filename}", ["name": "X", "message": .string(message)]) == name)
        #expect(name.utf8.count <= 200)
    }
}
