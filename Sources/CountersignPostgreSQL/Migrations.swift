/// How the store's tables come about; a migration that was published is never changed.
///
/// A release adds, the next one uses, the one after removes: two versions of the program run side by side during an
/// update. No migration writes a table again.
enum Migrations {
    static let published = [Migration.statements(first)]

    /// The tables of the first version.
    ///
    /// Texts are compared byte by byte (`collate "C"`): a new version of the system's collations would damage their indexes
    /// without a word.
    private static let first = [
        // copying: names the copy that is being made in this store; null in one that can be used.
        """
        create table @.store (
            id int primary key check (id = 1),
            identity text not null,
            knows_polls bool not null default false,
            copying text,
            -- How many migrations a program must know to evaluate events and execute runs, and to take callbacks in.
            least_program int not null default 1,
            least_intake int not null default 1
        )
        """,
        // Who serves this store, when it was last there, and what it says of itself; a command says nothing.
        """
        create table @.instances (
            id int generated always as identity primary key,
            name text not null,
            started_at timestamptz not null default clock_timestamp(),
            seen_at timestamptz not null default clock_timestamp(),
            version text,
            activation bigint,
            folder text collate "C",
            folder_since timestamptz,
            scripts text collate "C",
            spooled bigint not null default 0,
            clock_offset_ms bigint not null default 0
        )
        """,
        // A stream is what one connection writes: numbers of events and steps grow within it in the order of commits.
        """
        create table @.streams (
            id int generated always as identity primary key,
            instance int,
            -- The session of the server; none where a pooler shares sessions out.
            backend int,
            backend_started_at timestamptz,
            opened_at timestamptz not null default clock_timestamp(),
            closed_at timestamptz
        )
        """,
        "create index streams_open on @.streams (id) where closed_at is null",
        // Numbers are given out in blocks; the program counts within one.
        "create sequence @.event_ids increment 512",
        // Only ever inserted into. origin: 0 callback, 1 poll, 2 manual, 3 rule. package_id: behind the name of the account
        // and a slash, where the account has a name.
        """
        create table @.events (
            id bigint primary key,
            stream int not null,
            account text collate "C" not null default '',
            name text collate "C" not null,
            package_id text collate "C",
            origin smallint not null,
            received_at timestamptz not null,
            body bytea not null,
            body_hash bytea not null
        )
        """,
        "create index events_by_stream on @.events (stream, id)",
        "create index events_by_time on @.events (received_at, id)",
        "create index events_by_name on @.events (name, received_at, id)",
        """
        create index events_by_package on @.events (package_id, received_at, id)
        where package_id is not null
        """,
        // By what a delivery is recognized, and the token of the one that the event is known by; the place keeps those that arrive together in a few pages of the index.
        """
        create table @.event_keys (
            account text collate "C" not null default '',
            place bigint not null,
            key bytea not null,
            event_id bigint not null,
            duplicates int not null default 0,
            token bytea not null,
            primary key (account, place, key)
        ) with (fillfactor = 90)
        """,
        "create unique index event_keys_by_event on @.event_keys (event_id)",
        // What OneSpan Sign said about the package of an event, where a rule asked.
        "create table @.packages (event_id bigint primary key, package bytea not null)",
        // Events that wait to be evaluated.
        """
        create table @.inbox (
            event_id bigint primary key,
            stream int not null,
            arrived_at timestamptz not null default clock_timestamp()
        )
        with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500)
        """,
        "create index inbox_by_stream on @.inbox (stream, event_id)",
        """
        create table @.evaluations (
            event_id bigint primary key,
            rule_set text collate "C",
            evaluated_at timestamptz not null,
            match_set bytea
        )
        """,
        // What replays found; what was found first is an evaluation.
        """
        create table @.replays (
            id bigint generated always as identity primary key,
            event_id bigint not null,
            rule_set text collate "C" not null,
            evaluated_at timestamptz not null,
            match_set bytea not null
        )
        """,
        "create index replays_by_event on @.replays (event_id, id)",
        """
        create table @.quarantine (
            id bigint generated always as identity primary key,
            body bytea not null,
            reason text not null,
            received_at timestamptz not null,
            token bytea unique,
            proof text
        )
        """,
        "create index quarantine_unverified on @.quarantine (id) where proof is not null",
        // Instances with whose machines runs stay, and when each was last there.
        """
        create table @.homes (
            name text collate "C" primary key,
            seen_at timestamptz not null
        ) with (fillfactor = 50)
        """,
        // home: the instance on whose machine its steps left files.
        // state: 0 queued, 1 running, 2 succeeded, 3 failed, 4 discarded, 6 waiting in a step.
        // queue: that of its concurrency key, slot its place among those under way, queue_since its first claim since it has
        // that. A long name is cut in `queue`, which has an index, and is in whole_queue then.
        """
        create table @.runs (
            id bigint generated always as identity primary key,
            event_id bigint not null,
            rule_id text collate "C" not null,
            rule_set text collate "C" not null,
            state smallint not null check (state in (0, 1, 2, 3, 4, 6)),
            due_at timestamptz not null,
            retries int not null default 0,
            created_at timestamptz not null,
            finished_at timestamptz,
            lease text collate "C",
            lease_until timestamptz,
            owner int,
            step_id text collate "C",
            step_attempt int,
            step_started_at timestamptz,
            resume_step text collate "C",
            resume_generation int,
            waiting_for text collate "C",
            wait_reason text,
            home text collate "C",
            part text collate "C" not null default '',
            facts text,
            queue text collate "C",
            whole_queue text,
            slot int,
            queue_limit int,
            queue_holds bool,
            happened_at timestamptz,
            queue_since timestamptz,
            superseded_by bigint,
            check ((state = 1) = (lease is not null and lease_until is not null)),
            check (slot is null or (queue is not null and state in (0, 1, 3, 6))),
            check (queue is null or (queue_limit is not null and queue_holds is not null and happened_at is not null)),
            unique (event_id, rule_id, part)
        ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)
        """,
        "create index runs_due on @.runs (due_at, id) where state in (0, 6) and (queue is null or slot is not null)",
        "create unique index runs_slots on @.runs (queue, slot) where slot is not null",
        "create index runs_holding on @.runs (queue) where slot is not null and state = 3",
        """
        create index runs_queued on @.runs (queue, happened_at, event_id, id)
        where state = 0 and slot is null and queue is not null
        """,
        "create index runs_leased on @.runs (lease) where state = 1",
        "create index runs_expiring on @.runs (lease_until) where state = 1",
        "create index runs_by_state on @.runs (state, id)",
        "create index runs_by_rule on @.runs (rule_id, id)",
        "create index runs_failed on @.runs (rule_id, id) where state = 3",
        "create index runs_by_time on @.runs (created_at)",
        "create index runs_waiting on @.runs (waiting_for, id) where waiting_for is not null",
        // status: 0 succeeded, 1 failed, 2 skipped, 3 interrupted.
        """
        create table @.steps (
            id bigint generated always as identity primary key,
            stream int not null,
            run_id bigint not null references @.runs on delete cascade,
            step_id text collate "C",
            attempt int not null,
            generation int not null,
            status smallint not null,
            is_final bool not null,
            plan text,
            output text,
            reason text,
            started_at timestamptz not null,
            finished_at timestamptz not null
        )
        """,
        "create index steps_by_run on @.steps (run_id, id)",
        "create index steps_by_stream on @.steps (stream, id)",
        // What rules keep for their keys until it is due, or as long as it counts. part: the number of an entry of `after`.
        // Long keys are cut in `key`, which has an index, and are in whole_key then; packages alike.
        """
        create table @.states (
            id bigint generated always as identity primary key,
            rule_id text collate "C" not null,
            key text collate "C" not null,
            whole_key text,
            part text collate "C" not null default '',
            kind text collate "C" not null,
            shape text collate "C" not null,
            event_id bigint,
            package_id text collate "C",
            whole_package_id text,
            opened_at timestamptz not null,
            due_at timestamptz,
            expires_at timestamptz,
            data text not null,
            unique (rule_id, key, part)
        ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)
        """,
        "create index states_due on @.states (due_at, id) where due_at is not null",
        "create index states_expiring on @.states (expires_at, id) where expires_at is not null",
        "create index states_by_package on @.states (package_id, id) where package_id is not null",
        "create index states_by_event on @.states (event_id) where event_id is not null",
        // Events that wait for the next digest of a key.
        """
        create table @.gathered (
            id bigint generated always as identity primary key,
            rule_id text collate "C" not null,
            key text collate "C" not null,
            whole_key text,
            event_id bigint not null,
            unique (rule_id, key, event_id)
        ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)
        """,
        "create index gathered_by_event on @.gathered (event_id)",
        // What became of events at rules with state.
        """
        create table @.decisions (
            id bigint generated always as identity primary key,
            event_id bigint not null,
            rule_id text collate "C" not null,
            part text collate "C" not null default '',
            kind text collate "C" not null,
            facts text not null,
            run_id bigint,
            made_at timestamptz not null
        )
        """,
        "create index decisions_by_event on @.decisions (event_id, id)",
        // What people paused: 'rule', 'destination' or 'everything', which has no name.
        """
        create table @.pauses (
            id bigint generated always as identity primary key,
            subject text collate "C" not null,
            name text collate "C" not null,
            paused_by text not null,
            reason text,
            since timestamptz not null,
            until timestamptz,
            unique (subject, name)
        )
        """,
        """
        create table @.rule_sets (
            version text collate "C" primary key,
            sources text not null,
            stored_at timestamptz not null
        )
        """,
        // Rule sets in the order in which they were activated; the last one is active.
        """
        create table @.activations (
            number bigint primary key,
            rule_set text collate "C" not null,
            since timestamptz not null,
            instance text not null,
            reason text not null
        )
        """,
        "create index activations_by_rule_set on @.activations (rule_set, number)",
        "create table @.key_values (key text collate \"C\" primary key, value text not null)",
        // Who does the work of which one instance at a time does; without a lease nobody does.
        """
        create table @.singletons (
            name text collate "C" primary key,
            holder text not null,
            term bigint not null,
            until timestamptz not null,
            lease text collate "C"
        )
        """,
        // The destinations that are down, for all instances; probe_until: until when one of them tries it. Empty in good times.
        """
        create table @.destinations (
            destination text collate "C" primary key,
            open_until timestamptz not null,
            opened_at timestamptz not null,
            openings int not null,
            probe_until timestamptz
        )
        """,
        // What came of the commands of operators, so that one that is sent again is not carried out again.
        """
        create table @.commands (
            token text collate "C" primary key,
            made_at timestamptz not null,
            answer text not null
        )
        """,
        "create index commands_by_time on @.commands (made_at)",
        // A transaction of unknown outcome is asked for by its token.
        """
        create table @.commits (
            token uuid primary key,
            made_at timestamptz not null default clock_timestamp(),
            is_confirmed bool not null default false
        ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)
        """,
        "create index commits_by_time on @.commits (made_at)",
    ]
}
