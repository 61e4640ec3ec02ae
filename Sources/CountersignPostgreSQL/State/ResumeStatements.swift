import CountersignCore
import CountersignStore

/// Statements about runs that waited for the end of a pause.
struct ResumeStatements {
    let now: Moment

    /// Ends a pause, whose subject has these parameters, and makes its runs due; it gives whether it was paused, or was still
    /// being resumed.
    func resume(_ subject: Pause.Subject, _ parameters: [Parameter], _ pace: ResumePace?) -> Statement {
        let common: [Parameter] =
            [.time(now), .text(subject.waitDestination), .text(PacedResumption.prefix(of: subject))] + parameters
        guard let pace else { return Statement(Self.ending("u as (\(Self.atOnce))"), common) }
        let wait = PacedResumption.wait(for: subject, pace)
        return Statement(
            Self.ending(Self.spread("(\(Self.choice(for: subject))) and \(Self.isResumed)", from: 6)),
            common + Self.parameters(of: pace.rate, wait)
        )
    }

    private static func ending(_ change: String) -> String {
        """
        with p as (
            delete from @.pauses where subject = $4::text and name = $5::text
            returning until is null or until > $1::timestamptz as holds
        ), before as (
            select 1 from @.runs where waiting_for is not null and starts_with(waiting_for, $3::text) limit 1
        ), \(change)
        select \(isResumed), (select count(*) from u)
        """
    }

    /// Whether it was paused, or was still being resumed.
    private static let isResumed = "(coalesce((select holds from p), false) or exists (select 1 from before))"

    /// Gives the runs of a resumption new due times.
    func spread(_ resumption: PacedResumption) -> Statement {
        Statement(
            "with \(Self.spread("waiting_for = $2::text", from: 3)) select count(*) from u",
            [.time(now), .text(resumption.destination)]
                + Self.parameters(
                    of: resumption.rate,
                    RunWait(destination: resumption.destination, reason: resumption.reason)
                )
        )
    }

    /// What is being resumed at a rate.
    static var paced: Statement {
        Statement(
            """
            select waiting_for, min(wait_reason), count(*), min(due_at), max(due_at) from @.runs
            where waiting_for is not null and starts_with(waiting_for, $1::text)
            group by waiting_for order by waiting_for
            """,
            [.text(PacedResumption.prefix)]
        )
    }

    private static let waits =
        "waiting_for is not null and (waiting_for = $2::text or starts_with(waiting_for, $3::text))"

    private static let atOnce = """
        update @.runs set due_at = $1::timestamptz, waiting_for = null, wait_reason = null where \(waits) returning 1
        """

    /// The runs that waited, and those that nobody claimed during the pause.
    private static func choice(for subject: Pause.Subject) -> String {
        let isUnclaimed = "state = 0 and waiting_for is null and due_at <= $1::timestamptz"
        return switch subject {
        case .destination, .account: waits
        case .rule: "(\(waits)) or (rule_id = $5::text and \(isUnclaimed))"
        // What has a pace of its own and became due during the pause would begin all at once.
        case .everything:
            "(\(waits)) or (state = 0 and due_at <= $1::timestamptz and "
                + "(waiting_for is null or starts_with(waiting_for, '\(PacedResumption.prefix)')))"
        }
    }

    /// Makes the chosen runs due one after another; one that is claimed meanwhile is left to its owner.
    ///
    /// The four parameters from number `first` are those of `parameters(of:_:)`.
    private static func spread(_ chosen: String, from first: Int) -> String {
        """
        w as (
            select id, row_number() over (order by id) - 1 as number from @.runs where \(chosen)
        ), u as (
            update @.runs r set waiting_for = $\(first + 2)::text, wait_reason = $\(first + 3)::text,
                due_at = $1::timestamptz + (w.number * $\(first)::int8 / $\(first + 1)::int8) * interval '1 microsecond'
            from w where r.id = w.id and r.state = 0 returning 1
        )
        """
    }

    private static func parameters(of rate: Rate, _ wait: RunWait) -> [Parameter] {
        [.integer(rate.span.microseconds), .integer(rate.count), .text(wait.destination), .text(wait.reason)]
    }
}

extension PacedResumption {
    /// The resumption of a row.
    init?(_ row: Row, _ clock: DatabaseClock) {
        self.init(
            waitingFor: row.text(0),
            reason: row.optionalText(1) ?? "",
            runs: Int(row.integer(2)),
            next: clock.date(row.time(3)),
            last: clock.date(row.time(4))
        )
    }
}

extension Duration {
    /// The duration in microseconds, rounded down.
    fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
