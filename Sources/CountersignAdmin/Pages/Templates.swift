import Mustache

/// The templates of all pages, which are part of the program.
struct Templates: Sendable {
    private let library: MustacheLibrary

    /// - Throws: `MustacheTemplate.ParserError` when a template is wrong, which the tests find out.
    init() throws {
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            library.register(try MustacheTemplate(string: String(decoding: bytes, as: UTF8.self)), named: name)
        }
        self.library = library
    }

    /// The page as HTML; nil for a template that does not exist.
    func html<Content>(_ page: Page<Content>, template: String) -> String? {
        library.render(page, withTemplate: template)
    }

    private static let sources: [(String, [UInt8])] = [
        ("layout", PackageResources.layout_mustache), ("overview", PackageResources.overview_mustache),
        ("eventtable", PackageResources.eventtable_mustache), ("runtable", PackageResources.runtable_mustache),
        ("events", PackageResources.events_mustache), ("event", PackageResources.event_mustache),
        ("condition", PackageResources.condition_mustache),
        ("explainedrule", PackageResources.explainedrule_mustache), ("packages", PackageResources.packages_mustache),
        ("package", PackageResources.package_mustache), ("runs", PackageResources.runs_mustache),
        ("run", PackageResources.run_mustache), ("rules", PackageResources.rules_mustache),
        ("rule", PackageResources.rule_mustache), ("dryrun", PackageResources.dryrun_mustache),
        ("quarantine", PackageResources.quarantine_mustache), ("login", PackageResources.login_mustache),
        ("message", PackageResources.message_mustache), ("instances", PackageResources.instances_mustache),
        ("waiting", PackageResources.waiting_mustache),
        ("pending", PackageResources.pending_mustache), ("pendingtable", PackageResources.pendingtable_mustache),
        ("pendingitem", PackageResources.pendingitem_mustache),
        ("pausefields", PackageResources.pausefields_mustache),
    ]
}
