import Testing

/// `http:` in the settings: where requests may go.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct OutgoingSettingsTests {
    @Test(arguments: [
        ("allow_networks: [10.0.0.1/8]", "'http.allow_networks' has '10.0.0.1/8', which is not a network"),
        ("allow_hosts: ['https://erp.example.com']", "'http.allow_hosts' has 'https://erp.example.com'"),
        ("ca_file: gone.pem", "cannot be read as certificates in PEM form"),
        ("ca_file: countersign.yaml", "cannot be read as certificates in PEM form"),
    ])
    func `what cannot be used ends the start with 2 and a sentence`(setting: String, sentence: String) async throws {
        let deployment = try Deployment(rules: nil, settings: "http:\n  \(setting)\n")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    }

    @Test func `names and networks are read from the file and from the environment`() async throws {
        let deployment = try Deployment(
            rules: nil,
            settings: "http: { allow_networks: [10.0.0.0/8, \"fd12::/48\"], allow_hosts: [erp.example.com] }\n",
            environment: ["COUNTERSIGN_HTTP_ALLOW_HOSTS": "a.example.com, *.b.example.com"]
        )
        let (status, _) = try await deployment.serve { _ in }
        #expect(status == .exited(0))
    }
}
