import CountersignCore
import Foundation
import Testing

struct SamplePayloadTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../examples/payloads").standardizedFileURL

    @Test(arguments: SamplePayload.published.map(\.name))
    func `each sample lies in the examples, byte for byte`(name: String) throws {
        let sample = try #require(SamplePayload.published.first { $0.name == name })
        let file = try Data(contentsOf: Self.folder.appending(path: "\(name).json"))
        #expect(file == Data((sample.body + "\n").utf8))
    }

    @Test(arguments: EventCatalogue.entries.map(\.name))
    func `every event has a sample, with the fields that mean something in it`(name: String) throws {
        let sample = try #require(SamplePayload.all.first { $0.name == name })
        let body = try JSON(parsing: sample.body)
        #expect(body["name"] == .string(name) && body["packageId"]?.string?.isEmpty == false)
        let entry = try #require(EventCatalogue.entries.first { $0.name == name })
        for field in entry.extraFields { #expect(body[field]?.string?.isEmpty == false, "\(field)") }
        #expect(body.object?.keys.allSatisfy { EventCatalogue.fields.contains($0) } == true)
    }
}
