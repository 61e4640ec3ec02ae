/// This program.
package enum ProgramVersion {
    /// The version by semantic versioning (semver.org), such as `1.2.0`.
    package static let current = "0.1.0"
}
