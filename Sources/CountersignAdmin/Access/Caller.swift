import CountersignCore
import Hummingbird

/// Who gives a command, as the store and the log say it.
struct Caller: Sendable {
    /// How long a name may be, in characters.
    private static let longestName = 100

    /// Who was let in; nil for somebody who was not, whose commands are refused.
    private let identity: AdminIdentity?

    private let remote: String

    init(_ context: AdminContext) {
        identity = context.identity
        remote = context.remoteText
    }

    /// The person under the name that a program gives for its user, with what is known for sure.
    func person(named name: String?) -> String {
        let name = name.map { String($0.printable.prefix(Self.longestName)) }.flatMap { $0.isEmpty ? nil : $0 }
        guard let identity else { return name ?? "nobody" }
        let origin =
            switch identity.credential {
            // The owner of the store in any case.
            case .socket: ""
            case .loopback: "\(identity.credential.rawValue), \(remote)"
            case .token, .session: "\(identity.credential.rawValue) of \(identity.name), \(remote)"
            }
        guard !origin.isEmpty else { return name ?? identity.name }
        return name.map { "\($0) (\(origin))" } ?? origin
    }
}
