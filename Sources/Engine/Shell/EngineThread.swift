import CRM
import CoreMetrics
import Foundation
import Logging
import Scripting
import Services
import Store

/// The engine's own thread, with a stack for deep scripts, and its inbox. Requests come from any thread; answers of
/// services come from the threads that asked them.
///
/// `@unchecked Sendable` is sound: every mutable member is private and is read and written under `condition` only; the
/// loop, the core and its Lua states are locals of `main`, made, used and dropped on the thread itself.
public final class EngineThread: @unchecked Sendable {
  /// How an engine is set up.
  public struct Configuration: Sendable {
    /// A new seed for each process, unless a history is to be repeated.
    public var seed: UInt64 = .random(in: .min ... .max)
    /// Every operation is a step of its own.
    public var unfused = false
    /// Suspended scripts are dropped and replayed.
    public var replaysAlways = false
    /// Executes everything that is queued or due, not only what was asked here.
    public var executesEverything = true
    /// Removes what the workspace no longer keeps of ended runs.
    public var prunes = false
    /// A full disk or another program's lock is waited out, because nobody waits for this engine to end.
    public var outlastsFaults = false
    /// Where ended runs and faults are told. By default nowhere.
    public var log = Logger(label: "coulisse.engine", factory: { _ in SwiftLogNoOpLogHandler() })
    /// Where runs and calls are counted. By default nowhere.
    public var metrics: (any MetricsFactory)?
    /// Called about once a second while an engine stays.
    public var heartbeat: (@Sendable () -> Void)?
    /// What the time is; a test sets its own.
    public var clock: @Sendable () -> Instant = { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    /// An engine as `coulisse work` has it, without logs and metrics.
    public init() {}
  }

  /// Where one answer arrives, once.
  ///
  /// `@unchecked Sendable` is sound: `result` is written before the semaphore is signalled and read after it was waited
  /// for, and the semaphore orders the two.
  private final class Reply: @unchecked Sendable {
    private let arrived = DispatchSemaphore(value: 0)
    private var result: Result<EngineAnswer, any Error> = .failure(EngineEnded())

    func set(_ result: Result<EngineAnswer, any Error>) {
      self.result = result
      arrived.signal()
    }

    func wait() throws -> EngineAnswer {
      arrived.wait()
      return try result.get()
    }
  }

  private let workers = WorkerThreads(limit: 16)
  /// Both the engine's thread and whoever waits for its end wait here, so it is always broadcast.
  private let condition = NSCondition()
  private var jobs: [(request: EngineRequest, reply: Reply)] = []
  private var answers: [StepAnswer] = []
  private var underWay = CallsUnderWay()
  private var stopping = false
  private var ended = false
  private var failure: (any Error)?

  private let store: Store
  private let sources: ScriptSources
  private let configuration: Configuration
  private let watch: RunInHand?
  /// Where to look for scripts that were saved; nil for an engine that does not live long enough.
  private let folder: WorkspaceFolder?
  private let services: @Sendable (WorkspaceDeclaration) -> ServiceRegistry

  /// - Parameters:
  ///   - watch: where the run in hand is named; its verdict on a dead process is carried out first.
  ///   - folder: what is saved there is taken up before the next change of a deal; what does not load is not, and the
  ///     last good version goes on.
  public init(
    store: Store, sources: ScriptSources, configuration: Configuration, watch: RunInHand?, folder: WorkspaceFolder? = nil,
    services: @escaping @Sendable (WorkspaceDeclaration) -> ServiceRegistry = { ServiceRegistry.local($0) }
  ) {
    self.store = store
    self.sources = sources
    self.configuration = configuration
    self.watch = watch
    self.folder = folder
    self.services = services
  }

  /// Starts the thread; it recovers first.
  public func start() {
    let thread = Thread { [self] in main() }
    thread.name = "engine"
    // Deep recursion in a script, and in host callbacks under it, needs more than the usual stack.
    thread.stackSize = 64 << 20
    thread.start()
  }

  /// Asks, and waits for the answer: it is given after the commit, when the runs that the request caused have ended,
  /// are parked, or have their next attempt scheduled.
  /// - Throws: `EngineFault`, `StoreError`; `EngineEnded` when the engine ended before it took the request up or before
  ///   its runs had settled: then the next holder is to be asked, with the same request id.
  public func perform(_ request: EngineRequest) throws -> EngineAnswer {
    let reply = Reply()
    condition.lock()
    guard !ended else {
      let failure = failure
      condition.unlock()
      throw failure ?? EngineEnded()
    }
    jobs.append((request, reply))
    condition.broadcast()
    condition.unlock()
    return try reply.wait()
  }

  /// Ends the thread after the present group; returns when it has ended.
  public func stop() {
    condition.lock()
    stopping = true
    condition.broadcast()
    while !ended { condition.wait() }
    condition.unlock()
  }

  func noteOpenRuns(_ metrics: EngineMetrics) throws { try store.read { try metrics.noteOpen($0) } }

  /// Waits until the thread has ended by itself or by `stop`, or until `deadline`.
  /// - Returns: whether it has ended.
  /// - Throws: what ended it, if that was an error.
  func waitUntilEnded(before deadline: Date) throws -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while !ended {
      if !condition.wait(until: deadline) { break }
    }
    if ended, let failure { throw failure }
    return ended
  }

  private func main() {
    do {
      let stack = AlternateStack()
      defer { withExtendedLifetime(stack) {} }
      try run()
      end(nil)
    } catch {
      end(error)
    }
  }

  private func end(_ error: (any Error)?) {
    workers.end()
    condition.lock()
    ended = true
    failure = error
    let unanswered = jobs
    jobs.removeAll()
    condition.broadcast()
    condition.unlock()
    for job in unanswered { job.reply.set(.failure(error ?? EngineEnded())) }
  }

  private func run() throws {
    let version = try WorkspaceVersion(sources: sources, services: services)
    let core = EngineCore(
      version: version, services: services,
      mode: EngineCore.Mode(unfused: configuration.unfused, replaysAlways: configuration.replaysAlways),
      seed: configuration.seed)
    core.watch = watch
    watch?.guardEngine(runTime: version.declaration.limits.runTime)
    let loop = EngineLoop(
      store: store, core: core, scope: configuration.executesEverything ? .everything : .asked,
      clock: configuration.clock)
    let verdict = watch?.takeVerdict()
    FaultPoint.reach(.recoveryBegun)
    try loop.recover(verdict)
    FaultPoint.reach(.recoveryDone)
    do {
      try turns(loop)
    } catch {
      loop.abandon(error)
      throw error
    }
  }

  private func turns(_ loop: EngineLoop) throws {
    let saved = folder.map { SourceWatch($0) }
    let logKeeper = configuration.executesEverything ? LogKeeper(store) : nil
    defer { logKeeper?.end() }
    _ = try? saved?.changed()
    var more = true
    var nextDue: Instant?
    var housekeeping = Housekeeping()
    while let (jobs, answers) = next(loop, more: more, nextDue: nextDue) {
      if let saved, !jobs.isEmpty || !more { takeUp(saved, loop.core) }
      let turn = loop.turn(
        jobs: jobs.map { job in EngineLoop.Job(request: job.request, reply: { job.reply.set($0) }) }, answers: answers)
      for call in turn.calls { carryOut(call, loop.core) }
      for run in turn.ended { log(run) }
      for note in turn.notes { configuration.log.warning("\(note)") }
      more = turn.more
      nextDue = turn.nextDue
      if !more, turn.failure == nil, configuration.prunes {
        more = housekeeping.turn(store, loop.core.version, now: loop.now, log: configuration.log)
      }
      guard let failure = turn.failure else { continue }
      guard configuration.outlastsFaults, EngineLoop.passes(failure) else { throw failure }
      configuration.log.warning("\(failure) The engine tries again in a second.")
      condition.lock()
      self.answers = turn.postponed + self.answers
      if !stopping { _ = condition.wait(until: Date(timeIntervalSinceNow: 1)) }
      condition.unlock()
      more = true
    }
  }

  private func takeUp(_ saved: SourceWatch, _ core: EngineCore) {
    do {
      guard let sources = try saved.changed() else { return }
      let version = try WorkspaceVersion(sources: sources, services: services)
      try store.write { try $0.synchronize(pipelines: version.declaration.pipelines) }
      core.replace(version: version)
      configuration.log.info("workspace.lua and scripts were read again")
      for problem in version.problems { configuration.log.error("\(problem.message)") }
    } catch {
      configuration.log.error("\(error) The last version that could be read goes on.")
    }
  }

  private func log(_ run: RunRow) {
    metrics?.note(ended: run)
    let deal = run.dealID.map { " of deal \($0)" } ?? ""
    var metadata: Logger.Metadata = ["run": "\(run.id)", "event": "\(run.eventID)", "path": "\(run.path)"]
    if let deal = run.dealID { metadata["deal"] = "\(deal)" }
    switch run.status {
    case .failed:
      configuration.log.error(
        "run \(run.id), \(run.automation)\(deal): failed: \(RunAnswer(run).error ?? "")", metadata: metadata)
    default:
      configuration.log.info("run \(run.id), \(run.automation)\(deal): \(run.status.rawValue)", metadata: metadata)
    }
  }

  private var metrics: EngineMetrics? { configuration.metrics.map { EngineMetrics(factory: $0) } }

  /// Waits for something to do; nil when the engine is to end.
  private func next(_ loop: EngineLoop, more: Bool, nextDue due: Instant?) -> (
    jobs: [(request: EngineRequest, reply: Reply)], answers: [StepAnswer]
  )? {
    condition.lock()
    defer { condition.unlock() }
    while true {
      giveUpOverdueCalls(loop.core)
      if !jobs.isEmpty || !answers.isEmpty || more { break }
      if stopping && loop.isIdle { return nil }
      let now = loop.now
      if let due, due <= now { break }
      guard let pause = pause(until: due, now) else {
        condition.wait()
        continue
      }
      let woken = condition.wait(until: Date(timeIntervalSinceNow: pause))
      if !woken, !stopping, configuration.executesEverything { break }
    }
    // An engine that a timer starts tidies up to the end before it goes.
    let isTidying = more && configuration.prunes && !configuration.executesEverything
    if stopping && jobs.isEmpty && answers.isEmpty && loop.isIdle && !isTidying { return nil }
    defer {
      jobs.removeAll()
      answers.removeAll()
    }
    return (jobs, answers)
  }

  /// How long the engine may sleep, in seconds; nil: until somebody wakes it.
  private func pause(until due: Instant?, _ now: Instant) -> Double? {
    var pauses: [Double] = []
    // A short nap, so that what is saved in the workspace, or in the database by another hand, is not missed for long.
    if configuration.executesEverything, !stopping { pauses.append(1) }
    if let due { pauses.append(Double(due.since(now).milliseconds) / 1000) }
    if let deadline = underWay.nextDeadline { pauses.append((deadline - .now) / .seconds(1)) }
    return pauses.min().map { max(0.001, $0) }
  }

  /// Called under the lock.
  private func giveUpOverdueCalls(_ core: EngineCore) {
    let overdue = underWay.overdue(now: .now) { core.policy(of: $0) }
    for _ in overdue { workers.lend() }
    for answer in overdue { metrics?.note(answer, took: nil) }
    answers += overdue
  }

  /// Asks a service on another thread.
  private func carryOut(_ call: StepCall, _ core: EngineCore) {
    let services = core.version.services
    let policy = core.policy(of: call.call.service)
    workers.perform { [self] in
      condition.lock()
      let number = underWay.begin(call, policy: policy, now: .now)
      condition.broadcast()  // The engine's nap may be longer than this call may take.
      condition.unlock()
      let started = ContinuousClock.now
      let result = StepPerformer.perform(call.call, services: services, store: store)
      let duration = ContinuousClock.now - started
      condition.lock()
      let isLate = underWay.end(number)
      let answer = StepAnswer(call: call, result: result, isLate: isLate)
      answers.append(answer)
      condition.broadcast()
      condition.unlock()
      metrics?.note(answer, took: duration)
      if isLate { workers.takeBack() }
    }
  }
}

/// The engine ended before it answered: whoever asked asks the next holder, with the same request id.
public struct EngineEnded: Error, CustomStringConvertible {
  package init() {}

  /// For whoever asked.
  public var description: String { "the engine ended before it answered; try again" }
}
