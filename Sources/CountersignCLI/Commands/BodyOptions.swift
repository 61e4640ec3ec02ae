import ArgumentParser

/// The flags of commands that show one body: in which form.
struct BodyOptions: ParsableArguments {
    @Flag(help: "Print the body as it came, byte for byte, and nothing else.")
    var raw = false

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        guard !raw || !json else {
            throw ValidationError("--raw prints the body and nothing else: leave out --json")
        }
    }
}
