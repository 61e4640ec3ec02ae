import CountersignSQLite
package import CountersignStore

extension StoreAddress {
    /// The driver that opens this store; nobody else knows which storage driver there is.
    package var driver: any StoreDriver {
        switch self {
        case .sqlite(let path): SQLiteDriver(path: path)
        }
    }

    /// The file beside which lock, log and control socket lie.
    var path: String {
        switch self {
        case .sqlite(let path): path
        }
    }
}
