import CountersignServer
import Testing

struct SettingsDeclarationTests {
    @Test(arguments: [
        ("listen", "COUNTERSIGN_LISTEN"), ("callback.key_file", "COUNTERSIGN_CALLBACK_KEY_FILE"),
        ("engine.workers", "COUNTERSIGN_ENGINE_WORKERS"),
    ])
    func `each setting has an environment variable of its name`(key: String, variable: String) {
        #expect(SettingsDeclaration.leaves.first { $0.key == key }?.variable == variable)
    }
}
