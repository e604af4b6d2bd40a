import CRM
import Scripting
import Services
import Store

/// One test's world: an empty workspace in memory, an engine that executes everything at once on the test's own
/// thread, and a clock that moves only when it is told to.
///
/// Not Sendable: a test's thread owns it.
final class ScriptTestWorkspace: ScriptTestHost {
  let version: WorkspaceVersion
  let store: Store
  private(set) var now: Instant
  private(set) var printed: [String] = []

  private let services: FaultyServices
  private let mode: EngineCore.Mode
  private var core: EngineCore
  /// How many more boundaries the engine survives; nil when it is not to crash.
  private var boundariesLeft: Int64?
  private var hasCrashed = false
  /// The new engine has not looked yet at what the lost one had in hand.
  private var needsRecovery = false
  private var operations = 0
  private var fixtures = FixtureDocument.Names()

  static let author = Author(actor: "user:test")
  /// Monday, 5 January 2026, 8:00 UTC.
  static let beginning = Instant(milliseconds: 1_767_600_000_000)
  /// The same for every test, so that a failure can be repeated.
  private static let seed: UInt64 = 1

  init(version: WorkspaceVersion, services: FaultyServices, options: ScriptTestOptions) throws {
    self.version = version
    self.services = services
    now = Self.beginning
    mode = EngineCore.Mode(unfused: options.unfused, replaysAlways: options.replay)
    store = try Store(currency: version.declaration.currency)
    core = EngineCore(version: version, services: services.registry, mode: mode, seed: Self.seed)
    services.begin(store)
    try store.write { try $0.synchronize(pipelines: version.declaration.pipelines) }
  }

  // MARK: What a test asks as a script would

  func perform(_ call: HostCall) throws -> HostAnswer {
    switch call {
    case .log(let text):
      printed.append(text)
      return .value(.null)
    case .now: return .value(.instant(now))
    case .reject, .warn: throw HostFailure(.misuse, "this is for scripts; a test says what it expects with expect(…)")
    case .wait: throw HostFailure(.misuse, "a test does not wait; let time pass with clock.advance \"2 days\"")
    case .move(let deal, let stage, let from):
      return .value(.boolean(try movesAsAScriptSays(deal, .move(stage: stage, from: from))))
    case .close(let deal, let status):
      return .value(.boolean(try movesAsAScriptSays(deal, .close(status))))
    case .operation(let service, let name, let arguments, _):
      return .value(try operate(service, name, arguments))
    default: break
    }
    do {
      return .value(try store.write { try record(call, $0) })
    } catch let failure as HostFailure {
      throw failure
    } catch {
      throw HostFailure(.permanent, "\(error)")
    }
  }

  private func record(_ call: HostCall, _ tx: any StoreTransaction) throws -> Value {
    let access = RecordAccess(tx: tx)
    switch call {
    case .get(let ref, let field): return try access.get(ref, field)
    case .find(let kind, let criteria): return try access.find(kind, criteria)
    case .fetch(let kind, let name): return try access.fetch(kind, name)
    case .set(let ref, let field, let value):
      try tx.set(ref, field, value, author: Self.author, at: now)
      return .null
    case .create(let kind, let fields):
      var fields = fields
      if kind == .note {
        fields += [ValueField("created_at", .instant(now)), ValueField("author", .text(Self.author.actor))]
      }
      return .record(try tx.insert(kind, fields, author: Self.author, at: now))
    case .move, .close, .reject, .warn, .wait, .now, .log, .operation:
      throw HostFailure(.misuse, "this is no question about records")
    }
  }

  /// A service asked by the test itself, without a run.
  private func operate(_ name: String, _ operation: String, _ arguments: [Value]) throws -> Value {
    guard let service = version.services[name] else { throw HostFailure(.misuse, "there is no service \(name)") }
    var deal: Int64?
    if case .record(let ref)? = arguments.first, ref.kind == .deal { deal = ref.id }
    do {
      let resolved = try store.write { tx in
        try service.resolve(
          operation, arguments, dealID: deal,
          in: ServiceWorld(transaction: tx, declaration: version.declaration, schema: version.schema, now: now))
      }
      operations += 1
      let call = OperationCall(
        service: name, operation: operation, arguments: resolved.arguments,
        key: resolved.purpose ?? "test:\(operations)", dealID: deal, author: Self.author, now: now)
      return try StepPerformer.perform(call, services: version.services, store: store).get()
    } catch {
      throw HostFailure(.permanent, "\(error)")
    }
  }

  private func movesAsAScriptSays(_ deal: RecordRef, _ change: TransitionChange) throws -> Bool {
    let outcome = try transition(deal, change)
    if let failure = outcome.failure { throw HostFailure(.permanent, failure) }
    if !outcome.rejected.isEmpty {
      throw HostFailure(
        .rejected, "the move was rejected: " + outcome.rejected.joined(separator: "; "), reasons: outcome.rejected)
    }
    return outcome.moved
  }

  // MARK: What only a test can ask

  func perform(_ call: ScriptTestCall) throws -> Value {
    switch call {
    case .move(let deal, let stage): return try transition(deal, .move(stage: stage, from: nil)).value
    case .close(let deal, let status): return try transition(deal, .close(status)).value
    case .run(let automation, let deal):
      return try act { tx in
        try core.demand(
          automation: automation, deal: deal.map { try name($0, tx) }, actor: Self.author.actor, tx: tx, now: now)
      }.value
    case .signer(let request, let state, let reason):
      let signal = try services.resources.signal(
        request: request.id, state, reason: reason, declaration: version.declaration, now: now)
      return try act { tx in try core.signal(signal, tx: tx, now: now) }.value
    case .content(let document): return .text(try services.resources.text(of: document.id))
    case .retry(let run):
      return try act { tx in
        var request = RetryRequest(runID: run)
        request.force = true
        let run = try core.retry(request, tx: tx, now: now)
        return Transition(
          deal: RecordRef(.deal, run.dealID ?? 0), from: "", to: "", moved: false, origin: run.origin, runs: [run])
      }.value
    case .advance(let span):
      try advance(by: span)
      return .null
    case .set(let moment):
      now = moment
      try settle()
      return .null
    case .crash(let place):
      boundariesLeft = place
      return .null
    case .sent(let kind):
      return .list(try store.read { try $0.find(kind, [], limit: nil) }.map { .record($0) })
    case .failure(let service, let word, let times, let operation, let after):
      services[service]?.fail(
        with: try FaultyService.Fault(word: word), times: Int(clamping: times), moment: after ? .after : .before,
        operation: operation)
      return .null
    case .fixture(let fields): return .record(try importDeal(fields))
    }
  }

  private func importDeal(_ fields: Value) throws -> RecordRef {
    try store.write { tx in
      var document = FixtureDocument(names: fixtures, firstStage: version.declaration.pipelines.first?.stages.first?.name)
      let key = try document.add(deal: fields) { ref in try tx.record(ref)?.key }
      _ = try Importer(schema: version.schema, declaration: version.declaration).run(
        document.json, in: tx, author: Author(actor: "import"), at: now, progress: nil)
      fixtures = document.names
      guard let deal = try tx.find(.deal, key: key) else {
        throw EngineFault(.notFound, "the fixture's deal \"\(key)\" was not imported")
      }
      return deal
    }
  }

  // MARK: The engine

  /// What a move, a run on demand or a retry came to.
  private struct Outcome {
    var moved = false
    var rejected: [String] = []
    var warnings: [String] = []
    var runs: [RunAnswer] = []
    /// What a guard that broke said.
    var failure: String?
    var crashed = false

    var value: Value {
      let runs = runs.map { run in
        Value.object([
          ValueField("id", .integer(run.id)), ValueField("automation", .text(run.automation)),
          ValueField("status", .text(run.status.rawValue)), ValueField("error", run.error.map { .text($0) } ?? .null),
        ])
      }
      return .object([
        ValueField("moved", .boolean(moved)), ValueField("rejected", .list(rejected.map { .text($0) })),
        ValueField("warnings", .list(warnings.map { .text($0) })), ValueField("runs", .list(runs)),
        ValueField("failure", failure.map { .text($0) } ?? .null), ValueField("crashed", .boolean(crashed)),
      ])
    }
  }

  private func transition(_ deal: RecordRef, _ change: TransitionChange) throws -> Outcome {
    try act { tx in
      try core.transition(
        TransitionRequest(deal: name(deal, tx), change: change, actor: Self.author.actor), tx: tx, now: now)
    }
  }

  /// A deal's key may look like another deal's id, so the key goes first, as everywhere.
  private func name(_ deal: RecordRef, _ tx: any StoreTransaction) throws -> String {
    try tx.record(deal)?.key ?? String(deal.id)
  }

  /// One action and all that it causes at the present time.
  private func act(_ body: (any StoreTransaction) throws -> Transition) throws -> Outcome {
    defer {
      boundariesLeft = nil
      hasCrashed = false
    }
    let transition: Transition
    do {
      transition = try commit(body)
    } catch let fault as EngineFault where fault.kind == .guardFailed {
      return Outcome(failure: fault.message)
    }
    try settle()
    var outcome = Outcome(moved: transition.moved, rejected: transition.rejected, warnings: transition.warnings)
    outcome.crashed = hasCrashed
    _ = core.takeRuns(origin: transition.origin)
    if transition.origin == 0 { return outcome }
    var filter = RunFilter()
    filter.limit = 100_000
    for run in try store.read({ try $0.runs(matching: filter) }).reversed() where run.origin == transition.origin {
      outcome.runs.append(RunAnswer(run))
      outcome.warnings += run.warnings
    }
    return outcome
  }

  /// Executes what is queued or due, and carries out every step, until nothing more happens at the present time.
  private func settle() throws {
    while true {
      let commands = core.takeCommands()
      for case .call(let call) in commands {
        let result = StepPerformer.perform(call.call, services: version.services, store: store)
        // Here the effect has happened and its answer is lost: the place where a crash costs most.
        if crashes() { break }
        try commit { tx in try core.answer(StepAnswer(call: call, result: result), tx: tx, now: now) }
      }
      let stepped = try store.write { tx in
        if needsRecovery { try core.recover(tx: tx, now: now) }
        needsRecovery = false
        try core.wakeDue(tx: tx, now: now)
        return try core.step(tx: tx, now: now)
      }
      if stepped { _ = crashes() }
      if !stepped && commands.isEmpty { return }
    }
  }

  private func commit<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    let result: T
    let memory = core.memory
    do {
      result = try store.write(body)
    } catch {
      core.reset(to: memory)
      throw error
    }
    _ = crashes()
    return result
  }

  /// Counts a boundary; at the one that was asked for, the engine is lost with all that it had in memory, and another
  /// one takes over from the database.
  private func crashes() -> Bool {
    guard let left = boundariesLeft else { return false }
    boundariesLeft = left - 1
    guard left == 1 else { return false }
    boundariesLeft = nil
    hasCrashed = true
    core = EngineCore(version: version, services: services.registry, mode: mode, seed: Self.seed)
    needsRecovery = true
    return true
  }

  private func advance(by span: TimeSpan) throws {
    let end = try now.adding(span)
    try settle()
    while let due = try store.read({ try core.nextTime(tx: $0, everything: true) }), due <= end {
      now = max(now, due)
      try settle()
    }
    now = end
  }
}
