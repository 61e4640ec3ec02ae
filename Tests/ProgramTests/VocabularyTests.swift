import Foundation
import Testing

/// One word for one thing: names and phrases that were replaced do not come back.
struct VocabularyTests {
    /// Names of types and members, each with the one that took its place.
    private static let names: [(old: String, new: String)] = [
        ("AdminDesk", "AdminService"), ("CallbackDesk", "CallbackHandler"), ("RunWorker.Desk", "RunContext"),
        ("Floor", "WorkerPool"), ("vacate", "release"), ("Lanes", "DestinationLimiter"), ("Admission", "Permit"),
        ("Departure", "ReleaseResult"), ("Bell", "AsyncSignal"), ("Notebook", "KeyValueStore"),
        ("Trouble", "SystemEvent"), ("TroubleBoard", "IncidentReporter"), ("Spell", "Incident"),
        ("Judgement", "EvaluationContext"), ("Verdicts", "MatchSet"), ("Demand", "Requirement"),
        ("Remedy", "Counterfactual"), ("Outlook", "PartialEvaluation"), ("Fate", "ReplayOutcome"),
        ("Deed", "Transition"), ("Letter", "QueuedCallback"), ("Turnstile", "AsyncMutex"),
        ("PackageShelf", "PackageCache"), ("ReplayOrder", "ReplayRequest"), ("PollOrder", "PollRequest"),
        ("RuleStanding", "RuleStatus"), ("Stranger", "UnknownVariable"), ("LateDoor", "DeferredListener"),
        ("HandedSocket", "SocketActivation"), ("HangupWatch", "ReloadSignalService"),
        ("SecondSignal", "StopSignals"), ("MendedBody", "RepairedBody"), ("Happening", "TailEntry"),
        ("RunActivity", "RunCounts"), ("HostileWorld", "InjectionFixture"), ("Workshop", "EngineFixture"),
        ("ProcessZoo", "ProcessIsolationTests"), ("NeighbourTests", "FaultIsolationTests"),
        ("LawTests", "ConditionPropertyTests"),
    ]

    /// Words and phrases that a user met, each with what is said now.
    private static let phrases: [(old: String, new: String)] = [
        ("runs drop", "runs discard"), ("countersign sandbox", "countersign simulator"),
        ("/sandbox/packages", "/simulator/packages"),
        ("waits_for", "waiting_for"), ("waits_because", "wait_reason"), ("in force", "active"),
        ("counts from the next start", "takes effect after a restart"), ("disk.low", "disk.min_free"),
        ("onespan.dates", "onespan.date_parameters"), ("onespan.silence", "onespan.alert_after"),
        ("X_SILENCE", "X_NO_CALLBACKS"), ("X_GAP", "X_EVENT_MISSING"), ("engine.grace", "engine.shutdown_timeout"),
        ("programs.cpu", "process_limits.cpu_time"), ("programs.memory", "process_limits.memory"),
        ("programs.files", "process_limits.open_files"), ("programs.processes", "process_limits.processes"),
        ("OneSpan Sign's side", "OneSpan Sign integration"), ("Tell people", "Notifications"),
        ("Run it for real", "Deployment"), ("Look at it", "Admin UI and API"),
        ("harms nobody", "Fault isolation"), ("Be OneSpan Sign", "Run a local OneSpan Sign simulator"),
        ("on its way again", "retry"), ("left alone", "suppressed, or circuit open"), ("judged", "evaluated"),
        ("judges", "evaluates"), ("judgement", "evaluation"), ("how it fares", "its statistics"),
        ("how they fare", "their statistics"), ("is told", "is reported"), ("are told", "are reported"),
        ("mended", "repaired"), ("put right", "repaired"), ("special signs", "special characters"),
        ("freeMiB", "free"), ("lowMiB", "threshold"), ("breakers_open", "circuits_open"), ("verdict", "result"),
    ]

    /// Files of people's own words: what is here would find itself.
    private static let exceptions = ["Tests/ProgramTests/VocabularyTests.swift"]

    @Test func `no file says what has another word now`() throws {
        var findings: [String] = []
        let patterns = try (Self.names + Self.phrases)
            .map { word in
                let pattern =
                    "(?<![A-Za-z0-9_])" + NSRegularExpression.escapedPattern(for: word.old) + "(?![A-Za-z0-9_])"
                return (word, try NSRegularExpression(pattern: pattern))
            }
        for file in Repository.files() where !Self.exceptions.contains(file) {
            guard let text = try? String(contentsOf: URL(filePath: "\(Repository.path)/\(file)"), encoding: .utf8)
            else {
                continue
            }
            let whole = NSRange(text.startIndex..., in: text)
            for (word, pattern) in patterns {
                for match in pattern.matches(in: text, range: whole) {
                    let line = text.utf16.prefix(match.range.location).count { $0 == 10 } + 1
                    findings.append("\(file):\(line): '\(word.old)' is '\(word.new)'")
                }
            }
        }
        #expect(findings.isEmpty, "\(findings.count) words:\n\(findings.prefix(40).joined(separator: "\n"))")
    }
}
