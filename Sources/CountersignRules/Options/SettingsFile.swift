package import CountersignCore

/// The settings file: options that are declared as those of actions are.
package enum SettingsFile {
    /// Reads a settings file.
    ///
    /// - Parameters:
    ///   - text: What is in it.
    ///   - file: The path that findings name.
    ///   - declarations: The settings that there are, those of the top level.
    /// - Returns: The settings unless a finding is an error (an empty file sets nothing), and all findings in order.
    package static func read(
        text: [UInt8],
        file: String,
        declarations: [FieldDeclaration]
    ) -> (options: Options?, diagnostics: [Diagnostic]) {
        let findings = Findings(source: SourceText(path: file, bytes: text))
        var options = Options()
        if let root = YAMLReader.read(text, into: findings) {
            let owner = OptionReader.Owner(name: "the settings file", span: root.span)
            options = OptionReader(findings: findings).options(root, declarations, of: owner)
        }
        return (findings.hasErrors ? nil : options, findings.diagnostics.sorted())
    }
}
