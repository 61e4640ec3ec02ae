/// The ways of the built-in actions to the outside world; tests give working fakes.
package struct ActionServices: Sendable {
    /// The absolute path of the folder beneath which `file` writes and in which programs start.
    package let outputRoot: String

    package init(outputRoot: String) {
        self.outputRoot = outputRoot
    }
}
