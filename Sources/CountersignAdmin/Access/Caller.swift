import CountersignCore
import Hummingbird

/// Who gives a command, as the store and the log say it.
struct Caller: Sendable {
    /// How long a name may be, in characters.
    private static let longestName = 100

    /// What let the request in.
    private let admission: String

    /// Where it comes from; nil over the control socket.
    private let remote: String?

    init(_ request: Request, _ context: AdminContext) {
        admission = ActivityLog.admission(of: request, context)
        remote = context.remote == nil ? nil : context.remoteText
    }

    /// The person under the name that a program gives for its user, with what is known for sure.
    func person(named name: String?) -> String {
        let name = name.map { String($0.printable.prefix(Self.longestName)) }.flatMap { $0.isEmpty ? nil : $0 }
        // Over the control socket it is the owner of the store in any case.
        guard let remote else { return name ?? admission }
        let origin = "\(admission), \(remote)"
        return name.map { "\($0) (\(origin))" } ?? origin
    }
}
