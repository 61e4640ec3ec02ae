import CountersignCore
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
    let next: String?

    /// The beginnings of bodies, as many as a page has; what is beyond `limit` makes a next page.
    init(_ bodies: [QuarantinedBody], limit: Int) {
        self.bodies = bodies.prefix(limit).map { Self.row($0, length: 600) }
        next = bodies.count > limit ? Address.query("/quarantine", [("before", "\(bodies[limit - 1].id)")]) : nil
    }

    /// One body, whole.
    init(whole body: QuarantinedBody) {
        bodies = [Self.row(body, length: body.body.count)]
        next = nil
    }

    private static func row(_ body: QuarantinedBody, length: Int) -> Row {
        let text = String(decoding: body.body.prefix(length), as: UTF8.self)
        return Row(
            id: body.id,
            iso: body.receivedAt.rfc3339,
            time: body.receivedAt.shown,
            reason: body.reason.printable,
            body: text.printableLines + (length < body.body.count ? "…" : "")
        )
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

/// What a page says while the program waits for its store.
struct WaitingView {
    let text: String
}
