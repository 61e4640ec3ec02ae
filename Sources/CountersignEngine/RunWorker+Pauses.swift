import CountersignCore
import CountersignRules
import CountersignStore

/// Runs of what is paused.
extension RunWorker {
    /// What keeps a rule from being executed for an event; nil where nothing does.
    ///
    /// A paused account does not keep back what the program itself tells about it, so that alerts arrive.
    func pause(of event: Event, _ rule: Rule) -> Pause? {
        let ofAccount = SystemEvent(rawValue: event.name) == nil ? pauses?.pause(of: .account(event.account)) : nil
        return ofAccount ?? pauses?.pause(of: .rule(rule.id))
    }

    /// Lets go of a run whose account or rule is paused; resuming that makes it due.
    func wait(for pause: Pause, of rule: Rule, at context: RunContext) async throws {
        let wait = RunWait(
            destination: pause.subject.waitDestination ?? "",
            reason: pause.waitReason,
            isForPause: true
        )
        try await release(to: .waiting(wait, dueAt: pause.end(at: clock.now)), nil, at: context)
    }

    /// Makes the runs due that wait for the end of a pause, where it has ended.
    ///
    /// Who resumed it while this instance still knew of the pause, or between the look at it and the wait, saw no run that
    /// waited; without this the run would wait until somebody looks for it.
    func makeDueUnlessPaused(_ wait: RunWait) async throws {
        guard let pauses else { return }
        try await pauses.refresh()
        guard !pauses.isPaused(waitDestination: wait.destination) else { return }
        let woken = try await store.wake(waitingFor: wait.destination, limit: .max, at: clock.now)
        if woken > 0 { store.queued.notify() }
    }
}
