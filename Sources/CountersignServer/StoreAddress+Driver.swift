package import CountersignOutbound
import CountersignPostgreSQL
import CountersignSQLite
package import CountersignStore
import CountersignTerminal

extension StoreAddress {
    /// The driver that opens this store for the instance of this name; nobody else knows which storage drivers there are.
    ///
    /// - Throws: `UsageError`, which names the setting that is wrong.
    func driver(_ database: DatabaseSettings?, instance: String) throws -> any StoreDriver {
        switch self {
        case .sqlite(let path):
            guard database == nil else {
                throw UsageError(
                    "'postgresql' has settings of a database, and 'store' names a file; remove one of them"
                )
            }
            return SQLiteDriver(path: path)
        case .postgresql(let text):
            do {
                return PostgreSQLDriver(
                    try ConnectionOptions(
                        text,
                        passwordFile: database?.passwordFile,
                        schema: database?.schema ?? ConnectionOptions.defaultSchema,
                        durability: database?.isAsynchronous == true ? .asynchronous : .synchronous,
                        requiresReplica: database?.requiresReplica == true,
                        preparation: database.flatMap { .init(rawValue: $0.preparation) } ?? .auto
                    ),
                    instance: instance
                )
            } catch {
                throw UsageError("\(error)")
            }
        }
    }

    /// The file that is the store; nil where it is on a server.
    package var file: String? {
        switch self {
        case .sqlite(let path): path
        case .postgresql: nil
        }
    }
}

extension StoreAddress {
    /// What runs the statements of steps, wherever the store is.
    package static var databases: any DatabaseQuerying { PostgreSQLQueries() }
}
