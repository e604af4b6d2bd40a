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
  weak var watch: (any RunWatch)?
  let waits = Waits()
  private var random: SplitMix
  private var live: [Int64: LiveRun] = [:]
  private var commands: [EngineCommand] = []
  /// Runs in hand whose cancellation was asked for.
  private var cancelled: Set<Int64> = []
  /// What callers wait for. The shell takes a copy before each group, because a rollback undoes only records.
  private(set) var followed: [Int64: OriginProgress] = [:]
  /// The run whose segment executed last: whom to blame when the store gives up under it.
  private(set) var lastExecuted: Int64?

  /// What a caller waits for: the runs that descend from one origin.
  struct OriginProgress {
    /// All, in the order in which they were queued.
    var runs: [Int64] = []
    /// Those that are queued or executing.
    var open: Set<Int64> = []
  }

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
    let deal = try findDeal(request.deal, tx)
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

  /// Executes an automation on a deal, whatever its trigger.
  /// - Parameter requestID: the caller's own id of this wish, as in `TransitionRequest`.
  public func demand(
    automation name: String, deal: String, actor: String, requestID: String? = nil, tx: any StoreTransaction,
    now: Instant
  ) throws -> Transition {
    let automation = try findAutomation(name)
    let deal = try findDeal(deal, tx)
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

  private func executeFirst(of transition: Transition, tx: any StoreTransaction, now: Instant) throws {
    guard let first = transition.runs.first, try tx.headOfLane(first.dealID)?.id == first.id else { return }
    try execute(first, tx: tx, now: now)
  }

  /// Executes the next segment that is queued anywhere, or in one lane.
  /// - Returns: false when there is none.
  public func step(lane dealID: Int64? = nil, tx: any StoreTransaction, now: Instant) throws -> Bool {
    let next: RunRow?
    if let dealID {
      next = try tx.headOfLane(dealID)
    } else {
      next = try tx.nextQueued()
    }
    guard let next, next.status == .queued else { return false }
    try execute(next, tx: tx, now: now)
    return true
  }

  /// Executes the next segment of the lanes in which followed runs wait.
  public func stepFollowed(tx: any StoreTransaction, now: Instant) throws -> Bool {
    for origin in followed.keys.sorted() {
      for id in followed[origin]?.open.sorted() ?? [] {
        guard let run = try tx.run(id), run.status == .queued, let head = try tx.headOfLane(run.dealID),
          head.status == .queued
        else { continue }
        try execute(head, tx: tx, now: now)
        return true
      }
    }
    return false
  }

  /// Queues what the clock has woken.
  public func wakeDue(tx: any StoreTransaction, now: Instant) throws {
    for run in try tx.dueRuns(now: now, limit: 256) {
      if run.status == .waiting {
        try answerWait(run, Waits.expired, tx: tx, now: now)
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
  public func answer(
    runID: Int64, segment: Int, _ result: Result<Value, ServiceFailure>, tx: any StoreTransaction, now: Instant
  ) throws {
    guard var run = try tx.run(runID), run.status == .running, run.segment == segment + 1,
      var row = try tx.journal(of: runID).first(where: { $0.segment == segment }), var step = row.step,
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
      if case .transient(let retryAfter) = failure.kind, step.attempts <= programs.present.declaration.limits.retries {
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
    if cancelled.remove(runID) != nil {
      discard(runID)
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

  /// Takes a failed or cancelled run up again.
  /// - Parameters:
  ///   - sameScript: with the sources that it was queued with, not the present ones.
  ///   - restart: from the top, forgetting what its journal knows; keys stay.
  ///   - requestID: the caller's own id of this wish, as in `TransitionRequest`.
  public func retry(
    runID: Int64, sameScript: Bool, restart: Bool, force: Bool, requestID: String? = nil, actor: String = "",
    tx: any StoreTransaction, now: Instant
  ) throws -> RunRow {
    guard var run = try tx.run(runID) else { throw EngineFault(.notFound, "there is no run \(runID)") }
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
      guard programs.present.automations.contains(where: { $0.name == run.automation }) else {
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
    run.warnings = []
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
    guard let run = try tx.run(runID) else { throw EngineFault(.notFound, "there is no run \(runID)") }
    switch run.status {
    case .cancelled:
      return run
    case .succeeded, .failed:
      throw EngineFault(.refused, "run \(runID) is \(run.status.rawValue) already")
    case .running:
      cancelled.insert(runID)
      return run
    case .queued, .waiting, .retrying:
      return try finish(
        run, .cancelled, fault: RunFault(kind: "cancelled", message: "cancelled by hand"), tx: tx, now: now)
    }
  }

  // MARK: Outputs

  /// What is to be done after the commit; empties the list.
  public func takeCommands() -> [EngineCommand] {
    defer { commands.removeAll(keepingCapacity: true) }
    return commands
  }

  /// Forgets everything that a rolled back transaction may have made untrue.
  /// - Parameter followed: what callers waited for when the transaction began.
  func reset(followed: [Int64: OriginProgress]? = nil) {
    for run in live.values { run.execution.discard() }
    live.removeAll()
    commands.removeAll()
    programs.forgetBundles()
    if let followed { self.followed = followed }
  }

  /// Scripts or declarations have changed: later events see the new ones.
  public func replace(version: WorkspaceVersion) { programs.replace(present: version) }

  public var version: WorkspaceVersion { programs.present }

  /// Whether no command waits to be carried out.
  var isQuiet: Bool { commands.isEmpty }

  // MARK: Progress of an origin

  /// Keeps count of the runs that descend from a transition, until `takeRuns`.
  func follow(_ transition: Transition) {
    var progress = followed[transition.origin] ?? OriginProgress()
    for run in transition.runs where !progress.runs.contains(run.id) { progress.runs.append(run.id) }
    progress.open.formUnion(transition.runs.filter { $0.status == .queued || $0.status == .running }.map(\.id))
    followed[transition.origin] = progress
  }

  /// Whether all runs of an origin have ended, are parked, or have their next attempt scheduled. What memory says is
  /// checked against the records, because a rollback undoes only those.
  public func isSettled(origin: Int64, tx: any StoreTransaction) throws -> Bool {
    guard let open = followed[origin]?.open, !open.isEmpty else { return true }
    let still = try open.filter { id in
      let status = try tx.run(id)?.status
      return status == .queued || status == .running
    }
    followed[origin]?.open = still
    return still.isEmpty
  }

  /// The runs of an origin, in the order in which they were queued; its caller is answered now.
  public func takeRuns(origin: Int64) -> [Int64] { followed.removeValue(forKey: origin)?.runs ?? [] }

  func noteQueued(_ run: RunRow) {
    guard var progress = followed[run.origin] else { return }
    if !progress.runs.contains(run.id) { progress.runs.append(run.id) }
    progress.open.insert(run.id)
    followed[run.origin] = progress
  }

  private func noteSettled(_ run: RunRow) { followed[run.origin]?.open.remove(run.id) }

  // MARK: Segments

  /// Executes one segment of a run from its journal.
  private func execute(_ run: RunRow, tx: any StoreTransaction, now: Instant) throws {
    let journal = run.segment > 0 ? try tx.journal(of: run.id) : []
    let live: LiveRun
    do {
      let version = try programs.version(bundle: run.bundleID, tx)
      guard let automation = version.automation(file: run.file, place: run.place)
        ?? version.automations.first(where: { $0.name == run.automation })
      else {
        let reason = version.problems.first { $0.file == run.file }.map { ": \($0.message)" } ?? ""
        throw EngineFault(.brokenScript, "\(run.file) does not declare \(run.automation)\(reason)")
      }
      let host = try RunHost(
        core: self, version: version, run: run, journal: journal.filter { $0.segment < run.segment }, tx: tx, now: now)
      let event = try tx.event(run.eventID)?.data ?? .null
      let seed = UInt64(bitPattern: run.seed)
      live = LiveRun(
        execution: version.program.start(
          automation, argument: run.dealID.map { RecordRef(.deal, $0) }, event: event, host: host,
          budget: budget(version), randomSeed: (Int64(bitPattern: seed), Int64(run.id))),
        host: host)
    } catch let fault as EngineFault {
      try fail(run, entries: [], RunFault(kind: "error", message: fault.message), tx: tx, now: now)
      return
    }
    try segment(of: live, tx: tx, now: now) { try live.execution.begin() }
  }

  /// Promise 2: what a script writes between two steps is in one savepoint, with its journal.
  private func segment(
    of live: LiveRun, tx: any StoreTransaction, now: Instant, _ body: () throws -> ScriptOutcome
  ) throws {
    let host = live.host
    lastExecuted = host.run.id
    let before = watch?.begin(runID: host.run.id)
    var outcome = ScriptOutcome.finished
    var fault: RunFault?
    do {
      defer { if let before { watch?.end(before) } }
      outcome = try tx.savepoint { try body() }
    } catch let failure as ScriptFailure {
      fault = RunFault(failure)
    } catch where Self.isRunsOwn(error) {
      // A record that can't be read costs the run that reads it, and no other.
      fault = RunFault(kind: "error", message: "\(error)")
    }
    if let fault {
      live.execution.discard()
      // What the segment queued was rolled back with it.
      for run in host.caused { forgetQueued(run) }
      return try fail(host.run, entries: host.entries, fault, tx: tx, now: now)
    }
    switch outcome {
    case .finished:
      live.execution.discard()
      try writeEnd(host, tx: tx)
      try finish(host.run, .succeeded, fault: nil, tx: tx, now: now)
    case .suspended:
      try suspend(live, tx: tx, now: now)
    }
  }

  /// Whether an error that no script sees is the matter of one run, not of the store under all of them.
  private static func isRunsOwn(_ error: any Error) -> Bool {
    switch error {
    case let error as StoreError: [.corrupted, .constraint, .notFound].contains(error.kind)
    case is DryRunStop, is DryRunNeedsRead: false
    default: true
    }
  }

  /// The last segment needs no replay: only what it did to services is kept.
  private func writeEnd(_ host: RunHost, tx: any StoreTransaction) throws {
    let steps = host.entries.filter { $0.step?.isEffect == true }
    if steps.isEmpty { return }
    try tx.write(
      JournalRow(runID: host.run.id, segment: host.run.segment, entries: JournalEntry.encode(steps), step: nil))
  }

  private func suspend(_ live: LiveRun, tx: any StoreTransaction, now: Instant) throws {
    let host = live.host
    var run = host.run
    switch host.suspension {
    case .step(let step, let call, let failure):
      let segment = run.segment
      var step = step
      run.status = .running
      run.segment += 1
      if failure != nil {
        step.attempts = 1
        run.attempts = 1
      }
      try tx.write(
        JournalRow(runID: run.id, segment: segment, entries: JournalEntry.encode(host.entries), step: step))
      if let failure {
        live.execution.discard()
        var after: TimeSpan?
        if case .transient(let given) = failure.kind { after = given }
        try scheduleRetry(run, failure, after: after, tx: tx, now: now)
        return
      }
      try tx.update(run)
      keep(live, run)
      commands.append(.call(StepCall(runID: run.id, segment: segment, call: call)))
    case .unanswered(let step):
      run.status = .running
      try tx.update(run)
      keep(live, run)
      let parts = step.name.split(separator: ".", maxSplits: 1).map(String.init)
      let call = OperationCall(
        service: parts[0], operation: parts.count > 1 ? parts[1] : "", arguments: step.arguments, key: step.key,
        dealID: run.dealID, author: host.author, now: step.begunAt)
      commands.append(.call(StepCall(runID: run.id, segment: run.segment - 1, call: call)))
    case .wait(let target, let until):
      live.execution.discard()
      let step = JournalRow.Step(
        kind: .wait, name: JournalEntry.waitTag(target), key: "run:\(run.id)/wait:\(run.segment + 1)", hash: "",
        arguments: until.map { .object([ValueField("until", .instant($0))]) } ?? .null, begunAt: now)
      try tx.write(
        JournalRow(runID: run.id, segment: run.segment, entries: JournalEntry.encode(host.entries), step: step))
      run.segment += 1
      run.status = .waiting
      run.wakeTopic = Waits.topic(of: target)
      run.dueAt = until
      try tx.update(run)
      noteSettled(run)
    case nil:
      live.execution.discard()
      try fail(
        run, entries: host.entries,
        RunFault(kind: "error", message: "the script yielded outside of a step; coroutine.yield works inside coroutines only"),
        tx: tx, now: now)
    }
  }

  private func keep(_ live: LiveRun, _ run: RunRow) {
    if mode.replaysAlways {
      live.execution.discard()
    } else {
      live.host.run = run
      self.live[run.id] = live
    }
  }

  private func discard(_ runID: Int64) { live.removeValue(forKey: runID)?.execution.discard() }

  private func forgetQueued(_ run: RunRow) {
    followed[run.origin]?.open.remove(run.id)
    followed[run.origin]?.runs.removeAll { $0 == run.id }
  }

  // MARK: Waking, failing, ending

  /// Wakes the runs that wait for a topic.
  func wake(topic: String, tx: any StoreTransaction, now: Instant) throws {
    for run in try tx.waitingRuns(topic: topic) { try answerWait(run, Waits.reached, tx: tx, now: now) }
  }

  private func answerWait(_ run: RunRow, _ answer: Value, tx: any StoreTransaction, now: Instant) throws {
    if var row = try tx.journal(of: run.id).first(where: { $0.segment == run.segment - 1 }), var step = row.step {
      step.state = .answered
      step.answer = answer
      step.answeredAt = now
      row.step = step
      try tx.write(row)
    }
    noteQueued(try tx.requeue(run))
  }

  /// Exponential backoff with jitter: 1 s, 2 s, 4 s … at most an hour, each between half and all of it, and never
  /// sooner than the service asked for.
  private func scheduleRetry(
    _ run: RunRow, _ failure: ServiceFailure, after: TimeSpan?, tx: any StoreTransaction, now: Instant
  ) throws {
    discard(run.id)
    let full = min(3_600_000, Int64(1000) << min(Int64(max(0, run.attempts - 1)), 20))
    let pause = full / 2 + Int64(random.next() % UInt64(full / 2 + 1))
    var run = run
    run.status = .retrying
    run.dueAt = try now.adding(TimeSpan(milliseconds: max(pause, after?.milliseconds ?? 0)))
    run.error = RunFault(kind: "transient", message: failure.message).json.text(pretty: false)
    try tx.update(run)
    noteSettled(run)
  }

  private func fail(
    _ run: RunRow, entries: [JournalEntry], _ fault: RunFault, tx: any StoreTransaction, now: Instant
  ) throws {
    if !entries.isEmpty {
      try tx.write(
        JournalRow(runID: run.id, segment: run.segment, entries: JournalEntry.encode(entries), step: nil))
    }
    let ended = try finish(run, .failed, fault: fault, tx: tx, now: now)
    for listener in try dispatcher.reportFailure(of: ended, fault: fault, tx: tx, now: now) { noteQueued(listener) }
  }

  @discardableResult
  func finish(
    _ run: RunRow, _ status: RunStatus, fault: RunFault?, tx: any StoreTransaction, now: Instant
  ) throws -> RunRow {
    var run = run
    run.status = status
    run.wakeTopic = nil
    run.dueAt = nil
    run.error = fault?.json.text(pretty: false)
    run.finishedAt = now
    try tx.update(run)
    noteSettled(run)
    commands.append(.ended(run))
    return run
  }

  /// Ends a run that took a process down with it.
  public func failCrashed(runID: Int64, message: String, tx: any StoreTransaction, now: Instant) throws {
    guard let run = try tx.run(runID), !run.status.isFinished else { return }
    try fail(run, entries: [], RunFault(kind: "crash", message: message), tx: tx, now: now)
  }

  // MARK: Look-ups

  func findDeal(_ name: String, _ tx: any StoreTransaction) throws -> RecordRef {
    if let ref = try tx.find(.deal, key: name) { return ref }
    if let id = Int64(name), let record = try tx.record(RecordRef(.deal, id)) { return record.ref }
    throw EngineFault(.notFound, "there is no deal \"\(name)\"; list them with: coulisse deals list")
  }

  func findAutomation(_ name: String) throws -> AutomationDeclaration {
    if let found = programs.present.automations.first(where: { $0.name == name && !$0.trigger.isGuard }) { return found }
    if programs.present.automations.contains(where: { $0.name == name }) {
      throw EngineFault(.refused, "\(name) is a guard; it runs before a move. Try it with: coulisse deals move DEAL STAGE --dry-run")
    }
    if let problem = programs.present.problems.first(where: { $0.file.hasSuffix("/\(name).lua") }) {
      throw EngineFault(.brokenScript, "\(problem.file) does not load: \(problem.message)")
    }
    let known = programs.present.automations.filter { !$0.trigger.isGuard }.map(\.name).joined(separator: ", ")
    throw EngineFault(.notFound, "there is no automation \"\(name)\"; there are \(known)")
  }

  func budget(_ version: WorkspaceVersion) -> RunBudget { RunBudget(limits: version.declaration.limits) }

  func randomSeed() -> Int64 { Int64(bitPattern: random.next()) }

  func seeds() -> (Int64, Int64) { (randomSeed(), randomSeed()) }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough to spread retries and to seed scripts.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
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
