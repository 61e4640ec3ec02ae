import CountersignCore
import Hummingbird

/// Who gives a command, as the store and the log say it.
struct Caller: Sendable {
    /// How long a name may be, in characters.
    private static let longestName = 100

    /// Who was let in; nil over the control socket.
    private let identity: AdminIdentity?

    /// Where it comes from; nil over the control socket.
    private let remote: String?

    init(_ context: AdminContext) {
        identity = context.identity
        remote = context.remote == nil ? nil : context.remoteText
    }

    /// The person under the name that a program gives for its user, with what is known for sure.
    func person(named name: String?) -> String {
        let name = name.map { String($0.printable.prefix(Self.longestName)) }.flatMap { $0.isEmpty ? nil : $0 }
        // Over the control socket it is the owner of the store in any case.
        guard let remote, let identity else { return name ?? "owner of the store" }
        let credential =
            identity.credential == .loopback
            ? identity.credential.rawValue : "\(identity.credential.rawValue) of \(identity.name)"
        let origin = "\(credential), \(remote)"
        return name.map { "\($0) (\(origin))" } ?? origin
    }
}
