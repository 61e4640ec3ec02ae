/// What `countersign init` writes: settings and a first rule that work as they are.
package enum StarterFiles {
    /// A file by its path in the folder.
    package struct File: Sendable {
        package let path: String
        package let text: String
    }

    package static let all = [
        File(path: "countersign.yaml", text: settings), File(path: "rules/first.yaml", text: rule),
    ]

    private static let settings = """
        # yaml-language-server: $schema=countersign.settings.schema.json
        # What Countersign runs with. What is commented out shows another choice, or what counts without the line.
        # All settings: countersign reference settings

        # Where callbacks come in. A proxy with TLS stands before it, or 'tls' below makes it speak TLS itself.
        listen: 127.0.0.1:8080
        # tls: { certificate: fullchain.pem, key: privkey.pem }

        # Events and runs: one file of SQLite, and what lies beside it.
        store: sqlite:countersign.db

        # A change in this folder counts within two seconds; one with an error changes nothing, and the log says where it is.
        rules: rules

        # The key comes from COUNTERSIGN_CALLBACK_KEY, or from a file that nobody else may read:
        # callback:
        #   key_file: callback.key

        # Where rules write: beneath this folder, and nowhere else.
        files:
          root: output

        # OneSpan Sign's own side: register, poll for what no callback told, fetch documents. Needs the secret ONESPAN_API_KEY.
        # onespan:
        #   url: https://apps.esignlive.com
        #   poll: { every: 6h }
        #   alert_after: 24h

        # The server through which rules send mail; the password is the secret MAIL_PASSWORD.
        # mail:
        #   server: smtp.example.com:587
        #   user: countersign
        #   from: Countersign <countersign@example.com>
        #   to: [ops@example.com]

        # Secrets that rules name as ${secret:NAME}: a file each, for the owner alone; else environment variables.
        # secrets:
        #   folder: secrets

        # Inner systems that requests may reach by a name of the internet:
        # http:
        #   allow_hosts: ["*.example.com"]

        # How everything stands: http://127.0.0.1:8081 in a browser. Prometheus asks there, too: /metrics
        # admin: { listen: 127.0.0.1:8081 }        # or: off

        """

    private static let rule = """
        # yaml-language-server: $schema=../countersign.schema.json
        rules:
          - id: completed
            description: Keep a line for each completed package.
            when:
              event: PACKAGE_COMPLETE
            then:
              - file:
                  path: completed.jsonl
                  mode: append
                  json: { package: "${event.packageId}", completed: "${event.createdDate}" }

        # countersign test: what should happen, without doing it
        tests:
          - name: a completed package is a line
            send:
              - { name: PACKAGE_COMPLETE, packageId: A, createdDate: "2026-01-31T09:00:00.000Z" }
            expect:
              - rule: completed
                steps: [{ id: file, plan: { content: { contains: '"package":"A"' } } }]

          - name: a declined package is none
            send: [{ name: PACKAGE_DECLINE, packageId: A, message: no }]
            expect_none: [completed]

        """
}
