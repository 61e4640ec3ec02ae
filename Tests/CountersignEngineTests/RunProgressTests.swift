import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import Foundation
import Testing

/// What comes next, for a rule with two steps, one of `on_failure` and one of `always`.
struct RunProgressTests {
    private let rule = Rule(
        id: "r",
        summary: nil,
        isEnabled: true,
        condition: .all([]),
        steps: [.probe("a"), .probe("b")],
        onFailure: [.probe("f")],
        always: [.probe("z")],
        stepsMeaning: "",
        file: "r.yaml",
        line: 1,
        folder: "/"
    )

    private func progress(_ records: [StepRecord], generation: Int = 0) -> RunProgress {
        RunProgress(rule: rule, generation: generation, records: records)
    }

    @Test func `a new run begins with its first step`() {
        #expect(progress([]).nextName == "a1")
    }

    @Test(
        arguments: [
            (["a+"], "b1"),
            (["a+", "b+"], "z1"),
            (["a+", "b+", "z+"], "succeeded"),
            (["a-"], "a2"),
            (["a-", "a-", "a!"], "f1"),
            (["a!", "f+"], "z1"),
            (["a!", "f!"], "z1"),
            (["a!", "f+", "z+"], "failed"),
            (["a~", "b+"], "z1"),
            (["a?"], "a2"),
            (["a+", "b+", "z!"], "failed"),
        ])
    func `what comes next follows from the records`(records: [String], next: String) {
        #expect(progress(records.map { .sample($0) }).nextName == next)
    }

    @Test(arguments: [(0, nil), (1, nil), (2, 2), (3, 4), (7, 64), (20, 64)] as [(Int, Double?)])
    func `a step that the program did not survive waits from the second time on, longer each time`(
        deaths: Int,
        wait: Double?
    ) {
        let records = Array(repeating: StepRecord.sample("a?"), count: deaths)
        #expect(progress(records).resumption(of: "a") == wait.map { Date(timeIntervalSince1970: 1 + $0) })
        #expect(progress(records).resumption(of: "b") == nil)
    }

    @Test func `a retry by hand resumes at the failed step and keeps what the chain has done`() {
        let first = ["a+", "b!", "f+", "z+"].map { StepRecord.sample($0) }
        #expect(progress(first, generation: 1).nextName == "b2")
        #expect(progress(first + [.sample("b+", generation: 1)], generation: 1).nextName == "z2")
        #expect(progress(first + [.sample("b!", generation: 1)], generation: 1).nextName == "f2")
    }

    @Test(arguments: [
        ("a", ["a+", "b!"], "a2"), ("b", ["a+", "b+"], "b2"), (nil, ["a+", "b+"], "a2"), (nil, ["a~", "b+"], "a2"),
        ("c", ["a+", "b!"], "b2"),
    ])
    func `a run that is done once more from a step forgets what that step and those behind it did`(
        step: String?,
        records: [String],
        next: String
    ) {
        let resumePoint = Run.ResumePoint(stepID: step, generation: 1)
        let progress = RunProgress(
            rule: rule,
            generation: 1,
            resumePoint: resumePoint,
            records: records.map { .sample($0) }
        )
        #expect(progress.nextName == next)
    }

    @Test func `results since the round of the repetition count, also in later rounds`() {
        let resumePoint = Run.ResumePoint(stepID: "a", generation: 1)
        let records: [StepRecord] = [
            .sample("a+"), .sample("b!"), .sample("a+", generation: 1), .sample("b!", generation: 1),
        ]
        #expect(RunProgress(rule: rule, generation: 2, resumePoint: resumePoint, records: records).nextName == "b3")
        #expect(
            RunProgress(rule: rule, generation: 2, resumePoint: resumePoint, records: records).values.members.map(\.key)
                == ["a"]
        )
    }

    @Test func `failures are counted in each round apart`() {
        let records: [StepRecord] = [.sample("a-"), .sample("a!"), .sample("a-", generation: 1)]
        #expect(progress(records).failures(of: "a") == 2)
        #expect(progress(records, generation: 1).failures(of: "a") == 1)
    }

    @Test func `the failure names the step, its reason and its tries`() {
        let failure = progress([.sample("a+"), .sample("b-"), .sample("b!")]).failure
        #expect(failure?.step == "b")
        #expect(failure?.reason == "no")
        #expect(failure?.attempts == 2)
    }

    @Test func `later steps see status and outputs of those before them`() {
        let values = progress([.sample("a+", output: ["path": "x"]), .sample("b~")]).values
        #expect(values["a"] == ["path": "x", "status": "succeeded"])
        #expect(values["b"] == ["status": "skipped"])
    }
}

extension RunProgress {
    /// The next move in one word: the step and the number of the try, or the ending.
    fileprivate var nextName: String {
        switch next {
        case .attempt(let step, let number): "\(step.id)\(number)"
        case .finish(.succeeded): "succeeded"
        case .finish(.failed): "failed"
        case .finish(.queued), .finish(.waiting), .finish(.paused): "queued"
        case .finish(.unmatched), .finish(.cancelled): "taken back"
        }
    }
}

extension Step {
    fileprivate static func probe(_ id: String) -> Step {
        Step(
            id: id,
            action: "probe",
            options: Options(),
            condition: nil,
            timeout: .seconds(30),
            retry: RetryPolicy(),
            continuesOnError: false
        )
    }
}

extension StepRecord {
    /// A record from a letter for the step and a sign: `+` succeeded, `-` failed, `!` failed for good, `~` skipped,
    /// `?` interrupted.
    fileprivate static func sample(_ text: String, generation: Int = 0, output: JSON? = nil) -> StepRecord {
        let statuses: [Character: StepRecord.Status] = [
            "+": .succeeded, "-": .failed, "!": .failed, "~": .skipped, "?": .interrupted,
        ]
        let sign = text.last ?? "+"
        return StepRecord(
            stepID: String(text.dropLast()),
            attempt: 1,
            generation: generation,
            status: statuses[sign] ?? .succeeded,
            isFinal: sign != "-" && sign != "?",
            plan: nil,
            output: output,
            reason: sign == "!" ? "no" : nil,
            startedAt: Date(timeIntervalSince1970: 0),
            finishedAt: Date(timeIntervalSince1970: 1)
        )
    }
}
