/// What `countersign init` writes: settings and a first rule that work as they are.
package enum StarterFiles {
    /// A file by its path in the folder.
    package struct File: Sendable {
        /// The path, relative to the folder.
        package let path: String

        /// The content.
        package let text: String
    }

    /// The settings and the first rule; `countersign init` adds the JSON Schemas of both.
    package static let all = [
        File(path: "countersign.yaml", text: settings), File(path: "rules/first.yaml", text: rule),
    ]

    private static let settings = """
        # yaml-language-server: $schema=countersign.settings.schema.json
        # The settings of Countersign. Commented lines show alternatives or defaults.
        # All settings: countersign reference settings

        # The callback endpoint. Put a proxy with TLS in front of it, or set 'tls' below.
        listen: 127.0.0.1:8080
        # tls: { certificate: fullchain.pem, key: privkey.pem }

        # Events and runs, in one file.
        store: sqlite:countersign.db

        # A change in this folder becomes active within two seconds; a change with errors is refused and logged.
        rules: rules

        # The callback key is set in COUNTERSIGN_CALLBACK_KEY, or in a file that only its owner can read:
        # callback:
        #   key_file: callback.key

        # The output folder; rules cannot write anywhere else.
        files:
          root: output

        # The OneSpan Sign API: register, poll for lost callbacks, download documents. Requires the secret ONESPAN_API_KEY.
        # onespan:
        #   url: https://apps.esignlive.com
        #   poll: { every: 6h }
        #   alert_after: 24h

        # The server for outgoing email; the password is the secret MAIL_PASSWORD. Microsoft 365 needs auth.oauth2 instead.
        # mail:
        #   server: smtp.example.com:587
        #   user: countersign
        #   from: Countersign <countersign@example.com>
        #   to: [ops@example.com]

        # The secrets of rules, ${secret:NAME}: one file each, readable only by the owner; or environment variables.
        # secrets:
        #   folder: secrets

        # Internal systems that requests may reach:
        # http:
        #   allow_hosts: ["*.example.com"]

        # The admin UI is at http://127.0.0.1:8081, metrics for Prometheus at /metrics.
        # admin: { listen: 127.0.0.1:8081 }        # or: off

        """

    private static let rule = """
        # yaml-language-server: $schema=../countersign.schema.json
        rules:
          - id: completed
            description: Write a line for each completed package.
            when:
              event: PACKAGE_COMPLETE
            then:
              - file:
                  path: completed.jsonl
                  mode: append
                  json: { package: "${event.packageId}", completed: "${event.createdDate}" }

        # Run with: countersign test
        tests:
          - name: a completed package becomes a line
            send:
              - { name: PACKAGE_COMPLETE, packageId: A, createdDate: "2026-01-31T09:00:00.000Z" }
            expect:
              - rule: completed
                steps: [{ id: file, plan: { content: { contains: '"package":"A"' } } }]

          - name: a declined package does not
            send: [{ name: PACKAGE_DECLINE, packageId: A, message: no }]
            expect_none: [completed]

        """
}
