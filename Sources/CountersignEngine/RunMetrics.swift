import CountersignCore
import CountersignStore
import Foundation
import Metrics

/// Counts what becomes of runs and of attempts at steps.
package struct RunMetrics: Sendable {
    /// How many rules are distinguished.
    package static let mostRules = 100

    private let rules = BoundedLabels(limit: mostRules)

    /// Counts a run that has ended with these attempts.
    func count(_ run: Run, of event: Event, _ state: Run.State, attempts: Int, at now: Date) {
        Counter(
            label: MetricCatalogue.endedRuns.name,
            dimensions: [("rule", rules.label(for: run.ruleID)), ("result", state.rawValue)]
        )
        .increment()
        let result = [("result", state.rawValue)]
        Timer(label: MetricCatalogue.runTime.name, dimensions: result)
            .record(duration: .milliseconds(max(0, now.milliseconds - event.receivedAt.milliseconds)))
        Recorder(label: MetricCatalogue.runAttempts.name, dimensions: result).record(attempts)
    }

    /// Counts an attempt at a step that took this time.
    func count(stepOf rule: String, action: String, _ result: String, took duration: Duration) {
        Counter(
            label: MetricCatalogue.steps.name,
            dimensions: [("rule", rules.label(for: rule)), ("action", action), ("result", result)]
        )
        .increment()
        Timer(label: MetricCatalogue.stepTime.name, dimensions: [("action", action)]).record(duration: duration)
    }
}
