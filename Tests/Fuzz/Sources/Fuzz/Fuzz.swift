import CFuzzer
import Foundation

/// Gives random inputs to one of the targets, until libFuzzer's time is over or a property does not hold.
@main
enum Fuzz {
    private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

    private static let targets: [String: Callback] = [
        "json": { JSONTarget.check(bytes($0, $1)) },
        "templates": { TemplateTarget.check(bytes($0, $1)) },
        "globs": { GlobTarget.check(bytes($0, $1)) },
        "mail": { MailTarget.check(bytes($0, $1)) },
        "rules": { RulesTarget.check(bytes($0, $1)) },
    ]

    static func main() {
        guard CommandLine.arguments.count > 1, let target = targets[CommandLine.arguments[1]] else {
            say("usage: Fuzz \(targets.keys.sorted().joined(separator: "|")) [libFuzzer's arguments]")
            exit(64)
        }
        // libFuzzer takes the rest; the name of the target would be a corpus to it.
        var count = CommandLine.argc - 1
        var arguments = CommandLine.unsafeArgv + 1
        arguments[0] = CommandLine.unsafeArgv[0]
        exit(LLVMFuzzerRunDriver(&count, &arguments, target))
    }

    private static func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: start, count: count))
    }
}

/// Stops the program with `sentence`, so that libFuzzer keeps the input, unless the property holds.
func require(_ holds: Bool, _ sentence: @autoclosure () -> String) {
    guard !holds else { return }
    say("property broken: \(sentence())")
    abort()
}

private func say(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
