import CRM
import Scripting
import Services
import Store

/// The engine as a deterministic machine: synchronous calls `(input, now)` that change the store inside the
/// transaction they are handed, and a list of commands for the shell to carry out after the commit. It knows no
/// threads, no clock and no randomness but its seed; one seed gives one history.
///
/// What it holds in memory (scripts that are suspended at a step) is a shortcut only: everything can be taken up
/// again from the journal, so after a failed commit `reset` drops it all.
public final class EngineCore {
  /// How operations are executed.
  public struct Mode {
    /// Every operation is a step of its own, also those that could be fused into the segment.
    public var unfused = false
    /// Suspended scripts are always dropped and replayed.
    public var replaysAlways = false
    /// Dry run: effects answer with their preview, and what a script does is told.
    var tell: ((String) -> Void)?
    /// Dry run: what services of other machines have answered to reads.
    var reads: RehearsedReads?

    public init(unfused: Bool = false, replaysAlways: Bool = false) {
      self.unfused = unfused
      self.replaysAlways = replaysAlways
    }
  }

  /// A script that is suspended at a step and kept in memory until the answer comes.
  struct LiveRun {
    var execution: ScriptExecution
    var host: RunHost
  }

  let programs: Programs
  var mode: Mode
  package weak var watch: (any RunWatch)?
  let waits = Waits()
  var random: SplitMix
  var live: [Int64: LiveRun] = [:]
  var commands: [EngineCommand] = []
  /// Runs in hand whose cancellation was asked for.
  private var cancelled: Set<Int64> = []
  /// What callers wait for. The shell takes a copy before each group, because a rollback undoes only records.
  var followed = FollowedOrigins()
  /// Runs that the end of another run woke or queued, until whoever ended it takes them up.
  var consequences: [RunRow] = []
  /// The process before this one crashed under a run that was not committed yet. So that the next crash can be told from
  /// innocent ones, each segment has a commit of its own.
  var isCautious = false
  /// The run whose segment executed last: whom to blame when the store gives up under it.
  var lastExecuted: Int64?

  /// - Parameter seed: of all random numbers; a new one for each process, a fixed one for a repeatable history.
  public init(
    version: WorkspaceVersion, services: @escaping (WorkspaceDeclaration) -> ServiceRegistry, mode: Mode = Mode(),
    seed: UInt64
  ) {
    programs = Programs(present: version, services: services)
    self.mode = mode
    random = SplitMix(state: seed)
  }

  var dispatcher: Dispatcher { Dispatcher(core: self) }

  // MARK: Inputs

  /// One person's change of a deal, and the first segment of its first run if the lane is free: all in `tx`.
  public func transition(_ request: TransitionRequest, tx: any StoreTransaction, now: Instant) throws -> Transition {
    let deal = try RecordAccess(tx: tx).deal(named: request.deal)
    if let id = request.requestID, let handled = try tx.handled(request: id, of: deal) {
      let transition = try dispatcher.repeated(handled, deal: deal, tx: tx)
      follow(transition)
      return transition
    }
    let transition = try tx.savepoint {
      try dispatcher.transition(
        deal, request.change, cause: Cause(author: Author(actor: request.actor), requestID: request.requestID),
        tx: tx, now: now)
    }
    follow(transition)
    try executeFirst(of: transition, tx: tx, now: now)
    return transition
  }

  /// Executes an automation on a deal, whatever its trigger; without a deal only what is there for being asked for.
  /// - Parameter requestID: the caller's own id of this wish, as in `TransitionRequest`.
  public func demand(
    automation name: String, deal: String?, actor: String, requestID: String? = nil, tx: any StoreTransaction,
    now: Instant
  ) throws -> Transition {
    let automation = try programs.present.automation(named: name)
    guard let deal = try deal.map({ try RecordAccess(tx: tx).deal(named: $0) }) else {
      guard case .demand = automation.trigger else {
        throw EngineFault(.refused, "\(automation.name) needs a deal; name one with --deal")
      }
      let transition = try tx.savepoint {
        try dispatcher.demand(automation, deal: nil, cause: Cause(author: Author(actor: actor)), tx: tx, now: now)
      }
      follow(transition)
      try executeFirst(of: transition, tx: tx, now: now)
      return transition
    }
    if let requestID, let handled = try tx.handled(request: requestID, of: deal) {
      let transition = try dispatcher.repeated(handled, deal: deal, tx: tx)
      follow(transition)
      return transition
    }
    let author = Author(actor: actor)
    let transition = try tx.savepoint {
      if let requestID { try tx.note(request: requestID, of: deal, author: author, at: now) }
      return try dispatcher.demand(automation, deal: deal, cause: Cause(author: author), tx: tx, now: now)
    }
    follow(transition)
    try executeFirst(of: transition, tx: tx, now: now)
    return transition
  }

  /// What a signer has done, as the service tells it: recorded, and an event, whether or not anybody waits for it.
  public func signal(_ signal: SignatureSignal, tx: any StoreTransaction, now: Instant) throws -> Transition {
    let transition = try tx.savepoint { try dispatcher.signal(signal, tx: tx, now: now) }
    follow(transition)
    try executeFirst(of: transition, tx: tx, now: now)
    return transition
  }

  private func executeFirst(of transition: Transition, tx: any StoreTransaction, now: Instant) throws {
    guard !isCautious, let first = transition.runs.first, try tx.headOfLane(first.dealID)?.id == first.id else { return }
    try execute(first, tx: tx, now: now)
  }

  /// Executes the next segment that is queued anywhere.
  /// - Returns: false when there is none.
  public func step(tx: any StoreTransaction, now: Instant) throws -> Bool {
    guard let next = try tx.nextQueued() else { return false }
    try execute(next, tx: tx, now: now)
    return true
  }

  /// Executes the next segment of the lanes in which followed runs wait.
  public func stepFollowed(tx: any StoreTransaction, now: Instant) throws -> Bool {
    for id in followed.openRuns {
      guard let run = try tx.run(id), run.status == .queued, let head = try tx.headOfLane(run.dealID),
        head.status == .queued
      else { continue }
      try execute(head, tx: tx, now: now)
      return true
    }
    return false
  }

  /// Queues what the clock has woken.
  public func wakeDue(tx: any StoreTransaction, now: Instant) throws {
    for due in try tx.dueRuns(now: now, limit: 256) {
      // As it is now: what woke a run before this one may have ended or woken it.
      guard let run = try tx.run(due.id), run.status == due.status, let dueAt = run.dueAt, dueAt <= now else { continue }
      if run.status == .waiting {
        // A wait's time-out ends its request, unless somebody else still waits for it.
        if let request = Waits.request(topic: run.wakeTopic),
          try tx.waitingRuns(topic: "\(request)").count == 1,
          try dispatcher.withdraw(request, .expired, reason: nil, tx: tx, now: now)
        {
          for woken in takeConsequences() { noteQueued(woken) }
          continue
        }
        let closed = try Waits.request(topic: run.wakeTopic).flatMap { try waits.state(of: .request($0), tx) }
        try answerWait(run, closed ?? Waits.expired, tx: tx, now: now)
      } else {
        noteQueued(try tx.requeue(run))
      }
    }
  }

  /// A process that held the engine before has ended: what it had in hand is queued again, at its place.
  public func recover(tx: any StoreTransaction) throws {
    for var run in try tx.openRuns([.running], limit: nil) {
      run.status = .queued
      try tx.update(run)
    }
  }

  /// The service's answer to a step, or its failure.
  /// - Parameter retries: how often the script wants it tried again; nil: as the workspace says.
  public func answer(
    runID: Int64, segment: Int, _ result: Result<Value, ServiceFailure>, retries: Int? = nil,
    tx: any StoreTransaction, now: Instant
  ) throws {
    guard var run = try tx.run(runID), run.status == .running, run.segment == segment + 1,
      var row = try tx.journal(of: runID, segment: segment), var step = row.step,
      step.state == .begun
    else { return }  // A late or second answer: the step is over.
    step.attempts += 1
    run.attempts = step.attempts
    let resumption: Result<Value, HostFailure>
    switch result {
    case .success(let value):
      step.state = .answered
      step.answer = value
      resumption = .success(value)
    case .failure(let failure):
      let most = retries ?? programs.present.declaration.limits.retries
      if case .transient(let retryAfter) = failure.kind, !cancelled.contains(runID), step.attempts <= most {
        row.step = step
        try tx.write(row)
        try scheduleRetry(run, failure, after: retryAfter, tx: tx, now: now)
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
    if cancelled.remove(runID) != nil {
      discard(runID)
      // Sent for a run that will not come to its wait.
      if case .record(let ref) = step.answer, ref.kind == .signatureRequest, step.state == .answered,
        try tx.waitingRuns(topic: "\(ref)").isEmpty
      {
        try dispatcher.withdraw(ref, .cancelled, reason: "cancelled by hand", tx: tx, now: now)
        for caused in takeConsequences() { noteQueued(caused) }
      }
      try finish(run, .cancelled, fault: RunFault(kind: "cancelled", message: "cancelled by hand"), tx: tx, now: now)
      return
    }
    if let live = live.removeValue(forKey: runID) {
      live.host.beginSegment(tx: tx, now: now, run: run)
      try self.segment(of: live, tx: tx, now: now) { try live.execution.resume(resumption) }
    } else {
      try execute(run, tx: tx, now: now)
    }
  }

  /// A service may have taken back an earlier request of the deal for the sake of a new one: whoever waits for that one is
  /// told.
  private func wakeForClosedRequests(of dealID: Int64?, tx: any StoreTransaction, now: Instant) throws {
    for request in try tx.signatureRequests(of: dealID) where !request.state.isOpen {
      for waiting in try tx.waitingRuns(topic: "\(request.ref)") {
        try answerWait(waiting, Waits.answer(request), tx: tx, now: now)
      }
    }
  }

  /// Takes a failed or cancelled run up again.
  /// - Parameters:
  ///   - sameScript: with the sources that it was queued with, not the present ones.
  ///   - restart: from the top, forgetting what its journal knows; keys stay.
  ///   - requestID: the caller's own id of this wish, as in `TransitionRequest`.
  public func retry(
    runID: Int64, sameScript: Bool, restart: Bool, force: Bool, requestID: String? = nil, actor: String = "",
    tx: any StoreTransaction, now: Instant
  ) throws -> RunRow {
    guard var run = try tx.run(runID) else { throw EngineFault(.notFound, "there is no run \(runID); list them with: coulisse runs list")
    }
    let deal = run.dealID.map { RecordRef(.deal, $0) }
    if let requestID, let deal {
      if try tx.handled(request: requestID, of: deal) != nil {
        noteQueued(run)
        return run
      }
      // Whatever is refused below throws, and this goes with it.
      try tx.note(request: requestID, of: deal, author: Author(actor: actor), at: now)
    }
    guard run.status == .failed || run.status == .cancelled else {
      throw EngineFault(.refused, "run \(runID) is \(run.status.rawValue); only failed and cancelled runs can be retried")
    }
    if !force, let dealID = run.dealID, let later = try tx.runs(of: dealID).last(where: { $0.id > runID && $0.origin != run.origin }) {
      throw EngineFault(
        .refused,
        "deal \(dealID) has later runs (the last is \(later.id), \(later.automation)), so this one may no longer fit; "
          + "retry it all the same with --force")
    }
    if !sameScript {
      guard programs.present.automations.contains(where: { $0.name == run.automation && !$0.trigger.isGuard }) else {
        throw EngineFault(
          .notFound,
          "the scripts have no automation \(run.automation) any more; retry it as it was with --same-script")
      }
      run.bundleID = try programs.presentBundle(tx, now: now)
    }
    if restart {
      try tx.deleteJournal(of: runID, from: 0)
      run.segment = 0
    } else {
      try tx.deleteJournal(of: runID, from: run.segment)
      try reopenLastStep(of: run, tx)
    }
    run.attempts = 0
    run = try tx.requeue(run)
    noteQueued(run)
    return run
  }

  /// A retry asks a step that the service refused again, with the same key: whatever the script made of the refusal was
  /// rolled back with the segment that failed, so nothing rests on it.
  private func reopenLastStep(of run: RunRow, _ tx: any StoreTransaction) throws {
    guard var row = try tx.journal(of: run.id).last, var step = row.step, step.kind == .operation, step.state == .failed
    else { return }
    step.state = .begun
    step.answer = .null
    step.answeredAt = nil
    step.attempts = 0
    row.step = step
    try tx.write(row)
  }

  /// Ends a run: at once when it is queued, waits or backs off, else when the step in hand is answered.
  public func cancel(runID: Int64, tx: any StoreTransaction, now: Instant) throws -> RunRow {
    guard let run = try tx.run(runID) else { throw EngineFault(.notFound, "there is no run \(runID); list them with: coulisse runs list")
    }
    switch run.status {
    case .cancelled:
      return run
    case .succeeded:
      throw EngineFault(.refused, "run \(runID) is \(run.status.rawValue) already")
    case .failed:
      // Nobody will mend it: it is off the list of what is to be done.
      let reason = run.error.map { RunFault(text: $0).message } ?? ""
      return try finish(
        run, .cancelled, fault: RunFault(kind: "cancelled", message: "dismissed by hand; it had failed: \(reason)"),
        tx: tx, now: now)
    case .running:
      cancelled.insert(runID)
      return run
    case .queued, .waiting, .retrying:
      return try finish(
        run, .cancelled, fault: RunFault(kind: "cancelled", message: "cancelled by hand"), tx: tx, now: now)
    }
  }

  func takeConsequences() -> [RunRow] {
    defer { consequences.removeAll() }
    return consequences
  }

  // MARK: Outputs

  /// What is to be done after the commit; empties the list.
  public func takeCommands() -> [EngineCommand] {
    defer { commands.removeAll(keepingCapacity: true) }
    return commands
  }

  /// Forgets everything that a rolled back transaction may have made untrue.
  /// - Parameter followed: what callers waited for when the transaction began.
  func reset(followed: FollowedOrigins? = nil) {
    for run in live.values { run.execution.discard() }
    live.removeAll()
    commands.removeAll()
    consequences.removeAll()
    if let followed { self.followed = followed }
  }

  /// Scripts or declarations have changed: later events see the new ones.
  public func replace(version: WorkspaceVersion) { programs.replace(present: version) }

  public var version: WorkspaceVersion { programs.present }

  /// Whether no command waits to be carried out.
  var isQuiet: Bool { commands.isEmpty }

  // MARK: Progress of an origin

  /// Keeps count of the runs that descend from a transition, until `takeRuns`.
  func follow(_ transition: Transition) { followed.add(transition) }

  /// Whether all runs of an origin have ended, are parked, or have their next attempt scheduled. What memory says is
  /// checked against the records, because a rollback undoes only those.
  func isSettled(origin: Int64, tx: any StoreTransaction) throws -> Bool {
    try followed.isSettled(origin) { id in
      let status = try tx.run(id)?.status
      return status == .queued || status == .running
    }
  }

  /// The runs of an origin, in the order in which they were queued; its caller is answered now.
  func takeRuns(origin: Int64) -> [Int64] { followed.take(origin) }

  func noteQueued(_ run: RunRow) { followed.noteQueued(run) }

  // MARK: Small things

  func budget(_ version: WorkspaceVersion) -> RunBudget { RunBudget(limits: version.declaration.limits) }

  func randomSeed() -> Int64 { Int64(bitPattern: random.next()) }

  func seeds() -> (Int64, Int64) { (randomSeed(), randomSeed()) }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough to spread retries and to seed scripts.
package struct SplitMix {
  package var state: UInt64

  package init(state: UInt64) { self.state = state }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
