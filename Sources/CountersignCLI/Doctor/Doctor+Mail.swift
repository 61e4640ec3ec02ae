import CountersignActions
import CountersignModel

/// The mail server.
extension Doctor {
    /// Whether the server takes the login; nothing is sent.
    func mail() async -> [Finding] {
        guard let mail = settings.mail else {
            return [.fine("mail", "'mail.server' is not set: rules send no mail")]
        }
        var findings: [Finding] = []
        if mail.to.isEmpty {
            findings.append(.warning("mail", "'mail.to' is not set: a mail whose step has no 'to' reaches nobody"))
        }
        do {
            try await environment.mail(for: settings)?.probe()
            let login = mail.user.map { "takes the login of \($0)" } ?? "asks for no login"
            return findings + [.fine("mail", "'\(mail.host):\(mail.port)' \(login); nothing was sent")]
        } catch {
            return findings + [.failure("mail", "\("\(error)".split(separator: "\n").first ?? "")")]
        }
    }
}
