import ArgumentParser

/// The flags of commands that show one body: in which form.
struct BodyOptions: ParsableArguments {
    @Flag(help: "Print only the body as received, byte for byte.")
    var raw = false

    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
        guard !raw || !json else {
            throw ValidationError("--raw prints only the body: omit --json")
        }
    }
}
