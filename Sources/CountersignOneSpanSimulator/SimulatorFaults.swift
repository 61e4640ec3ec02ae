import CountersignCore

/// What goes wrong in the simulator on demand; 0 and nil mean never.
package struct SimulatorFaults: Sendable, Equatable {
    /// Every n-th callback is never sent.
    package var loseEvery = 0

    /// Callbacks of these events are never sent.
    package var lose: Set<String> = []

    /// Every n-th callback is sent twice.
    package var doubleEvery = 0

    /// Every n-th callback is sent behind the one that follows it.
    package var swapEvery = 0

    /// Every n-th request to the API is answered with 429.
    package var busyEvery = 0

    /// The first n requests for a package's files are answered with 404.
    package var missingFor = 0

    /// The next n requests that change something are carried out, and answered with 502 as if their answer were lost.
    package var loseAnswers = 0

    /// How long each answer of the API takes.
    package var answerAfter = Duration.zero

    /// No faults at all.
    package init() {}

    var json: JSON {
        [
            "lose": .array(lose.sorted().map { .string($0) }), "lose_every": JSON(loseEvery),
            "double_every": JSON(doubleEvery), "swap_every": JSON(swapEvery),
            "busy_every": JSON(busyEvery), "missing_for": JSON(missingFor),
            "lose_answers": JSON(loseAnswers), "answer_after": .string(answerAfter.text),
        ]
    }

    /// The faults with what `json` names changed; nil when it names something else, or in another form.
    func changed(by json: JSON) -> SimulatorFaults? {
        guard let object = json.object else { return nil }
        var faults = self
        for member in object.members {
            if member.key == "answer_after" {
                guard let wait = member.value.string.flatMap({ Duration(text: $0) }) else { return nil }
                faults.answerAfter = wait
                continue
            }
            if member.key == "lose" {
                guard let names = member.value.array, names.allSatisfy({ $0.string != nil }) else { return nil }
                faults.lose = Set(names.compactMap(\.string))
                continue
            }
            guard let place = Self.counts[member.key], let count = member.value.number?.integer, count >= 0 else {
                return nil
            }
            faults[keyPath: place] = count
        }
        return faults
    }

    private static var counts: [String: WritableKeyPath<SimulatorFaults, Int>] {
        [
            "lose_every": \.loseEvery, "double_every": \.doubleEvery, "swap_every": \.swapEvery,
            "busy_every": \.busyEvery, "missing_for": \.missingFor, "lose_answers": \.loseAnswers,
        ]
    }
}

extension Int {
    /// Whether it is the turn of something that comes every `interval`-th time, counted from 1.
    func isTurn(every interval: Int) -> Bool { interval > 0 && self % interval == 0 }
}
