import CRM
import Scripting
import Store

/// How a run is to be taken up again.
public struct RetryRequest: Sendable, Hashable {
  /// The run's id.
  public var runID: Int64
  /// With the sources that it was queued with, not the present ones.
  public var sameScript = false
  /// From this step on, counted from 1 as `runs show` counts: results of earlier ones are kept, all later ones are
  /// forgotten and asked again. 1 starts it over. Nil: where it stopped. Keys stay in any case.
  public var from: Int?
  /// Although the deal has later runs.
  public var force = false
  /// Who wants it.
  public var actor = ""
  /// The caller's own id of this wish, as in `TransitionRequest`.
  public var requestID: String?

  /// Where it stopped, with the present sources.
  public init(runID: Int64) { self.runID = runID }
}

/// Runs that are taken up again by hand, and runs that go on with other sources.
extension EngineCore {
  /// Takes a failed or cancelled run up again; also one that succeeded, if it is said from where.
  /// - Throws: `EngineFault`: no such run or step, a run that has not ended, later runs of the deal, an automation that is
  ///   no longer there.
  public func retry(_ request: RetryRequest, tx: any StoreTransaction, now: Instant) throws -> RunRow {
    var run = try known(request.runID, tx)
    let deal = run.dealID.map { RecordRef(.deal, $0) }
    if let id = request.requestID, let deal {
      if try tx.handled(request: id, of: deal) != nil {
        noteQueued(run)
        return run
      }
      // Whatever is refused below throws, and this goes with it.
      try tx.note(request: id, of: deal, author: Author(actor: request.actor), at: now)
    }
    try checkRetry(request, of: run, tx)
    if !request.sameScript { run.bundleID = try bundleOfPresent(for: run, tx, now: now) }
    if let from = request.from {
      run.segment = from - 1
      try tx.deleteJournal(of: run.id, from: run.segment)
    } else {
      try tx.deleteJournal(of: run.id, from: run.segment)
      try reopenLastStep(of: run, tx)
    }
    run.attempts = 0
    run.cancelAsked = false
    run = try tx.requeue(run)
    noteQueued(run)
    return run
  }

  private func checkRetry(_ request: RetryRequest, of run: RunRow, _ tx: any StoreTransaction) throws {
    guard run.status.isFinished else {
      throw EngineFault(.refused, "run \(run.id) is \(run.status.rawValue); only a run that has ended can be retried")
    }
    guard run.status != .succeeded || request.from != nil else {
      throw EngineFault(
        .refused,
        "run \(run.id) is succeeded; do it again with --from STEP, or from the top with --restart. Its changes of records "
          + "are made again; services keep to their keys")
    }
    if let from = request.from, from < 1 || from > max(1, run.segment) {
      let steps = run.segment == 0 ? "no step that can be gone back to; use --restart" : "the steps 1 to \(run.segment)"
      throw EngineFault(.notFound, "run \(run.id) has \(steps), found --from \(from)")
    }
    guard !request.force, let dealID = run.dealID else { return }
    if let later = try tx.runs(of: dealID).last(where: { $0.id > run.id && $0.origin != run.origin }) {
      throw EngineFault(
        .refused,
        "deal \(dealID) has later runs (the last is \(later.id), \(later.automation)), so this one may no longer fit; "
          + "retry it all the same with --force")
    }
  }

  private func known(_ id: Int64, _ tx: any StoreTransaction) throws -> RunRow {
    guard let run = try tx.run(id) else {
      throw EngineFault(.notFound, "there is no run \(id); list them with: coulisse runs list")
    }
    return run
  }

  private func bundleOfPresent(for run: RunRow, _ tx: any StoreTransaction, now: Instant) throws -> Int64 {
    guard programs.present.automations.contains(where: { $0.name == run.automation && !$0.trigger.isGuard }) else {
      throw EngineFault(
        .notFound,
        "the scripts have no automation \(run.automation) any more; retry it as it was with --same-script")
    }
    return try programs.presentBundle(tx, now: now)
  }

  /// A retry asks a step that the service refused again, with the same key: whatever the script made of the refusal was
  /// rolled back with the segment that failed, so nothing rests on it.
  private func reopenLastStep(of run: RunRow, _ tx: any StoreTransaction) throws {
    guard var row = try tx.journal(of: run.id).last, var step = row.step, step.kind == .operation, step.state == .failed
    else { return }
    step.state = .begun
    step.answer = .null
    step.answeredAt = nil
    row.step = step
    try tx.write(row)
  }

  // MARK: Other sources

  /// Lets a run that has not ended go on with the present sources, if its journal replays on them.
  /// - Throws: `EngineFault.refused`, which says where they part.
  public func migrate(runID: Int64, tx: any StoreTransaction, now: Instant) throws -> RunRow {
    var run = try known(runID, tx)
    guard !run.status.isFinished else {
      throw EngineFault(
        .refused, "run \(runID) is \(run.status.rawValue); what has ended is taken up with: coulisse runs retry \(runID)")
    }
    let bundle = try bundleOfPresent(for: run, tx, now: now)
    if bundle == run.bundleID { return run }
    if let difference = try difference(of: run, from: programs.present, tx: tx, now: now) {
      throw EngineFault(
        .refused, "run \(runID) keeps the scripts that it was queued with, because the present ones do not fit its journal: "
          + difference)
    }
    discard(runID)
    run.bundleID = bundle
    try tx.update(run)
    return run
  }

  /// Where a run's journal does not replay on other sources; nil when it does. Nothing of the replay is kept.
  private func difference(
    of run: RunRow, from version: WorkspaceVersion, tx: any StoreTransaction, now: Instant
  ) throws -> String? {
    let live = try prepare(run, with: version, tx: tx, now: now)
    live.host.isOnlyReplayed = true
    let before = watch?.begin(runID: run.id)
    defer {
      live.execution.discard()
      if let before { watch?.end(before) }
    }
    do {
      return try undoing {
        try tx.savepoint {
          let outcome = try live.execution.begin()
          throw ReplayWasTried(difference: outcome == .finished ? live.host.leftInJournal : nil)
        }
      }
    } catch let tried as ReplayWasTried {
      return tried.difference
    } catch is ReplayIsOver {
      return nil
    } catch let failure as ScriptFailure {
      return failure.message
    }
  }
}

/// Rolls a replay back that was made only to see how it goes.
private struct ReplayWasTried: Error {
  var difference: String?
}

/// A script that is only replayed has come to the end of its journal.
struct ReplayIsOver: Error {}
