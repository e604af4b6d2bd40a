import CRM
import Engine
import Scripting
import Services
import Store

/// One engine process, but for its threads: the real store, core and loop, on a simulated disk and clock. This is the only
/// place where the simulation meets the engine.
final class SimulatedProcess: RunWatch {
  let store: Store
  private let core: EngineCore
  private let loop: EngineLoop
  private let services: @Sendable (WorkspaceDeclaration) -> ServiceRegistry
  /// Calls that are committed and were not carried out yet, in the order in which they were asked for.
  var calls: [StepCall] = []
  /// Answers that came and were not taken up yet.
  var answers: [StepAnswer] = []
  var mayDoMore = true
  private(set) var nextDue: Instant?
  /// Runs whose segments executed in the last turn, in order.
  private(set) var executed: [Int64] = []
  private var inHand = InHand(runID: 0, since: 0)

  /// How a process is set up.
  struct SetUp {
    var version: WorkspaceVersion
    var services: @Sendable (WorkspaceDeclaration) -> ServiceRegistry
    var unfused: Bool
    var replaysAlways: Bool
    var seed: UInt64
    var clock: () -> Instant
    var beginGroup: () -> (() -> Bool)
  }

  /// Opens the database and recovers what the process before has left.
  init(_ disk: FaultDisk, _ set: SetUp) throws {
    store = try Store(path: disk.database, mode: .readWrite, patience: 0)
    services = set.services
    core = EngineCore(
      version: set.version, services: set.services,
      mode: EngineCore.Mode(unfused: set.unfused, replaysAlways: set.replaysAlways), seed: set.seed)
    loop = EngineLoop(store: store, core: core, scope: .everything, clock: set.clock, beginGroup: set.beginGroup)
    core.watch = self
    try loop.recover(nil)
  }

  /// One group, as the engine's thread has it.
  /// - Returns: what ends the process, if something does.
  func turn(_ jobs: [EngineLoop.Job] = [], answers: [StepAnswer] = []) -> (any Error)? {
    executed.removeAll()
    let turn = loop.turn(jobs: jobs, answers: answers)
    calls += turn.calls
    mayDoMore = turn.more
    nextDue = turn.nextDue
    guard let failure = turn.failure else { return nil }
    executed.removeAll()
    guard EngineLoop.passes(failure) else { return failure }
    self.answers = turn.postponed + self.answers
    mayDoMore = true
    return nil
  }

  /// Asks the service, as a thread of its own would.
  func carryOut(_ place: Int) {
    let call = calls.remove(at: place)
    answers.append(
      StepAnswer(call: call, result: StepPerformer.perform(call.call, services: core.version.services, store: store)))
  }

  func replace(_ version: WorkspaceVersion) { core.replace(version: version) }

  func rehearse(_ request: TransitionRequest, now: Instant) throws {
    _ = try DryRun.transition(
      DryRun.Stage(store: store, version: core.version, services: services), request, now: now)
  }

  /// The process ends in order; whoever still waits is told.
  func end() throws {
    loop.abandon(EngineEnded())
    try store.close()
  }

  // MARK: RunWatch

  func begin(runID: Int64) -> InHand {
    if runID != InHand.aGuard, executed.last != runID { executed.append(runID) }
    defer { inHand = InHand(runID: runID, since: 0) }
    return inHand
  }

  func end(_ before: InHand) { inHand = before }
}
