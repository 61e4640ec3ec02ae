import CountersignModel
import CountersignStore
import Foundation

/// Bodies that could not be read.
struct QuarantineView {
    struct Row {
        let id: Int64
        let iso: String
        let time: String
        let reason: String
        let body: String
    }

    let bodies: [Row]

    /// Bodies, whole or the beginnings of long ones.
    init(_ bodies: [QuarantinedBody], isWhole: Bool) {
        self.bodies = bodies.map { body in
            let text = String(decoding: isWhole ? body.body[...] : body.body.prefix(600), as: UTF8.self)
            return Row(
                id: body.id,
                iso: body.receivedAt.rfc3339,
                time: body.receivedAt.shown,
                reason: body.reason.printable,
                body: text.printableLines + (text.utf8.count < body.body.count && !isWhole ? "…" : "")
            )
        }
    }
}

/// The page to sign in on.
struct LoginView {
    let to: String
    let problem: String?
}

/// A page that says one thing.
struct MessageView {
    let text: String
}
