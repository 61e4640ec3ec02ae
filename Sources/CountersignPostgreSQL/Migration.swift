/// A change of the schema that is made while instances of this program and of the one before work on it.
package struct Migration: Sendable {
    /// What it does.
    enum Work: Sendable {
        /// Statements that are one transaction.
        case statements([String])

        /// An index that is built while others write: outside of transactions, so it is looked at first what an attempt
        /// before has left.
        case index(name: String, definition: String)
    }

    let work: Work

    /// How many migrations a program must know from now on to evaluate events and execute runs; nil where nothing changes.
    let leastProgram: Int?

    /// How many it must know to store callbacks; nil where nothing changes.
    let leastIntake: Int?

    /// Statements that are one transaction.
    ///
    /// - Parameters:
    ///   - statements: With `@.` before each table of the store.
    ///   - leastProgram: How many migrations a program must know from now on to evaluate events and execute runs.
    ///   - leastIntake: How many it must know to store callbacks.
    /// - Returns: The migration.
    package static func statements(
        _ statements: [String],
        leastProgram: Int? = nil,
        leastIntake: Int? = nil
    ) -> Migration {
        Migration(work: .statements(statements), leastProgram: leastProgram, leastIntake: leastIntake)
    }

    /// An index that is built while others write.
    ///
    /// - Parameters:
    ///   - name: Its name, without the schema.
    ///   - definition: What it is on, such as `@.events (name)`.
    /// - Returns: The migration.
    package static func index(_ name: String, on definition: String) -> Migration {
        Migration(work: .index(name: name, definition: definition), leastProgram: nil, leastIntake: nil)
    }

    /// The statements that it carries out, for who examines them.
    package var sql: [String] {
        switch work {
        case .statements(let statements): statements
        case .index(let name, let definition): ["create index concurrently \(name) on \(definition)"]
        }
    }
}

/// The places of a migration at which a program may end, and after which it is repeated.
package enum MigrationStep: Sendable, CaseIterable {
    /// It is this program that migrates, and nothing is changed.
    case locked
    /// The schema is changed; an index is there for good.
    case changed
    /// It is written down that it is changed, and not committed.
    case recorded
}

/// The migrations that a program knows.
package struct MigrationPlan: Sendable {
    /// Those of this program.
    package static let published = MigrationPlan(Migrations.published)

    /// In their order; the schema has the number of the last one that was made.
    package let migrations: [Migration]

    /// Called at each step of each migration, by its number; what it throws ends the migration there.
    let reaching: @Sendable (Int, MigrationStep) throws -> Void

    /// A plan; `reaching` is called at each step of each migration, and what it throws ends the migration there.
    package init(
        _ migrations: [Migration],
        reaching: @escaping @Sendable (_ number: Int, _ step: MigrationStep) throws -> Void = { _, _ in }
    ) {
        self.migrations = migrations
        self.reaching = reaching
    }

    /// The number of the schema that a program with this plan makes.
    package var version: Int { migrations.count }
}
