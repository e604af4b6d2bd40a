import CRM
import Scripting
import Services
import Store

/// Steps: services are asked as far as they can bear it, and what they answer, or that they do not, is noted.
extension EngineCore {
  func policy(of service: String) -> CallPolicy { programs.present.declaration.calls(of: service) }

  // MARK: Asking

  /// Makes the call of a step that is in the journal: now, in its turn, or when its service can be asked again.
  func ask(
    _ call: StepCall, of run: RunRow, _ live: LiveRun, tx: any StoreTransaction, now: Instant
  ) throws {
    let service = call.call.service
    let admission = try gates.admit(call, policy(of: service), now: now)
    switch admission {
    case .now, .queued:
      try tx.update(run)
      keep(live, run, isLong: gates[service].queue.count > ServiceGates.keptAlive)
      if admission == .now { commands.append(.call(call)) }
    case .later(let moment):
      live.execution.discard()
      try park(run, until: moment, "\(service) takes its next calls at \(moment)", tx: tx)
    case .held:
      live.execution.discard()
      try hold(run, service, because: nil, tx: tx)
    }
  }

  /// Makes the queued calls whose turn has come.
  func releaseCalls(tx: any StoreTransaction, now: Instant) throws {
    for service in gates.names {
      while let call = gates.next(of: service, policy(of: service), now: now) {
        // A run that was ended meanwhile asks nothing any more.
        if let run = try tx.run(call.runID), run.status == .running, run.segment == call.segment + 1 {
          commands.append(.call(call))
        } else {
          gates.end(service, run: call.runID)
        }
      }
    }
  }

  private static let releasedAtOnce = 256

  /// Lets one run in the name of all ask a service that is down, and all go on when it answers.
  func releaseHeld(tx: any StoreTransaction, now: Instant) throws {
    for (service, _) in try tx.holdingServices() { try releaseHeld(by: service, tx: tx, now: now) }
  }

  private func releaseHeld(by service: String, tx: any StoreTransaction, now: Instant) throws {
    guard let outage = gates[service].outage else {
      for run in try tx.heldRuns(by: service, limit: Self.releasedAtOnce) { noteQueued(try tx.requeue(run)) }
      return
    }
    guard outage.probing == nil, outage.nextProbe <= now, let run = try tx.heldRuns(by: service, limit: 1).first
    else { return }
    gates[service].outage?.probing = run.id
    noteQueued(try tx.requeue(run))
  }

  /// When the clock alone makes something happen next.
  func nextTime(tx: any StoreTransaction, everything: Bool) throws -> Instant? {
    let holding = everything ? try tx.holdingServices().map(\.service) : []
    let ofGates = gates.nextTime(
      underWayLimit: { self.policy(of: $0).atOnce }, isHolding: { holding.contains($0) })
    let ofRuns = everything ? try nextDue(tx: tx) : nil
    return [ofGates, ofRuns].compactMap { $0 }.min()
  }

  /// Whether held runs of services that answer again are still to be queued.
  func hasHeldToRelease(tx: any StoreTransaction) throws -> Bool {
    try tx.holdingServices().contains { gates[$0.service].outage == nil }
  }

  // MARK: Answers

  /// The service's answer to a step, or its failure. It may come late, twice, or for a step that is over: then it
  /// changes nothing, except that a late success still answers a step that is to be tried again.
  public func answer(_ answer: StepAnswer, tx: any StoreTransaction, now: Instant) throws {
    let call = answer.call
    let service = call.call.service
    let policy = policy(of: service)
    var answersAgain = false
    switch answer.result {
    case .failure where answer.isLate: return
    case .failure(let failure):
      gates.end(service, run: call.runID)
      guard case .transient(let retryAfter) = failure.kind else {
        answersAgain = gates.noteAnswer(service)
        break
      }
      let dropped = try gates.noteFailure(service, run: call.runID, retryAfter: retryAfter, policy, now: now)
      for call in dropped {
        guard let run = try tx.run(call.runID), run.status == .running else { continue }
        discard(run.id)
        try hold(run, service, because: failure, tx: tx)
      }
    case .success:
      if !answer.isLate { gates.end(service, run: call.runID) }
      answersAgain = gates.noteAnswer(service)
    }
    if answersAgain {
      try releaseHeld(by: service, tx: tx, now: now)
      // Those that failed before it was known need not sit their pauses out.
      for run in try tx.backingOffRuns(of: service, limit: Self.releasedAtOnce) { noteQueued(try tx.requeue(run)) }
    }
    try note(answer, policy, tx: tx, now: now)
    try releaseCalls(tx: tx, now: now)
  }

  /// A group with this answer could not be committed for the run's own reasons: the call is over all the same.
  func giveUp(_ call: StepCall) { gates.end(call.call.service, run: call.runID) }

  private func note(_ answer: StepAnswer, _ policy: CallPolicy, tx: any StoreTransaction, now: Instant) throws {
    let call = answer.call
    guard var run = try tx.run(call.runID), !run.status.isFinished, run.segment == call.segment + 1,
      var row = try tx.journal(of: call.runID, segment: call.segment), var step = row.step, step.state == .begun,
      step.key == call.call.key, step.name == call.call.name
    else { return }
    let resumption: Result<Value, HostFailure>
    switch answer.result {
    case .success(let value):
      // A further attempt that waits for its turn need not be made.
      if answer.isLate { _ = gates.withdraw(run.id) }
      step.state = .answered
      step.attempts = max(step.attempts, call.attempt)
      step.answer = value
      resumption = .success(value)
    case .failure(let failure):
      guard run.status == .running, call.attempt == step.attempts + 1 else { return }
      step.attempts += 1
      let isDown = gates[call.call.service].outage != nil
      if !isDown { run.attempts += 1 }
      let most = call.options.retries ?? policy.retries
      if failure.isTransient, !run.cancelAsked, most > 0, isDown || run.attempts <= most {
        row.step = step
        try tx.write(row)
        if isDown {
          discard(run.id)
          try hold(run, call.call.service, because: failure, tx: tx)
        } else {
          try scheduleRetry(run, of: call.call.service, failure, tx: tx, now: now)
        }
        return
      }
      let tries = step.attempts > 1 ? " (after \(step.attempts) attempts)" : ""
      let raised = HostFailure(.permanent, failure.message + tries)
      step.state = .failed
      step.answer = FailureCodec.value(raised)
      resumption = .failure(raised)
    }
    step.answeredAt = now
    row.step = step
    try tx.write(row)
    run.attempts = 0
    if step.name.hasPrefix("signature.") { try wakeForClosedRequests(of: run.dealID, tx: tx, now: now) }
    if run.status == .waiting { return }
    if run.status != .running {
      // Its lane is somebody else's now, so it queues for it.
      if run.status == .retrying { noteQueued(try tx.requeue(run)) }
      return
    }
    if run.cancelAsked { return try cancelAfterStep(run, step, tx: tx, now: now) }
    if let live = live.removeValue(forKey: run.id) {
      live.host.beginSegment(tx: tx, now: now, run: run)
      try self.segment(of: live, tx: tx, now: now) { try live.execution.resume(resumption) }
    } else {
      try execute(run, tx: tx, now: now)
    }
  }

  /// Ends a run whose cancellation was asked for while it was in the middle of a step.
  func cancelAfterStep(_ run: RunRow, _ step: JournalRow.Step?, tx: any StoreTransaction, now: Instant) throws {
    discard(run.id)
    // Sent for a run that will not come to its wait.
    if let step, step.state == .answered, case .record(let ref) = step.answer, ref.kind == .signatureRequest,
      try tx.waitingRuns(topic: "\(ref)").isEmpty
    {
      try dispatcher.withdraw(ref, .cancelled, reason: "cancelled by hand", tx: tx, now: now)
      for caused in takeConsequences() { noteQueued(caused) }
    }
    try finish(run, .cancelled, fault: RunFault(kind: "cancelled", message: "cancelled by hand"), tx: tx, now: now)
  }

  /// A service may have taken back an earlier request of the deal for the sake of a new one: whoever waits for that one is
  /// told.
  private func wakeForClosedRequests(of dealID: Int64?, tx: any StoreTransaction, now: Instant) throws {
    for request in try tx.signatureRequests(of: dealID) where !request.state.isOpen {
      for waiting in try tx.waitingRuns(topic: "\(request.ref)") {
        try answerWait(waiting, Waits.answer(request), topic: "\(request.ref)", tx: tx, now: now)
      }
    }
  }

  // MARK: Later

  /// Exponential backoff with jitter, each pause between half and all of its length, and never sooner than the service
  /// asked for.
  func scheduleRetry(
    _ run: RunRow, of service: String, _ failure: ServiceFailure, tx: any StoreTransaction, now: Instant
  ) throws {
    let policy = policy(of: service)
    discard(run.id)
    let full = ServiceGates.pause(run.attempts, policy).milliseconds
    let pause = full / 2 + Int64(random.next() % UInt64(full / 2 + 1))
    var after: TimeSpan?
    if case .transient(let given) = failure.kind { after = given }
    let moment = try now.adding(TimeSpan(milliseconds: max(pause, after?.milliseconds ?? 0)))
    try park(run, until: moment, of: service, failure.message, tx: tx)
  }

  /// Gives the lane back until the clock says so.
  private func park(
    _ run: RunRow, until moment: Instant, of service: String? = nil, _ reason: String, tx: any StoreTransaction
  ) throws {
    var run = run
    run.heldBy = service
    run.status = .retrying
    run.dueAt = moment
    run.error = RunFault(kind: "transient", message: reason).json.text(pretty: false)
    try tx.update(run)
    followed.noteSettled(run)
  }

  /// Gives the lane back until the service answers somebody.
  private func hold(
    _ run: RunRow, _ service: String, because failure: ServiceFailure?, tx: any StoreTransaction
  ) throws {
    var run = run
    run.status = .retrying
    run.dueAt = nil
    run.heldBy = service
    let since = gates[service].outage.map { " since \($0.since)" } ?? ""
    let last = failure.map { " (\($0.message))" } ?? ""
    run.error = RunFault(
      kind: "transient", message: "\(service) is down\(since)\(last); the run goes on by itself when it answers"
    ).json.text(pretty: false)
    try tx.update(run)
    followed.noteSettled(run)
  }
}
