import CountersignActions
import CountersignCore
import CountersignTesting
import Foundation
import Testing

struct DownloadActionTests {
    private let path: [String: OptionValue] = ["path": .template(Template(literal: "a/b.zip"))]

    @Test func `a file that is sent in parts is there as a whole, with its size and checksum`() async throws {
        let world = try World(packages: VendorFake(parts: ["hello ", "", "world"]))
        let outputs = try await world.run("onespan.download", path)
        #expect(try world.folder.text("output/a/b.zip") == "hello world")
        #expect(outputs["bytes"] == 11)
        #expect(outputs["sha256"] == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")
        #expect(outputs["path"]?.string?.hasSuffix("output/a/b.zip") == true)
    }

    @Test func `a download that breaks leaves the old file, and nothing beside it`() async throws {
        _ = try await World(packages: VendorFake()).run("onespan.download", path)
        let world = try World(packages: VendorFake(parts: ["half"], failure: StepFailure("the connection broke")))
        try FileManager.default.createDirectory(
            atPath: world.folder.path + "/output/a",
            withIntermediateDirectories: true
        )
        try world.folder.write("old", to: "output/a/b.zip")
        let failure = await world.failure("onespan.download", path)
        #expect(failure?.reason == "the connection broke")
        #expect(try world.folder.contents() == ["output: ", "output/a: ", "output/a/b.zip: old"])
    }

    @Test func `a disk that takes no more is reported with the file's name`() async throws {
        let world = try World(packages: VendorFake(parts: ["x"]))
        try world.folder.write("a file in the way", to: "output")
        let failure = await world.failure("onespan.download", path)
        #expect(failure?.reason.contains("output") == true)
    }

    @Test func `one document is that of the event, and the consent is none`() async throws {
        let vendor = VendorFake(parts: ["x"])
        let world = try World(packages: vendor)
        var options = path
        options["what"] = .text("document")
        #expect(await world.failure("onespan.download", options)?.reason.contains("has no document") == true)
        options["document"] = .template(Template(literal: "default-consent"))
        #expect(await world.failure("onespan.download", options)?.isWorthRetrying == false)
        options["document"] = .template(Template(literal: "d1"))
        options["package"] = .template(Template(literal: "p1"))
        _ = try await world.run("onespan.download", options)
        #expect(vendor.deeds == ["fetch document(\"d1\") of p1"])
    }

    @Test func `without an account the reason says what to set`() async throws {
        let failure = await (try World()).failure("onespan.download", path)
        #expect(failure?.reason.contains("onespan.url") == true)
        #expect(failure?.isWorthRetrying == false)
    }
}
