import CountersignCore
import Foundation

extension OneSpanClient {
    private static let pageSize = 100

    /// How often a list that became shorter while it was read is read again.
    private static let rereadings = 3

    /// Reads the packages of a status that were updated at `since` or later, page by page.
    ///
    /// The vendor's own filter has been wrong before, so what it gives is filtered again.
    ///
    /// - Parameters:
    ///   - status: One of the vendor's words, such as `COMPLETED`.
    ///   - since: The earliest time.
    ///   - now: The latest time that is asked for.
    ///   - retry: How often each page is tried.
    ///   - isAdmitted: Whether a limiter has let the requests through.
    ///   - take: Called with each page's packages.
    /// - Throws: `APIFailure`, and what `take` throws.
    func packages(
        _ status: String,
        since: Date,
        until now: Date,
        retry: RetryPolicy = patience,
        isAdmitted: Bool = false,
        _ take: ([JSON]) async throws -> Void
    ) async throws {
        func page(_ query: [(name: String, value: String)]) async throws(APIFailure) -> JSON {
            try await get(["api", "packages"], query, retry: retry, isAdmitted: isAdmitted)
        }
        for reading in 1...Self.rereadings {
            if try await readPages(status, since, now, page, take) { return }
            if reading == Self.rereadings {
                throw APIFailure("the list of \(status) packages changes too fast to be read whole", isPassing: true)
            }
        }
    }

    /// Reads the list; false when packages left it meanwhile, for then others may have moved to a page that was read.
    private func readPages(
        _ status: String,
        _ since: Date,
        _ now: Date,
        _ page: ([(name: String, value: String)]) async throws(APIFailure) -> JSON,
        _ take: ([JSON]) async throws -> Void
    ) async throws -> Bool {
        let names = access.dateParameters.names
        var from = 1
        var firstCount: Int?
        var lastPage: JSON?
        while true {
            let answer = try await page([
                ("query", status), ("from", "\(from)"), ("to", "\(from + Self.pageSize - 1)"),
                (names.start, since.rfc3339), (names.end, now.rfc3339),
            ])
            guard let results = answer["results"]?.array else {
                throw APIFailure("OneSpan Sign answered GET /api/packages without 'results'")
            }
            guard results.isEmpty || results.first?["id"] != lastPage else {
                throw APIFailure("OneSpan Sign keeps returning the same page of GET /api/packages")
            }
            lastPage = results.first?["id"]
            try await take(
                results.filter { $0["updated"]?.string.flatMap { Date(outside: $0) }.map { $0 >= since } ?? true }
            )
            from += results.count
            let count = answer["count"]?.number?.integer
            if let count, count < firstCount ?? count { return false }
            firstCount = firstCount ?? count
            // Without a count, a page that is not full is the last one.
            if results.isEmpty || count.map({ from > $0 }) ?? (results.count < Self.pageSize) { return true }
        }
    }
}

extension OneSpanAccess.DateParameters {
    fileprivate var names: (start: String, end: String) {
        switch self {
        case .sdk: ("startDate", "endDate")
        case .lastUpdated: ("lastUpdatedStartDate", "lastUpdatedEndDate")
        }
    }
}
