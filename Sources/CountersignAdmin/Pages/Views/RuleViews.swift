import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation

/// The active rules, and a place to try a payload.
struct RulesView {
    struct Row {
        let id: String
        let href: String
        let isEnabled: Bool
        let summary: String
        let runs: Int
        let failed: Int
        let failedHref: String?
        let file: String
        let isPaused: Bool
    }

    let status: String
    let refusal: String?
    let findings: [String]
    let rules: [Row]
    let hasRules: Bool
    let payload: String

    init(_ status: RuleBook.Status, _ rules: [RuleStatus], payload: String) {
        self.status =
            status.version.map {
                "\(rules.count) rules, set \($0.short), active since \(status.since?.shown ?? "-")."
            }
            ?? "There have never been active rules."
        refusal = status.refusal?.at.shown
        findings = (status.refusal?.findings ?? []).map(\.printableLines)
        self.rules = rules.map { Row($0) }
        hasRules = !rules.isEmpty
        self.payload = payload
    }
}

extension RulesView.Row {
    fileprivate init(_ status: RuleStatus) {
        id = status.id
        href = Address.rule(status.id)
        isEnabled = status.isEnabled
        summary = status.summary ?? ""
        runs = status.statistics.runs
        failed = status.statistics.failed
        failedHref = status.failedHref
        file = status.file
        isPaused = status.pause != nil
    }
}

/// One rule with its source and its last runs.
struct RuleView {
    let id: String
    let summary: String?
    let file: String
    let line: Int
    let isOff: Bool
    let runs: [RunRowView]
    let hasRuns: Bool
    let runsLastDay: Int
    let failed: Int
    let failedHref: String?
    let source: String
    let allHref: String
    let pendingHref: String

    /// By whom it is paused, why and until when; nil where it is not.
    let pause: String?

    init(_ status: RuleStatus, source: String, runs: [RunRow]) {
        id = status.id
        summary = status.summary
        file = status.file
        line = status.line
        isOff = !status.isEnabled
        self.runs = runs.map { RunRowView($0) }
        hasRuns = !runs.isEmpty
        runsLastDay = status.statistics.runs
        failed = status.statistics.failed
        failedHref = status.failedHref
        self.source = source
        allHref = Address.query("/runs", [("rule", id)])
        pendingHref = Address.query("/pending", [("rule", id)])
        pause = status.pause?.circumstances(\.shown)
    }
}

extension RuleStatus {
    /// Where the failed runs are listed; nil where there are none.
    fileprivate var failedHref: String? {
        statistics.failed > 0 ? Address.query("/runs", [("state", "failed"), ("rule", id)]) : nil
    }
}

/// What the rules would do with a payload.
struct DryRunView {
    struct FindingView {
        let holds: Bool
        let word: String
        let text: String
    }

    struct StepView {
        let id: String
        let action: String
        var note: String?
        var plan: String?
    }

    struct Report {
        let id: String
        let matched: Bool
        let outcome: String
        let findings: [FindingView]
        let steps: [StepView]
    }

    let problem: String?
    let summary: String
    let reports: [Report]
    let hasReports: Bool
    let payload: String

    init(payload: String, problem: String) {
        self.problem = problem
        summary = ""
        reports = []
        hasReports = false
        self.payload = payload
    }

    init(payload: String, _ report: DryRunReport) {
        problem = nil
        let (event, reports) = (report.event, report.rules)
        let count = reports.count { $0.isMatch }
        summary = "\(count) of \(reports.count) rules match \(event.name.printable)."
        // Those that match first: they are what was asked for.
        self.reports = (reports.filter(\.isMatch) + reports.filter { !$0.isMatch }).map { Report($0) }
        hasReports = true
        self.payload = payload
    }
}

extension DryRunView.Report {
    fileprivate init(_ report: DryRun.RuleReport) {
        id = report.ruleID
        matched = report.isMatch
        outcome =
            report.isOpen
            ? "may match" : report.isMatch ? "matches" : report.isEnabled ? "does not match" : "disabled"
        findings = report.findings.map { finding in
            let actual = finding.isOpen ? "not known" : finding.actual?.text.printable ?? "absent"
            return DryRunView.FindingView(
                holds: finding.holds && !finding.isOpen,
                word: finding.isOpen ? "?" : finding.holds ? "yes" : "no",
                text: "\(finding.path) \(finding.test.printable)  (is \(actual))"
            )
        }
        steps = report.steps.map { DryRunView.StepView($0) }
    }
}

extension DryRunView.StepView {
    fileprivate init(_ report: DryRun.StepReport) {
        id = report.stepID
        action = report.action
        switch report.outcome {
        case .planned(let planned): plan = planned.shown
        case .skipped: note = "is skipped: its 'if' does not hold"
        case .failing(let failure): note = "would fail: \(failure.reason.printable)"
        }
        if report.isConditional { note = note ?? "if earlier results allow it" }
    }
}
