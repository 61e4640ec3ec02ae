import CountersignModel
import Foundation
import Testing

struct SamplePayloadTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../examples/payloads").standardizedFileURL

    @Test(arguments: SamplePayload.all.map(\.name))
    func `each sample lies in the examples, byte for byte`(name: String) throws {
        let sample = try #require(SamplePayload.all.first { $0.name == name })
        let file = try Data(contentsOf: Self.folder.appending(path: "\(name).json"))
        #expect(file == Data((sample.body + "\n").utf8))
    }
}
