import CountersignCore
package import CountersignStore

/// Where callbacks are stored while the store cannot store them.
package struct SpoolSettings: Sendable {
    /// The absolute path of the file.
    package let path: String

    /// Whether somebody named the file, so that it must be as it is wanted.
    let isNamed: Bool

    let size: ByteSize

    /// How long the store may take to store a callback.
    let after: Duration
    let allowsVolatile: Bool

    init(_ options: Options, storePath: String, _ workingDirectory: String) {
        typealias Declared = SettingsDeclaration
        let named = options[Declared.spoolPath]
        path = StorePath.resolved(named?.absolute(from: workingDirectory) ?? storePath + ".spool")
        isNamed = named != nil
        size = options.required(Declared.spoolSize)
        after = options.required(Declared.spoolAfter)
        allowsVolatile = options.required(Declared.allowsVolatileSpool)
    }

    /// What the spool is to be; `adopts` takes over callbacks for another store.
    package func options(adopting adopts: Bool = false) -> SpoolOptions {
        SpoolOptions(path: path, size: size, allowsVolatile: allowsVolatile, adopts: adopts)
    }
}
