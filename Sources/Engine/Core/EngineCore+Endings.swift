import CRM
import Scripting
import Services
import Store

/// What becomes of a run between and after its segments: woken, tried again, failed, ended.
extension EngineCore {
  /// Wakes the runs that wait for a topic, and answers with them. Whoever woke them is behind all that they cause from
  /// here, so that runs that wake each other in a circle stop too (promise 6).
  /// - Throws: `EngineFault.loop`.
  func wake(
    topic: String, answer: Value = Waits.reached, cause: Cause, tx: any StoreTransaction, now: Instant
  ) throws -> [RunRow] {
    try tx.waitingRuns(topic: topic).map { run in
      try answerWait(run, answer, topic: topic, path: cause.path, tx: tx, now: now)
    }
  }

  /// - Parameter topic: what has happened; nil when the time is over.
  @discardableResult
  func answerWait(
    _ run: RunRow, _ answer: Value, topic: String?, path: String = "", tx: any StoreTransaction, now: Instant
  ) throws -> RunRow {
    try noteAnswer(answer, topic: topic, ofWaitBefore: run, tx: tx, now: now)
    var run = run
    // A person and the clock begin a new path.
    run.path = try LoopGuard(limits: programs.present.declaration.limits)
      .extend(path, automation: run.automation, dealID: run.dealID)
    run = try tx.requeue(run)
    noteQueued(run)
    return run
  }

  /// Writes the answer of the wait that ended a run's last segment into its journal.
  /// - Returns: the answer as the script gets it.
  @discardableResult
  func noteAnswer(
    _ answer: Value, topic: String?, ofWaitBefore run: RunRow, tx: any StoreTransaction, now: Instant
  ) throws -> Value {
    guard var row = try tx.journal(of: run.id, segment: run.segment - 1), var step = row.step
    else { return answer }
    step.state = .answered
    step.answer = Parking(step).answer(answer, topic: topic)
    step.answeredAt = now
    row.step = step
    try tx.write(row)
    return step.answer
  }

  /// The requests whose answers a parked run waits for.
  func awaitedRequests(_ run: RunRow, _ tx: any StoreTransaction) throws -> [RecordRef] {
    if let request = Waits.request(topic: run.wakeTopic) { return [request] }
    return run.status == .waiting ? try tx.topics(of: run.id).compactMap { Waits.request(topic: $0) } : []
  }

  private static let undoneEntries = 200

  func fail(
    _ run: RunRow, entries: [JournalEntry], _ fault: RunFault, tx: any StoreTransaction, now: Instant
  ) throws {
    // What was undone is for the reader only: its last part, and of long texts the beginning, is enough.
    let entries = entries.suffix(Self.undoneEntries).map(\.shortened)
    if !entries.isEmpty {
      try tx.write(
        JournalRow(runID: run.id, segment: run.segment, entries: JournalEntry.encode(entries), step: nil))
    }
    let ended = try finish(run, .failed, fault: fault, tx: tx, now: now)
    followed.add(try dispatcher.reportFailure(of: ended, fault: fault, tx: tx, now: now), causedBy: ended)
  }

  @discardableResult
  func finish(
    _ run: RunRow, _ status: RunStatus, fault: RunFault?, tx: any StoreTransaction, now: Instant
  ) throws -> RunRow {
    var run = run
    let awaited = status == .cancelled ? try awaitedRequests(run, tx) : []
    run.status = status
    run.wakeTopic = nil
    run.dueAt = nil
    run.heldBy = nil
    run.cancelAsked = false
    run.error = fault?.json.text(pretty: false)
    run.finishedAt = now
    try tx.update(run)
    followed.noteSettled(run)
    gates.forget(run.id)
    commands.append(.ended(run))
    // Nobody is to sign what nobody waits for any more.
    for awaited in awaited where try tx.waitingRuns(topic: "\(awaited)").isEmpty {
      try dispatcher.withdraw(awaited, .cancelled, reason: fault?.message, tx: tx, now: now)
    }
    return run
  }

  /// Ends a run that took a process down with it.
  public func failCrashed(runID: Int64, message: String, tx: any StoreTransaction, now: Instant) throws {
    guard let run = try tx.run(runID), !run.status.isFinished else { return }
    try fail(run, entries: [], RunFault(kind: "crash", message: message), tx: tx, now: now)
  }
}

extension RunFault {
  /// A script's failure as it is kept.
  init(_ failure: ScriptFailure) {
    self.init(
      kind: failure.kind.rawValue, message: failure.message, script: failure.script, line: failure.line,
      sourceLine: failure.sourceLine, traceback: failure.traceback)
  }
}
