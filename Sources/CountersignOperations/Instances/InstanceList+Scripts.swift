import CountersignCore
package import CountersignStore

/// What the scripts beside the rules tell: they are files of each instance, and should be the same ones.
extension InstanceList {
    /// How the scripts of an instance compare with those of the others that are up.
    package enum Scripts: String, Sendable {
        /// All have the same.
        case same

        /// It has others than most, or there is none that most have.
        case differ

        /// It says nothing of them, or is down.
        case unknown
    }

    /// How the scripts of an instance of the list compare with those of the others.
    package func scripts(of instance: InstanceRecord) -> Scripts {
        guard instance.isUp(at: at), let own = instance.report.scripts else { return .unknown }
        let all = instances.filter { $0.isUp(at: at) }.compactMap(\.report.scripts)
        let likeOurs = all.count { $0 == own }
        // Where most agree, those are right that do; where it is even, nobody knows.
        return likeOurs == all.count || likeOurs * 2 > all.count ? .same : .differ
    }

    /// What is wrong where they differ and what to do, as a clause.
    package static let scriptAdvice =
        "the files beside the rules, such as scripts, are not the same on all instances: deploy the same everywhere"

    /// Whether the scripts of instances differ.
    package var scriptsDiffer: Bool { instances.contains { scripts(of: $0) == .differ } }

    /// The instances that are up with a hash of their scripts, for a sentence.
    package var scriptVersions: String {
        instances.filter { $0.isUp(at: at) }
            .map { "\($0.name.printable) \($0.report.scripts.map { String($0.prefix(12)) } ?? "unknown")" }
            .joined(separator: ", ")
    }
}
