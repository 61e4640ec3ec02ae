import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignRules
import CountersignServer
import CountersignTerminal
import Foundation

/// `countersign init`: a folder to begin with.
struct InitCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create settings and a first rule.",
        discussion: """
            Writes countersign.yaml with a comment on each common setting, rules/first.yaml with a rule and
            its tests, and JSON Schemas with which editors complete and check both ('countersign schema'
            writes them again, with your custom actions). Existing files are not changed.

            Example:
              countersign init trial && cd trial && countersign test
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The folder; created if it does not exist.",
            valueName: "folder"
        ),
        completion: .directory
    )
    var folder = "."

    func run(in environment: CommandEnvironment) async throws {
        let root = folder == "." ? environment.workingDirectory : folder.absolute(from: environment.workingDirectory)
        try expectFolder(root)
        let schemas = [
            ("countersign.schema.json", RuleSchema(catalogue: ActionRegistry.builtIn.declarations).json),
            ("countersign.settings.schema.json", SettingsSchema.json(of: SettingsDeclaration.all)),
        ]
        let files = StarterFiles.all + schemas.map { StarterFiles.File(path: $0, text: $1.indented + "\n") }
        for file in files {
            let path = file.path.absolute(from: root)
            do {
                try FileManager.default.createDirectory(atPath: path.folder, withIntermediateDirectories: true)
                // Never over a file that somebody made meanwhile.
                try Data(file.text.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
                print("wrote  \(file.path)")
            } catch let error as CocoaError where error.code == .fileWriteFileExists {
                print("kept   \(file.path), which already exists")
            } catch {
                throw CommandFailure("'\(path)' cannot be written: \(systemWords(error))")
            }
        }
        print(
            """

            Next\(folder == "." ? "" : ", in \(folder.printable)"):
              countersign test                                  run the tests of the first rule
              export COUNTERSIGN_CALLBACK_KEY=$(openssl rand -hex 24)
              countersign serve                                 start the server
              countersign send PACKAGE_COMPLETE                 in another terminal, with the same key: a sample callback
              countersign runs list                             list the runs
            """
        )
    }

    /// Makes sure that what is to be the folder, or a folder above it, is no file.
    private func expectFolder(_ path: String) throws {
        var isFolder: ObjCBool = false
        if !FileManager.default.fileExists(atPath: path), path.folder != path { return try expectFolder(path.folder) }
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else { return }
        throw CommandFailure("'\(path)' is a file; name a folder, which is created if it does not exist")
    }
}
