import CountersignRules
import CountersignTesting
import Foundation
import Testing

@Suite struct ScriptFolderTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "scripts-\(UUID().uuidString)")
    private let clock = ManualClock()

    private func write(_ text: String, to path: String) throws {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    private var hash: String? { ScriptFolder(folder.path, clock: clock).hash }

    @Test func `a file, its path and its permission to be executed count, rules and hidden files do not`() throws {
        try write("exit 0", to: "send.sh")
        let first = try #require(hash)
        try write("rules: []", to: "rules.yaml")
        try write("x", to: ".git/HEAD")
        #expect(hash == first)
        try write("exit 1", to: "send.sh")
        let second = try #require(hash)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path + "/send.sh")
        let third = try #require(hash)
        try FileManager.default.moveItem(atPath: folder.path + "/send.sh", toPath: folder.path + "/b.sh")
        let fourth = try #require(hash)
        #expect(Set([first, second, third, fourth]).count == 4)
        try FileManager.default.removeItem(at: folder)
        #expect(hash == nil)
    }

    @Test func `a folder is looked at again after five seconds, and a link round in a circle ends`() throws {
        try write("exit 0", to: "a/send.sh")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/a/up", withDestinationPath: "..")
        let scripts = ScriptFolder(folder.path, clock: clock)
        let first = try #require(scripts.hash)
        try write("exit 1", to: "a/send.sh")
        #expect(scripts.hash == first)
        clock.advance(by: .seconds(5))
        #expect(scripts.hash != first)
        try FileManager.default.removeItem(at: folder)
    }
}
