import CountersignCore
package import CountersignStore

/// What is pending and paused, asked of a server.
extension RemoteClient {
    /// What is pending: the queues in which runs wait longest, then what is due first.
    package func pending(_ query: PendingQuery) async throws -> PendingList {
        var query = query
        query.limit = min(query.limit, Self.pageSize)
        return try PendingList(json: try await get(["pending"], query.fields))
    }

    /// One thing that is pending, by the number of a state or the name of a queue.
    package func pendingItem(_ id: String) async throws -> PendingDetails {
        try PendingDetails(json: try await get(["pending", id]))
    }

    /// What is paused, the oldest pause first.
    package func pauses() async throws -> PauseList { try PauseList(json: try await get(["pauses"])) }

    /// Cancels something pending, or makes it due at once.
    package func change(
        _ action: PendingChange.Action,
        pending id: String,
        by person: String
    ) async throws -> PendingChange {
        let word = action == .cancel ? "cancel" : "run-now"
        return try PendingChange(
            json: try await json(ServerCall(.post, ["pending", id, word], query: [("by", person)]))
        )
    }

    /// Pauses something.
    ///
    /// - Returns: The pause as it is stored.
    package func pause(_ request: PauseRequest, by person: String) async throws -> Pause {
        try Pause(json: try await json(ServerCall(.post, ["pauses"], body: request.json(by: person).bytes)))
    }

    /// Resumes something, and makes due what waited for it.
    package func resume(_ request: ResumeRequest, by person: String) async throws {
        _ = try await json(ServerCall(.post, ["pauses", "resume"], body: request.json(by: person).bytes))
    }
}

extension PendingQuery {
    fileprivate var fields: [(name: String, value: String?)] {
        [("rule", ruleID), ("package", packageID), ("kind", kind?.rawValue), ("limit", "\(limit)")]
    }
}
