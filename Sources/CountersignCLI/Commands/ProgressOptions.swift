import ArgumentParser

/// The flag of commands whose work may be long.
struct ProgressOptions: ParsableArguments {
    @Flag(help: "Do not show progress.")
    var quiet = false
}
