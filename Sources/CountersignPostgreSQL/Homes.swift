import CountersignStore

/// Runs whose steps left files on a machine stay with the instance there, as long as it comes back in time.
enum Homes {
    /// How long an instance may be away before the others take over its runs.
    static let patience = "10 minutes"

    /// The condition that a run may be claimed by the instance of the parameter `name`.
    ///
    /// `time` is the parameter of the caller's time; where it is NULL, the database's counts.
    static func claimable(by name: String, at time: String) -> String {
        """
        (home is null or home = any (array(
            select h.name from @.homes h where h.name = \(name)::text
                or h.seen_at <= coalesce(\(time)::timestamptz, clock_timestamp()) - interval '\(patience)'
        )))
        """
    }

    /// Says that an instance is there.
    static func arrive(_ name: String) -> Statement {
        Statement(
            """
            insert into @.homes (name, seen_at) values ($1::text, clock_timestamp())
            on conflict (name) do update set seen_at = excluded.seen_at
            """,
            [.text(name)]
        )
    }
}
