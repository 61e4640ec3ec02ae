import CLibpq
import CountersignCore
import CountersignStore
import Crypto
import Foundation
import Glibc

/// One connection to the server, which only its own thread uses.
///
/// It is made when it is needed, always in pipeline mode, and dropped at the first sign of a fault: nothing is cancelled,
/// because a server that gives up waiting for its standby reports success.
final class Connection {
    /// What a connection is for.
    enum Purpose: Sendable {
        /// Makes the schema, and nothing else.
        case migrating
        case reading
        /// Writes events or results; it has a stream of its own.
        case writing
    }

    let options: ConnectionOptions
    let purpose: Purpose

    /// How long a call may take.
    let limit: Duration

    /// What `@.` stands for.
    private let schema: String

    private var handle: OpaquePointer?
    private let notices = NoticeBox()

    /// The names of statements that this connection has prepared, by their SQL.
    private var prepared: [String: String] = [:]

    /// The SQL of statements with the name of the schema in it.
    private var texts: [String: String] = [:]

    /// Whether statements are prepared under names.
    private(set) var usesNames = false

    /// Whether a pooler answers in the place of the server, so that nothing lasts beyond a transaction.
    private(set) var isPooled = false

    /// Whether the server tells of notifications.
    private(set) var isListening = false

    /// What is looked at when the server has answered for the first time.
    private let greet: (Connection) throws(DatabaseError) -> Void

    /// The stream of a connection that writes, and the numbers that it may give to events.
    var stream: Stream?

    /// Streams of this value whose connections were lost.
    private(set) var lostStreams: [Int64] = []

    /// How often a connection was made.
    private(set) var connects = 0

    init(
        _ options: ConnectionOptions,
        for purpose: Purpose,
        within limit: Duration,
        greet: @escaping (Connection) throws(DatabaseError) -> Void
    ) {
        self.options = options
        self.purpose = purpose
        self.limit = limit
        schema = "\"\(options.schema.replacing("\"", with: "\"\""))\""
        self.greet = greet
    }

    deinit { drop() }

    var isConnected: Bool { handle != nil }

    /// The socket, for who waits for something to happen on it.
    var socket: CInt? { handle.map { PQsocket($0) } }

    /// Whether the server said during the last call that something is not as it should be.
    var wasWarned: Bool { !notices.warnings.isEmpty }

    /// What it said.
    var warning: String { notices.warnings.joined(separator: "; ") }

    /// Whether the connection is encrypted, and how.
    var encryption: String? {
        guard let handle, PQsslInUse(handle) == 1 else { return nil }
        let version = PQsslAttribute(handle, "protocol").map { String(cString: $0) } ?? "TLS"
        let cipher = PQsslAttribute(handle, "cipher").map { String(cString: $0) } ?? "unknown cipher"
        return "\(version), \(cipher)"
    }

    /// Ends the connection; what was sent and not answered may have been carried out.
    func drop() {
        guard let handle else { return }
        PQfinish(handle)
        self.handle = nil
        prepared = [:]
        (usesNames, isListening) = (false, false)
        if let stream { lostStreams.append(stream.id) }
        stream = nil
    }

    /// Makes the connection, unless there is one; tries once.
    func connect() throws(DatabaseError) {
        guard handle == nil else { return }
        guard let made = try options.withParameters({ PQconnectdbParams($0, $1, 0) }) else {
            throw .lost("libpq has no memory left")
        }
        guard PQstatus(made) == CONNECTION_OK else {
            let reason = ConnectionAdvice.sentence(for: String(cString: PQerrorMessage(made)))
            PQfinish(made)
            throw .lost(reason)
        }
        notices.listen(to: made)
        guard PQsetnonblocking(made, 1) == 0, PQenterPipelineMode(made) == 1 else {
            PQfinish(made)
            throw .lost("the connection cannot be set up")
        }
        handle = made
        connects += 1
        do throws(DatabaseError) {
            let process = try rows("select pg_backend_pid()").first?.integer(0)
            isPooled = process != Int64(PQbackendPID(made))
            usesNames = options.naming.usesNames(isPooled: isPooled)
            try greet(self)
        } catch {
            drop()
            throw error
        }
    }

    /// Makes the connection and tries again until `deadline`, waiting longer each time.
    func connect(until deadline: ContinuousClock.Instant) throws(DatabaseError) {
        var longest = 0.05
        while true {
            do throws(DatabaseError) {
                return try connect()
            } catch {
                guard case .lost = error, ContinuousClock.now < deadline else { throw error }
                // Full jitter, so that instances that lost a server together do not come back together.
                Thread.sleep(forTimeInterval: Double.random(in: 0.01...longest))
                longest = min(longest * 2, 2)
            }
        }
    }

    /// Sends statements in one go and reads what each of them gives.
    ///
    /// They are one transaction, unless they begin and end some themselves. After a refusal within a transaction that was
    /// begun, that is rolled back. `point` is reached when all is sent and nothing is answered.
    func execute(_ statements: [Statement], reaching point: FailPoint? = nil) throws(DatabaseError) -> [Rows] {
        guard let handle else { throw .lost("there is no connection") }
        notices.warnings = []
        let deadline = ContinuousClock.now + limit
        do throws(DatabaseError) {
            return try exchange(statements, on: handle, until: deadline, reaching: point)
        } catch {
            switch error {
            case .lost, .unfit: drop()
            case .refused(let code, let message):
                if DatabaseError.endsConnection(code) {
                    drop()
                    throw .lost("the server ended the connection: \(message)")
                }
                if options.naming.giveUp(after: code) || Stream.isClosed(code) {
                    drop()
                    throw .lost(message)
                }
                try rollBack(handle, until: deadline)
            }
            throw error
        }
    }

    /// The rows of one statement.
    func rows(_ sql: String, _ parameters: [Parameter] = []) throws(DatabaseError) -> Rows {
        let rows = try execute([Statement(sql, parameters)])
        return rows[0]
    }

    /// Has the server tell of what is notified on a channel, as long as the connection lasts.
    func listen(to channel: String) throws(DatabaseError) {
        _ = try rows("listen \"\(channel.replacing("\"", with: "\"\""))\"")
        isListening = true
    }

    /// What others notified since the last time.
    func takeNotifications() throws(DatabaseError) -> [String] {
        guard let handle, isListening else { return [] }
        guard PQconsumeInput(handle) == 1 else {
            let error = lost(handle)
            drop()
            throw error
        }
        var payloads: [String] = []
        while let notification = PQnotifies(handle) {
            if notification.pointee.be_pid != PQbackendPID(handle) {
                payloads.append(String(cString: notification.pointee.extra))
            }
            PQfreemem(notification)
        }
        return payloads
    }

    private func rollBack(_ handle: OpaquePointer, until deadline: ContinuousClock.Instant) throws(DatabaseError) {
        guard PQtransactionStatus(handle) != PQTRANS_IDLE else { return }
        do throws(DatabaseError) {
            _ = try exchange([.rollback], on: handle, until: deadline)
        } catch {
            drop()
        }
    }
}

extension Connection {
    private enum Expected {
        case preparation(sql: String, name: String)
        case rows
    }

    private func exchange(
        _ statements: [Statement],
        on handle: OpaquePointer,
        until deadline: ContinuousClock.Instant,
        reaching point: FailPoint? = nil
    ) throws(DatabaseError) -> [Rows] {
        var expected: [Expected] = []
        var names = prepared
        for statement in statements {
            if usesNames, names[statement.sql] == nil {
                let text = text(of: statement)
                // A client that gets another session by mistake finds this very statement by its name, or none.
                let name = "c" + SHA256.hash(data: Array(text.utf8)).prefix(12).hexDigits
                names[statement.sql] = name
                expected.append(.preparation(sql: statement.sql, name: name))
                guard PQsendPrepare(handle, name, text, 0, nil) == 1 else { throw lost(handle) }
            }
            expected.append(.rows)
            try send(statement, name: names[statement.sql], on: handle)
        }
        guard PQpipelineSync(handle) == 1 else { throw lost(handle) }
        try flush(handle, until: deadline)
        point?.reach()
        return try read(expected, on: handle, until: deadline)
    }

    /// The SQL with the name of the schema.
    private func text(of statement: Statement) -> String {
        if let text = texts[statement.sql] { return text }
        let text = statement.sql.replacing("@.", with: schema + ".")
        texts[statement.sql] = text
        return text
    }

    /// Sends a statement, by its name where it has one.
    private func send(_ statement: Statement, name: String?, on handle: OpaquePointer) throws(DatabaseError) {
        let parameters = statement.parameters
        // One buffer for all; it is not empty, so that an empty value has an address as well.
        var bytes: [UInt8] = [0]
        bytes.reserveCapacity(parameters.reduce(1) { $0 + ($1.bytes?.count ?? 0) })
        var offsets: [Int?] = []
        for parameter in parameters {
            offsets.append(parameter.bytes == nil ? nil : bytes.count)
            bytes.append(contentsOf: parameter.bytes ?? [])
        }
        bytes.append(0)
        let lengths = parameters.map { CInt($0.bytes?.count ?? 0) }
        let formats = [CInt](repeating: 1, count: parameters.count)
        let isSent = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                let values = offsets.map { offset in offset.flatMap { buffer.baseAddress?.advanced(by: $0) } }
                let count = CInt(parameters.count)
                guard let name else {
                    return PQsendQueryParams(handle, text(of: statement), count, nil, values, lengths, formats, 1)
                }
                return PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
            }
        }
        guard isSent == 1 else { throw lost(handle) }
    }

    private func read(
        _ expected: [Expected],
        on handle: OpaquePointer,
        until deadline: ContinuousClock.Instant
    ) throws(DatabaseError) -> [Rows] {
        var answers: [Rows] = []
        var failure: DatabaseError?
        for item in expected {
            guard let result = try next(handle, until: deadline) else { throw lost(handle) }
            let rows = Rows(taking: result)
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                switch item {
                case .preparation(let sql, let name): prepared[sql] = name
                case .rows: answers.append(rows)
                }
            case PGRES_PIPELINE_ABORTED: break
            default:
                guard PQstatus(handle) == CONNECTION_OK else { throw lost(handle, result) }
                failure = failure ?? Self.refusal(result)
            }
            // Each command ends with a result that is none.
            guard try next(handle, until: deadline) == nil else { throw lost(handle) }
        }
        guard let end = try next(handle, until: deadline) else { throw lost(handle) }
        let status = PQresultStatus(end)
        PQclear(end)
        guard status == PGRES_PIPELINE_SYNC else { throw lost(handle) }
        if let failure { throw failure }
        return answers
    }

    private func next(
        _ handle: OpaquePointer,
        until deadline: ContinuousClock.Instant
    ) throws(DatabaseError) -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            try wait(for: Int16(POLLIN), on: handle, until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw lost(handle) }
        }
        return PQgetResult(handle)
    }

    private func flush(_ handle: OpaquePointer, until deadline: ContinuousClock.Instant) throws(DatabaseError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                // What the server has to say already is read meanwhile, or both would wait for each other.
                try wait(for: Int16(POLLIN | POLLOUT), on: handle, until: deadline)
                guard PQconsumeInput(handle) == 1 else { throw lost(handle) }
            default: throw lost(handle)
            }
        }
    }

    private func wait(
        for events: Int16,
        on handle: OpaquePointer,
        until deadline: ContinuousClock.Instant
    ) throws(DatabaseError) {
        while true {
            let rest = (deadline - ContinuousClock.now).milliseconds
            guard rest > 0 else { throw .lost("the server did not answer within \(limit.seconds) s") }
            var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let count = poll(&descriptor, 1, CInt(min(rest, 60_000)))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw .lost(String(cString: strerror(errno))) }
        }
    }

    private func lost(_ handle: OpaquePointer, _ result: OpaquePointer? = nil) -> DatabaseError {
        let message =
            result.flatMap { Self.field("M", of: $0) } ?? String(cString: PQerrorMessage(handle)).onOneLine
        return .lost(message.isEmpty ? "the connection was lost" : message)
    }

    private static func refusal(_ result: OpaquePointer) -> DatabaseError {
        .refused(code: field("C", of: result) ?? "XX000", message: field("M", of: result) ?? "no reason given")
    }

    /// A field of a message, by its letter (https://www.postgresql.org/docs/15/protocol-error-fields.html).
    private static func field(_ letter: Unicode.Scalar, of result: OpaquePointer) -> String? {
        PQresultErrorField(result, CInt(letter.value)).map { String(cString: $0).onOneLine }
    }
}

extension String {
    /// The text with its line ends turned into blanks, and none at its end.
    var onOneLine: String {
        split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
    }
}

extension Duration {
    /// The whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }

    /// The seconds, for a sentence.
    var seconds: String {
        milliseconds.isMultiple(of: 1_000) ? "\(milliseconds / 1_000)" : "\(Double(milliseconds) / 1_000)"
    }
}
