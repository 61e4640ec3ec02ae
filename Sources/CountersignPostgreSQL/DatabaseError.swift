import CountersignStore

/// Why a call to the database did not do what it was to do.
enum DatabaseError: Error, Equatable {
    /// The server refused a statement, by the code of its reason (SQLSTATE), and took nothing of the call.
    case refused(code: String, message: String)

    /// The connection cannot be made, or is lost; what was sent last may have been carried out.
    case lost(String)

    /// The server answers, and is not one that this store may be kept on.
    case unfit(StoreError)
}

extension DatabaseError {
    /// Whether the same may succeed when it is tried once more at once: two transactions were in each other's way.
    var isConflict: Bool {
        guard case .refused(let code, _) = self else { return false }
        return code == "40001" || code == "40P01"
    }

    /// Whether the fault may lie in one of several operations, so that the others may succeed without it.
    var mayConcernOneOperation: Bool {
        guard case .refused(let code, _) = self else { return false }
        return !["53", "57", "58", "XX"].contains(code.prefix(2))
    }

    /// Whether the server ends connections, or has no room for them: the same call may succeed later.
    static func endsConnection(_ code: String) -> Bool {
        code.hasPrefix("08") || code.hasPrefix("57P")
    }

    /// What it means for who asked; never holds contents of rows.
    func storeError(on name: String) -> StoreError {
        switch self {
        case .lost(let reason): .unreachable(reason)
        case .unfit(let error): error
        case .refused(let code, let message): Self.refusal(code, message, name)
        }
    }

    private static func refusal(_ code: String, _ message: String, _ name: String) -> StoreError {
        switch code {
        case "53100": .cannotWrite("the disk of the database server is full")
        case "25006": .unreachable("the server of '\(name)' is read-only: it is a standby, or was made one")
        case "42501" where message.contains("for database"):
            .unreadable(
                path: name,
                "the role may not make a schema (\(message)); run: CREATE SCHEMA … AUTHORIZATION … with the name of "
                    + "'postgresql.schema' and the user of 'store'"
            )
        case "42501":
            .unreadable(
                path: name,
                "the role lacks a right (\(message)); make it the owner of the schema, or grant it what is missing"
            )
        case "42P01", "3F000", "42703":
            .unreadable(path: name, "a table of the store is missing (\(message)); restore a backup")
        case _ where StatementNaming.isAboutName(code):
            .unreadable(
                path: name,
                "the pooler in front of the database does not keep prepared statements; set 'postgresql.prepare' to auto"
            )
        case _ where code.hasPrefix("53"): .unreachable("the server has no room left (\(message))")
        // Such a message may quote what was written.
        case _ where code.hasPrefix("22") || code.hasPrefix("23"):
            .cannotWrite("the database refused a value (SQLSTATE \(code))")
        default: .cannotWrite("the database refused: \(message) (SQLSTATE \(code))")
        }
    }
}
