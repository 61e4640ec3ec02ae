package import CountersignCore
package import CountersignStore
package import Foundation

/// The instances of a store, and the rules that they use.
package struct InstanceList: Sendable, Equatable {
    /// The instance that answers; nil where the store was read without one.
    package let answering: String?

    /// The active rule set; nil before the first one.
    package let activation: Activation?

    /// The instances, by name; those that are gone stay for a day.
    package let instances: [InstanceRecord]

    /// When they were looked at.
    package let at: Date

    /// The instances of a store, as they are at a time.
    package init(answering: String?, activation: Activation?, instances: [InstanceRecord], at: Date) {
        self.answering = answering
        self.activation = activation
        self.instances = instances
        self.at = at
    }

    /// The list with the active rule set.
    package static let shape = Shape<InstanceList>(
        "InstanceList",
        [
            .text("answering") { $0.answering },
            .always("at", .dateTime) { .string($0.at.rfc3339) },
            .always("activation", .nullable(.named("Activation"))) { $0.activation.map(\.json) ?? .null },
            .always("instances", .array(.named("Instance"))) { list in
                .array(list.instances.map { InstanceRecord.shape.json($0) })
            },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of instances")
        self.init(
            answering: try document.optionalText("answering"),
            activation: try document.any("activation")
                .map { (json: JSON) throws(OperationError) in try Activation(json: json) },
            instances: try document.list("instances") { json throws(OperationError) in
                try InstanceRecord(json: json)
            },
            at: try document.time("at")
        )
    }
}

extension InstanceRecord {
    static let shape = Shape<InstanceRecord>(
        "Instance",
        [
            .always("id", .id) { JSON($0.id) },
            .always("name", .string) { .string($0.name) },
            .always("version", .string) { .string($0.report.version) },
            .always("started_at", .dateTime) { .string($0.startedAt.rfc3339) },
            .always("seen_at", .dateTime) { .string($0.seenAt.rfc3339) },
            .always("clock_offset_ms", .integer(minimum: .min, maximum: .max)) { JSON($0.clockOffset.milliseconds) },
            .always("activation", .count) { JSON($0.report.activation) },
            .text("folder") { $0.report.folder?.rawValue },
            .time("folder_since") { $0.report.folderSince?.rfc3339 },
            .text("scripts") { $0.report.scripts },
            .always("runs", .count) { JSON($0.runs) },
            .always("singletons", .array(.string)) { instance in
                .array(instance.singletons.map { .string($0.rawValue) })
            },
            .always("spooled", .count) { JSON($0.report.spooled) },
        ]
    )

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "an instance")
        let report = InstanceReport(
            version: try document.text("version"),
            activation: try document.number("activation"),
            folder: try document.optionalText("folder").map { RuleSetVersion(rawValue: $0) },
            folderSince: try document.optionalTime("folder_since"),
            scripts: try document.optionalText("scripts"),
            spooled: try document.count("spooled")
        )
        self.init(
            id: try document.number("id"),
            name: try document.text("name"),
            startedAt: try document.time("started_at"),
            seenAt: try document.time("seen_at"),
            clockOffset: .milliseconds(try document.number("clock_offset_ms")),
            runs: try document.count("runs"),
            // A newer server may have others.
            singletons: try document.value("singletons") { json in
                json.array.map { $0.compactMap { $0.string.map { Singleton(rawValue: $0) } } }
            },
            report: report
        )
    }
}

extension Activation {
    static let shape = Shape<Activation>(
        "Activation",
        [
            .always("number", .count) { JSON($0.number) },
            .always("rule_set", .string) { .string($0.ruleSet.rawValue) },
            .always("since", .dateTime) { .string($0.since.rfc3339) },
            .always("instance", .string) { .string($0.instance) },
            .always("reason", .choice(Reason.allCases.map(\.rawValue))) { .string($0.reason.rawValue) },
        ]
    )

    /// The activation as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "an activation")
        self.init(
            number: try document.number("number"),
            ruleSet: RuleSetVersion(rawValue: try document.text("rule_set")),
            since: try document.time("since"),
            instance: try document.text("instance"),
            reason: try document.choice("reason")
        )
    }

    /// By whom and why it was activated, as part of a sentence.
    package var cause: String {
        switch reason {
        case .start: "by \(instance.printable) at its start"
        case .folder: "by \(instance.printable), whose folder was changed"
        case .command: "by a command on \(instance.printable)"
        case .agreement: "by \(instance.printable), because the folders of all instances hold it"
        }
    }
}
