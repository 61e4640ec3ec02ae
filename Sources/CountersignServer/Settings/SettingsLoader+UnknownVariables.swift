import CountersignActions
import CountersignCore
import CountersignOperations

extension SettingsLoader {
    /// A variable that looks like one of ours, and is none.
    struct UnknownVariable {
        let name: String

        /// The one that was probably meant.
        let near: String?

        /// The warning about it.
        var sentence: String {
            "\(name) is not a known variable" + (near.map { "; did you mean \($0)?" } ?? "")
        }
    }

    /// Those that are no settings, and what steps find in their environment.
    private static let others =
        [
            "COUNTERSIGN_CONFIG", Settings.keyVariable, Settings.oldKeyVariable, Settings.adminTokenName,
            Settings.clientTokenName,
            "COUNTERSIGN_FAIL_POINT", "COUNTERSIGN_MUTANT",
        ] + EventVariables.names

    /// The variables that begin as ours do and that nothing looks at, in the order of their names.
    ///
    /// The secrets that rules name may be variables of any name.
    static func unknownVariables(
        among variables: [String: String],
        secrets: Set<String>?,
        accounts: [AccountSettings]
    ) -> [UnknownVariable] {
        let keys = accounts.flatMap { account in
            [Settings.keyVariable, Settings.oldKeyVariable].map { $0 + account.secretSuffix }
        }
        let known = SettingsDeclaration.leaves.map(\.variable) + others + keys
        return variables.keys
            .filter { $0.hasPrefix("COUNTERSIGN_") && !known.contains($0) && secrets?.contains($0) != true }
            .sorted()
            .map { UnknownVariable(name: $0, near: Suggestion.nearest(to: $0, among: known)) }
    }
}
