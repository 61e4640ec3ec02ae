/// The place in a trace from which requests go out and programs start.
///
/// It belongs to the task, so that it reaches requests which an action makes by way of others, such as downloads.
package enum OutgoingTrace {
    /// The name of the header (W3C Trace Context).
    static let header = "traceparent"

    /// The name of the variable of programs (OpenTelemetry, environment variables as carriers).
    package static let variable = "TRACEPARENT"

    /// The value of the header; nil where nothing is traced.
    @TaskLocal package static var traceparent: String?
}
