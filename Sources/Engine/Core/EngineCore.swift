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
  /// What the clock showed when it was looked at last; nil before that, and after a rollback.
  var lastLook: Instant?
  /// The version whose schedules are those of the records, by the hash of its sources; nil when that is not known.
  var scheduledVersion: String?
  /// What callers wait for.
  var followed = FollowedOrigins()
  /// What services can bear.
  var gates = ServiceGates()
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
      guard automation.trigger.needsNoDeal else {
        throw EngineFault(.refused, "\(automation.name) needs a deal; name one with --deal")
      }
      let transition = try tx.savepoint {
        try dispatcher.demand(automation, deal: nil, cause: Cause(author: Author(actor: actor)), tx: tx, now: now)
      }
      follow(transition)
      try executeFirst(of: transition, tx: tx, now: now)
      return transition
    }
    if automation.trigger.schedule != nil {
      throw EngineFault(.refused, "\(automation.name) runs by the clock and for no deal; leave --deal out")
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

  /// A process that held the engine before has ended: what it had in hand is queued again, at its place.
  public func recover(tx: any StoreTransaction, now: Instant) throws {
    for var run in try tx.openRuns([.running], limit: nil) {
      run.status = .queued
      try tx.update(run)
    }
    for holding in try tx.holdingServices() { gates.takeOver(holding.service, now: now) }
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
      // A call that waits for its turn need not be made.
      if let queued = gates.withdraw(runID) {
        discard(runID)
        return try finish(
          run, .cancelled, fault: RunFault(kind: "cancelled", message: "cancelled by hand, before \(queued.call.name) was asked"),
          tx: tx, now: now)
      }
      var run = run
      run.cancelAsked = true
      try tx.update(run)
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

  /// What it remembers besides the records, and what a rolled back transaction must not change.
  struct Memory {
    var followed: FollowedOrigins
    var gates: ServiceGates
  }

  /// The shell takes a copy before each group, because a rollback undoes only records.
  var memory: Memory {
    get { Memory(followed: followed, gates: gates) }
    set { (followed, gates) = (newValue.followed, newValue.gates) }
  }

  /// Forgets everything that a rolled back transaction may have made untrue.
  /// - Parameter memory: as it was when the transaction began.
  func reset(to memory: Memory? = nil) {
    for run in live.values { run.execution.discard() }
    live.removeAll()
    commands.removeAll()
    consequences.removeAll()
    lastLook = nil
    scheduledVersion = nil
    if let memory { self.memory = memory }
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
