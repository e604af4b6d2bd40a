import CRM
import Scripting
import Store

/// What the clock wakes, and a clock that is set back. What is parked has the moment at which it is due, so nothing
/// fires twice; but what was parked while the clock was wrong would sleep until that time comes again. So a wait that
/// began later than now begins now: it lasts as long as it was to last.
extension EngineCore {
  /// Queues what the clock has woken.
  public func wakeDue(tx: any StoreTransaction, now: Instant) throws {
    try releaseCalls(tx: tx, now: now)
    try releaseHeld(tx: tx, now: now)
    try mindClock(tx: tx, now: now)
    try fireSchedules(tx: tx, now: now)
    for due in try tx.dueRuns(now: now, limit: 256) {
      // As it is now: what woke a run before this one may have ended or woken it.
      guard let run = try tx.run(due.id), run.status == due.status, let dueAt = run.dueAt, dueAt <= now else { continue }
      // Whatever can't be read of it costs this run and no other.
      lastExecuted = run.id
      if run.status == .waiting {
        // A wait's time-out ends its request, unless somebody else still waits for it.
        if let request = Waits.request(topic: run.wakeTopic),
          try tx.waitingRuns(topic: "\(request)").count == 1,
          try dispatcher.withdraw(request, .expired, reason: nil, tx: tx, now: now)
        {
          for woken in takeConsequences() { noteQueued(woken) }
          continue
        }
        let closed = try closedRequest(of: run, tx)
        try answerWait(run, closed?.answer ?? Waits.expired, topic: closed?.topic, tx: tx, now: now)
      } else {
        noteQueued(try tx.requeue(run))
      }
    }
  }

  /// Smaller steps are the clock being corrected all the time.
  private static let smallestStep = TimeSpan.seconds(1)

  /// Looks whether the clock was set back, here or before this engine began.
  func mindClock(tx: any StoreTransaction, now: Instant) throws {
    let before = lastLook
    lastLook = now
    if let before, before.since(now) <= Self.smallestStep { return }
    let parked = try tx.runsParked(after: now.adding(Self.smallestStep))
    if let before {
      gates.mindClock(now: now)
      commands.append(.note("the clock went back by \(before.since(now)), to \(now)"))
    } else if !parked.isEmpty {
      commands.append(.note("the clock was set back, to \(now)"))
    }
    for id in parked {
      guard var run = try tx.run(id), var row = try tx.journal(of: id, segment: run.segment - 1), var step = row.step
      else { continue }
      if run.status == .waiting {
        let parking = try Parking(step).begun(at: now, insteadOf: step.begunAt)
        run.dueAt = parking.until
        step.arguments = parking.arguments
      } else {
        // A step that is to be tried again may be tried at once.
        run.dueAt = now
      }
      step.begunAt = now
      row.step = step
      try tx.write(row)
      try tx.update(run)
    }
  }

  /// A request that was closed while a run waits for it, perhaps with other things, and by whom nobody was woken.
  func closedRequest(of run: RunRow, _ tx: any StoreTransaction) throws -> (answer: Value, topic: String)? {
    for request in try awaitedRequests(run, tx) {
      if let answer = try waits.state(of: .request(request), tx) { return (answer, "\(request)") }
    }
    return nil
  }
}
