import CLibpq
import CountersignCore
import CountersignOutbound
import Foundation
import Glibc
import Synchronization

/// A connection that runs one statement and is closed behind it; only one thread uses it.
///
/// It never waits longer than a moment without looking whether the step was cancelled.
final class QueryConnection {
    /// How long it waits at a time, in milliseconds.
    private static let moment: CInt = 100

    /// How many bytes of rows are kept.
    private static let keptBytes = 256 * 1_024

    private let target: QueryTarget
    private let isCancelled: @Sendable () -> Bool
    private var handle: OpaquePointer?

    init(_ target: QueryTarget, isCancelled: @escaping @Sendable () -> Bool) {
        self.target = target
        self.isCancelled = isCancelled
    }

    deinit {
        if let handle { PQfinish(handle) }
    }

    /// Connects and runs the statement.
    ///
    /// - Throws: `StepFailure`.
    func run(_ query: DatabaseQuery) throws(StepFailure) -> DatabaseAnswer {
        let handle = try connect()
        try send(query, on: handle)
        return try answer(to: query, on: handle)
    }

    private func connect() throws(StepFailure) -> OpaquePointer {
        guard let made = target.begin() else { throw StepFailure("libpq has no memory left") }
        handle = made
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard PQstatus(made) != CONNECTION_BAD, state != PGRES_POLLING_FAILED else {
                let reason = ConnectionAdvice.sentence(for: String(cString: PQerrorMessage(made)))
                throw StepFailure("the database \(target.name) cannot be reached: \(reason)", isOutage: true)
            }
            try wait(for: state == PGRES_POLLING_READING ? POLLIN : POLLOUT, on: made)
            state = PQconnectPoll(made)
        }
        guard PQsetnonblocking(made, 1) == 0 else { throw lost(made) }
        return made
    }

    private func send(_ query: DatabaseQuery, on handle: OpaquePointer) throws(StepFailure) {
        guard query.values.count <= 65_535 else { throw .final("there are more values than a statement can have") }
        let values = query.values.map { $0.flatMap { strdup($0) } }
        defer { for value in values { free(value) } }
        let pointers = values.map { UnsafePointer<CChar>($0) }
        // The extended protocol takes one statement, and never reads a value as a part of it.
        let isSent = PQsendQueryParams(handle, query.statement, CInt(values.count), nil, pointers, nil, nil, 0)
        guard isSent == 1, PQsetSingleRowMode(handle) == 1 else { throw lost(handle) }
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                try wait(for: POLLIN | POLLOUT, on: handle)
                guard PQconsumeInput(handle) == 1 else { throw lost(handle) }
            default: throw lost(handle)
            }
        }
    }

    private func answer(to query: DatabaseQuery, on handle: OpaquePointer) throws(StepFailure) -> DatabaseAnswer {
        var rows: [JSON] = []
        var (count, changed, bytes) = (0, 0, 0)
        var failure: StepFailure?
        while let result = try next(handle) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_SINGLE_TUPLE:
                count += 1
                bytes += size(of: result)
                if rows.count < query.keptRows, bytes <= Self.keptBytes { rows.append(row(of: result)) }
            case PGRES_TUPLES_OK: break
            case PGRES_COMMAND_OK: changed = Int(String(cString: PQcmdTuples(result))) ?? 0
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                throw .final("'copy' cannot be run by a step; use a statement that reads or writes rows")
            default: failure = failure ?? refusal(result, handle)
            }
        }
        if let failure { throw failure }
        return DatabaseAnswer(rows: rows, count: max(count, changed))
    }

    private func next(_ handle: OpaquePointer) throws(StepFailure) -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            try wait(for: POLLIN, on: handle)
            guard PQconsumeInput(handle) == 1 else { throw lost(handle) }
        }
        return PQgetResult(handle)
    }

    private func wait(for events: CInt, on handle: OpaquePointer) throws(StepFailure) {
        while true {
            guard !isCancelled() else {
                cancel(handle)
                throw StepFailure("the statement was canceled before the database answered")
            }
            var descriptor = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
            let count = poll(&descriptor, 1, Self.moment)
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw lost(handle) }
        }
    }

    /// Asks the server to end what it does; it may have been done by then.
    private func cancel(_ handle: OpaquePointer) {
        guard let request = PQgetCancel(handle) else { return }
        defer { PQfreeCancel(request) }
        var reason = [CChar](repeating: 0, count: 256)
        _ = PQcancel(request, &reason, CInt(reason.count))
    }

    private func lost(_ handle: OpaquePointer) -> StepFailure {
        let message = String(cString: PQerrorMessage(handle)).onOneLine
        let reason = message.isEmpty ? "the connection was lost" : message
        return StepFailure("the database \(target.name) did not answer: \(reason)", isOutage: true)
    }

    /// Why the server refused the statement; what may pass is worth another try (PostgreSQL's manual, appendix A).
    private func refusal(_ result: OpaquePointer, _ handle: OpaquePointer) -> StepFailure {
        guard let code = field("C", of: result) else { return lost(handle) }
        let message = (field("M", of: result) ?? "").cut(to: 300)
        let isGone = code.hasPrefix("57P") || code.hasPrefix("08") && code != "08P01" || code.hasPrefix("53")
        let isPassing = isGone || ["40", "55", "57", "58"].contains { code.hasPrefix($0) }
        return StepFailure(
            "the database \(target.name) refused: \(message) (SQLSTATE \(code))",
            isWorthRetrying: isPassing,
            isOutage: isGone,
            output: ["sqlstate": .string(code)]
        )
    }

    private func field(_ letter: Unicode.Scalar, of result: OpaquePointer) -> String? {
        PQresultErrorField(result, CInt(letter.value)).map { String(cString: $0).onOneLine }
    }
}

extension QueryConnection {
    /// The first row of a result, an object of its columns.
    private func row(of result: OpaquePointer) -> JSON {
        var object: JSONObject = [:]
        for column in 0..<PQnfields(result) {
            let name = PQfname(result, column).map { String(cString: $0) } ?? "\(column + 1)"
            object[name] = value(of: result, column)
        }
        return .object(object)
    }

    private func size(of result: OpaquePointer) -> Int {
        (0..<PQnfields(result)).reduce(0) { $0 + Int(PQgetlength(result, 0, $1)) }
    }

    /// A value by the type of its column (`pg_type.oid`): numbers, booleans and JSON as such, all else as its text.
    private func value(of result: OpaquePointer, _ column: CInt) -> JSON {
        guard PQgetisnull(result, 0, column) == 0 else { return .null }
        let text = String(cString: PQgetvalue(result, 0, column))
        switch PQftype(result, column) {
        case 16: return .bool(text == "t")
        case 20, 21, 23, 26, 700, 701, 1_700, 114, 3_802:
            // NaN and infinity are no numbers of JSON.
            return (try? JSON(parsing: text)) ?? .string(text)
        default: return .string(text)
        }
    }
}
