import CRM
import Scripting
import Services
import Store

/// Executing a run segment by segment: from its journal, to the next step, a wait, or its end.
extension EngineCore {
  /// Executes one segment of a run from its journal.
  func execute(_ run: RunRow, tx: any StoreTransaction, now: Instant) throws {
    if run.cancelAsked {
      // It was in the middle of a step when its process ended.
      try cancelAfterStep(run, try tx.journal(of: run.id, segment: run.segment - 1)?.step, tx: tx, now: now)
      return
    }
    let live: LiveRun
    do {
      live = try prepare(run, with: programs.version(bundle: run.bundleID, tx), tx: tx, now: now)
    } catch let fault as EngineFault {
      try fail(run, entries: [], RunFault(kind: "error", message: fault.message), tx: tx, now: now)
      return
    }
    try segment(of: live, tx: tx, now: now) { try live.execution.begin() }
  }

  /// A run's script, ready to be executed from the top over its journal.
  /// - Throws: `EngineFault.brokenScript` when these sources have no such automation.
  func prepare(
    _ run: RunRow, with version: WorkspaceVersion, tx: any StoreTransaction, now: Instant
  ) throws -> LiveRun {
    // By name, which is one automation's alone: a retry with edited sources finds it wherever it stands now.
    guard let automation = version.automations.first(where: { $0.name == run.automation && !$0.trigger.isGuard }) else {
      let reason = version.problems.first { $0.file == run.file }.map { ": \($0.message)" } ?? ""
      throw EngineFault(.brokenScript, "\(run.file) does not declare \(run.automation)\(reason)")
    }
    let journal = run.segment > 0 ? try tx.journal(of: run.id).filter { $0.segment < run.segment } : []
    let host = try RunHost(core: self, version: version, run: run, journal: journal, tx: tx, now: now)
    let event = try tx.event(run.eventID)?.data ?? .null
    return LiveRun(
      execution: version.program.start(
        automation, argument: run.dealID.map { RecordRef(.deal, $0) }, event: event, host: host,
        budget: budget(version), randomSeed: (run.seed, run.id)),
      host: host)
  }

  /// Promise 2: what a script writes between two steps is in one savepoint, with its journal.
  func segment(
    of live: LiveRun, tx: any StoreTransaction, now: Instant, _ body: () throws -> ScriptOutcome
  ) throws {
    let host = live.host
    lastExecuted = host.run.id
    let before = watch?.begin(runID: host.run.id)
    var outcome = ScriptOutcome.finished
    var fault: RunFault?
    do {
      defer { if let before { watch?.end(before) } }
      outcome = try undoing {
        try tx.savepoint {
          let outcome = try body()
          if outcome == .finished, let left = host.leftInJournal { throw LeftInJournal(words: left) }
          return outcome
        }
      }
    } catch let failure as ScriptFailure {
      fault = RunFault(failure)
    } catch let spent as HostMemoryFault {
      fault = RunFault(
        kind: "memory_limit",
        message: "the fields, notes and texts that the run writes need more than its memory of \(spent.megabytes) MB")
    } catch let left as LeftInJournal {
      // A script that ends before its journal does has left out what was done already.
      fault = RunFault(
        kind: ScriptFailure.Kind.diverged.rawValue,
        message: "the script no longer does what its journal says: \(left.words). "
          + "Start it over with: coulisse runs retry \(host.run.id) --restart")
    } catch where Self.isRunsOwn(error) {
      // A record that can't be read costs the run that reads it, and no other.
      fault = RunFault(kind: "error", message: "\(error)")
    }
    if let fault {
      live.execution.discard()
      return try fail(host.run, entries: host.entries, fault, tx: tx, now: now)
    }
    switch outcome {
    case .finished:
      live.execution.discard()
      // First the end, so that a run that was queued in this commit is written as what it has become.
      try finish(host.run, .succeeded, fault: nil, tx: tx, now: now)
      try writeEnd(host, tx: tx)
    case .suspended:
      try suspend(live, tx: tx, now: now)
    }
  }

  /// Puts back what memory says of runs when a savepoint undoes what the records say.
  func undoing<T>(_ body: () throws -> T) rethrows -> T {
    let before = (followed: followed, commands: commands.count, consequences: consequences)
    do {
      return try body()
    } catch {
      followed = before.followed
      consequences = before.consequences
      commands.removeLast(max(0, commands.count - before.commands))
      throw error
    }
  }

  /// Whether an error that no script sees is the matter of one run, not of the store under all of them.
  private static func isRunsOwn(_ error: any Error) -> Bool {
    switch error {
    case let error as StoreError: [.corrupted, .constraint, .notFound].contains(error.kind)
    case is DryRunNeedsRead: false
    default: true
    }
  }

  /// The last segment needs no replay: only what it did is kept, not what it read.
  private func writeEnd(_ host: RunHost, tx: any StoreTransaction) throws {
    let deeds = host.entries.filter(\.isDeed)
    if deeds.isEmpty { return }
    try tx.write(
      JournalRow(runID: host.run.id, segment: host.run.segment, entries: JournalEntry.encode(deeds), step: nil))
  }

  private func suspend(_ live: LiveRun, tx: any StoreTransaction, now: Instant) throws {
    let host = live.host
    var run = host.run
    switch host.suspension {
    case .step(let step, let call, let options, let failure):
      let segment = run.segment
      var step = step
      run.status = .running
      run.segment += 1
      run.attempts = failure == nil ? 0 : 1
      step.attempts = run.attempts
      try tx.write(
        JournalRow(runID: run.id, segment: segment, entries: JournalEntry.encode(host.entries), step: step))
      if let failure {
        live.execution.discard()
        try scheduleRetry(run, of: call.service, failure, tx: tx, now: now)
        return
      }
      try ask(StepCall(runID: run.id, segment: segment, call: call, options: options), of: run, live, tx: tx, now: now)
    case .unanswered(let step, let options):
      run.status = .running
      let parts = step.name.split(separator: ".", maxSplits: 1).map(String.init)
      let call = OperationCall(
        service: parts[0], operation: parts.count > 1 ? parts[1] : "", arguments: step.arguments, key: step.key,
        dealID: run.dealID, author: host.author, now: step.begunAt)
      try ask(
        StepCall(runID: run.id, segment: run.segment - 1, call: call, options: options, attempt: step.attempts + 1),
        of: run, live, tx: tx, now: now)
    case .wait(let target, let parking):
      live.execution.discard()
      let step = JournalRow.Step(
        kind: .wait, name: JournalEntry.waitTag(target), key: "run:\(run.id)/wait:\(run.segment + 1)", hash: "",
        arguments: parking.arguments, begunAt: now)
      try tx.write(
        JournalRow(runID: run.id, segment: run.segment, entries: JournalEntry.encode(host.entries), step: step))
      run.segment += 1
      try park(run, parking, host.version, tx: tx, now: now)
    case .stillWaiting(let parking):
      live.execution.discard()
      try park(run, parking, host.version, tx: tx, now: now)
    case nil:
      live.execution.discard()
      try fail(
        run, entries: host.entries,
        RunFault(kind: "error", message: "the script yielded outside of a step; coroutine.yield works inside coroutines only"),
        tx: tx, now: now)
    }
  }

  private func park(
    _ run: RunRow, _ parking: Parking, _ version: WorkspaceVersion, tx: any StoreTransaction, now: Instant
  ) throws {
    var run = run
    run.status = .waiting
    run.wakeTopic = parking.wakeTopic
    run.dueAt = parking.until
    try tx.update(run)
    try tx.note(topics: parking.topics, of: run.id)
    followed.noteSettled(run)
    try meetLaterEntries(run, version, tx: tx, now: now)
  }

  /// The deal may have come in again before this run had come to its wait; then what a second entry does while the first
  /// run waits is done now. Otherwise both would wait, for one answer.
  private func meetLaterEntries(
    _ run: RunRow, _ version: WorkspaceVersion, tx: any StoreTransaction, now: Instant
  ) throws {
    guard let deal = run.dealID, let automation = version.automations.first(where: { $0.name == run.automation })
    else { return }
    let open = try tx.openRuns([.queued, .running, .retrying, .waiting], of: deal)
    let later = open.filter { $0.automation == run.automation && $0.id > run.id }
    if later.isEmpty { return }
    switch automation.whileWaiting {
    case .replace:
      try finish(run, .cancelled, fault: Self.replaced, tx: tx, now: now)
    case .ignore:
      let fault = RunFault(kind: "cancelled", message: "an earlier run of the automation waits, so this one is not needed")
      for run in later where run.status == .queued { try finish(run, .cancelled, fault: fault, tx: tx, now: now) }
    }
    for run in takeConsequences() { noteQueued(run) }
  }

  static let replaced = RunFault(kind: "cancelled", message: "replaced by a later entry of the deal")

  /// - Parameter isLong: it will take long until the answer comes.
  func keep(_ live: LiveRun, _ run: RunRow, isLong: Bool = false) {
    if mode.replaysAlways || isLong {
      live.execution.discard()
    } else {
      live.host.run = run
      self.live[run.id] = live
    }
  }

  func discard(_ runID: Int64) { live.removeValue(forKey: runID)?.execution.discard() }
}

/// A replay came to its end before its journal did.
private struct LeftInJournal: Error {
  var words: String
}
