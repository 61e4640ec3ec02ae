/// Runs `work` to its end even when the task around it is cancelled: a result that exists is recorded.
func shielded<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await Task { try await work() }.value
}
