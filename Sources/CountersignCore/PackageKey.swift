/// What tells a package from those of all accounts: its id, behind the name of the account where that has one.
///
/// Ids of packages have no slash, so `prod/9sKh…` is the package of one account only.
package enum PackageKey {
    /// The key of the package that a payload is about; nil where it is about none.
    package static func of(_ payload: JSON, in account: String) -> String? {
        payload.packageID.map { of($0, in: account) }
    }

    /// The id of the package that has this key in an account.
    package static func id(of key: String, in account: String) -> String {
        account.isEmpty || !key.hasPrefix(account + "/") ? key : String(key.dropFirst(account.count + 1))
    }

    /// The key of a package of an account.
    package static func of(_ id: String, in account: String) -> String {
        account.isEmpty ? id : account + "/" + id
    }
}
