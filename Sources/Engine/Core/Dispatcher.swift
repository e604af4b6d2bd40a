import CRM
import Scripting
import Services
import Store

/// Promise 1: a transition is one commit. Guards, the change, the event, the history and the queued runs happen in
/// the transaction that is handed in, or the caller rolls all of it back.
struct Dispatcher {
  unowned let core: EngineCore

  /// Executes the guards and, if none rejects, changes the deal and queues the reactions.
  /// - Returns: with `moved` false and nothing written when guards reject, when the deal is there already, or when a
  ///   `from` condition does not hold.
  /// - Throws: `EngineFault`: no such stage (it lists the known ones, ALT-04), a closed deal, a guard that broke, a
  ///   script that this needs and that does not load, a loop.
  func transition(
    _ deal: RecordRef, _ change: TransitionChange, cause: Cause, tx: any StoreTransaction, now: Instant
  ) throws -> Transition {
    guard let record = try tx.record(deal), case .record(let stageRef) = record[field: "stage"],
      let status = DealStatus(rawValue: record[field: "status"].plainText)
    else { throw EngineFault(.notFound, "there is no deal \(deal.id)") }
    let lookup = try StageLookup(tx)
    let present = lookup.stages.first { $0.id == stageRef.id }
    let presentName = present?.name ?? "?"

    switch change {
    case .move(let name, let from):
      let target = try lookup.stage(named: name, pipeline: present?.pipelineID)
      var transition = Transition(deal: deal, from: presentName, to: target.name, moved: false)
      if let from, try lookup.stage(named: from, pipeline: present?.pipelineID).id != stageRef.id { return transition }
      if target.id == stageRef.id { return transition }
      guard status == .open else {
        throw EngineFault(
          .refused,
          "deal \(deal.id) is \(status.rawValue) and can't be moved to \"\(target.name)\"; reopen it first: "
            + "coulisse deals reopen \(deal.id)")
      }
      try refuseBrokenScripts([
        ("before_enter", target.name), ("enter", target.name), ("leave", presentName), ("event", "deal.moved"),
      ])
      try executeGuards(deal, into: &transition, tx: tx, now: now) {
        if case .beforeEnter(let stage) = $0 { Label.folded(stage) == target.folded } else { false }
      }
      if !transition.rejected.isEmpty { return transition }
      try tx.move(deal, to: target, author: cause.author, request: cause.requestID, at: now)
      let data = Value.object([ValueField("from", .text(presentName)), ValueField("to", .text(target.name))])
      try react(
        "deal.moved", data: data, topic: Waits.topic(of: .stage(deal, target.name)), deal: deal, cause: cause,
        into: &transition, tx: tx, now: now
      ) {
        switch $0 {
        case .enter(let stage): Label.folded(stage) == target.folded
        case .leave(let stage): Label.folded(stage) == present?.folded
        case .event(let name): name == "deal.moved"
        default: false
        }
      }
      return transition

    case .close(let wanted):
      var transition = Transition(deal: deal, from: presentName, to: presentName, moved: false)
      if wanted == status { return transition }
      guard wanted == .open || status == .open else {
        throw EngineFault(
          .refused,
          "deal \(deal.id) is \(status.rawValue) and can't become \(wanted.rawValue); reopen it first: "
            + "coulisse deals reopen \(deal.id)")
      }
      let event = wanted == .open ? "deal.reopened" : "deal.\(wanted.rawValue)"
      try refuseBrokenScripts(
        wanted == .won
          ? [("before_won", nil), ("won", nil), ("event", event)]
          : wanted == .lost ? [("lost", nil), ("event", event)] : [("event", event)])
      if wanted == .won {
        try executeGuards(deal, into: &transition, tx: tx, now: now) { $0 == .beforeWon }
        if !transition.rejected.isEmpty { return transition }
      }
      // Won leaves the pipe (ALT-08, ALT-139); status, stage and archived stay independent of each other.
      try tx.close(
        deal, wanted, archived: wanted == .won, author: cause.author, request: cause.requestID, at: now)
      try react(
        event, data: .object([ValueField("stage", .text(presentName))]),
        topic: Waits.topic(of: .status(deal, wanted)), deal: deal, cause: cause, into: &transition, tx: tx, now: now
      ) {
        switch $0 {
        case .won: wanted == .won
        case .lost: wanted == .lost
        case .event(let name): name == event
        default: false
        }
      }
      return transition
    }
  }

  /// The answer to a wish that was carried out before, whose caller never got it.
  func repeated(_ handled: HandledRequest, deal: RecordRef, tx: any StoreTransaction) throws -> Transition {
    let stages = try tx.stages()
    func name(_ id: Int64?) -> String? { stages.first { $0.id == id }?.name }
    let present = try tx.value(deal, "stage").flatMap { if case .record(let ref) = $0 { ref.id } else { nil } }
    var transition = Transition(
      deal: deal, from: name(handled.stageFrom ?? present) ?? "", to: name(handled.stageTo ?? present) ?? "", moved: true)
    // Its runs are those of its own event: it began a path, at the moment of the change.
    transition.runs = try tx.runs(of: deal.id).filter { run in
      guard run.createdAt == handled.at, let event = try tx.event(run.eventID), event.author == handled.author
      else { return false }
      return event.origin == event.id && (handled.stageTo == nil || event.data["to"] == .text(transition.to))
    }
    transition.origin = transition.runs.first?.origin ?? 0
    return transition
  }

  /// Queues one automation, on demand.
  func demand(
    _ automation: AutomationDeclaration, deal: RecordRef?, cause: Cause, tx: any StoreTransaction, now: Instant
  ) throws -> Transition {
    var transition = Transition(deal: deal ?? RecordRef(.deal, 0), from: "", to: "", moved: false)
    var data = [ValueField("automation", .text(automation.name))]
    // What runs by the clock is told the time.
    if automation.trigger.schedule != nil { data += Self.times(at: now, missed: 0) }
    try react(
      "demand", data: .object(data), topic: nil, deal: deal, cause: cause, automations: [automation],
      into: &transition, tx: tx, now: now)
    return transition
  }

  /// Appends `run.failed` and queues what listens to it. A reaction to failures that fails itself is not reported
  /// again: that would be a circle.
  func reportFailure(of run: RunRow, fault: RunFault, tx: any StoreTransaction, now: Instant) throws -> [RunRow] {
    let listeners = core.programs.present.automations.filter { $0.trigger == .event("run.failed") }
    if listeners.isEmpty || listeners.contains(where: { $0.name == run.automation }) { return [] }
    let deal = run.dealID.map { RecordRef(.deal, $0) }
    var transition = Transition(deal: deal ?? RecordRef(.deal, 0), from: "", to: "", moved: false)
    let data = Value.object([
      ValueField("run", .integer(run.id)), ValueField("automation", .text(run.automation)),
      ValueField("error", .text(fault.message)),
    ])
    do {
      try tx.savepoint {
        try react(
          "run.failed", data: data, topic: nil, deal: deal, cause: .run(run), automations: listeners,
          into: &transition, tx: tx, now: now)
      }
    } catch let fault as EngineFault where fault.kind == .loop {
      return []
    } catch let error as StoreError where error.kind == .constraint || error.kind == .corrupted || error.kind == .notFound {
      // That nobody hears of a failure must not keep the run from ending.
      core.commands.append(.note("the failure of run \(run.id) could not be reported: \(error)"))
      return []
    }
    return transition.runs
  }

  // MARK: Guards

  private func refuseBrokenScripts(_ names: [(function: String, label: String?)]) throws {
    let problems = core.programs.present.problems(concerning: names)
    guard let first = problems.first else { return }
    let place = first.line.map { "\(first.file):\($0)" } ?? first.file
    let message = first.message.hasPrefix(first.file) ? first.message : "\(place): \(first.message)"
    let more = problems.count > 1 ? " (and \(problems.count - 1) more; see: coulisse check)" : ""
    throw EngineFault(.brokenScript, "a script that this move needs does not load: \(message)\(more)")
  }

  /// All guards run, so that the answer lists every problem at once.
  private func executeGuards(
    _ deal: RecordRef, into transition: inout Transition, tx: any StoreTransaction, now: Instant,
    matching: (Trigger) -> Bool
  ) throws {
    let version = core.programs.present
    for automation in version.automations where matching(automation.trigger) {
      let host = GuardHost(tx: tx, now: now)
      let execution = version.program.start(
        automation, argument: deal, event: .null, host: host, budget: core.budget(version), randomSeed: core.seeds())
      defer { execution.discard() }
      let before = core.watch?.begin(runID: InHand.aGuard)
      defer { if let before { core.watch?.end(before) } }
      do {
        guard case .finished = try execution.begin() else {
          throw EngineFault(.guardFailed, "the guard \(automation.name) waits; a guard has to answer at once")
        }
      } catch let failure as ScriptFailure {
        throw EngineFault(
          .guardFailed, "the guard \(automation.name) failed, so the deal stays where it is: \(failure.message)")
      }
      transition.rejected += host.rejections
      transition.warnings += host.warnings
      transition.printed += host.printed
    }
  }

  // MARK: Events and runs

  func react(
    _ name: String, data: Value, topic: String?, answer: Value = Waits.reached, deal: RecordRef?, cause: Cause,
    automations chosen: [AutomationDeclaration]? = nil, into transition: inout Transition,
    tx: any StoreTransaction, now: Instant, matching: (Trigger) -> Bool = { _ in false }
  ) throws {
    let version = core.programs.present
    let automations = chosen ?? version.automations.filter { !$0.trigger.isGuard && matching($0.trigger) }
    let event = try tx.append(
      EventRow(
        name: name, dealID: deal?.id, data: data, author: cause.author, origin: cause.origin, path: cause.path, at: now))
    transition.origin = event.origin
    transition.moved = true
    // Whoever waited for this was caused by it to go on, and goes before what begins now.
    if let topic { transition.runs += try core.wake(topic: topic, answer: answer, cause: cause, tx: tx, now: now) }
    let loopGuard = LoopGuard(limits: version.declaration.limits)
    for automation in automations {
      let standsAside = try deal.map { try self.standsAside(automation, deal: $0, tx: tx, now: now) } ?? false
      transition.runs += core.takeConsequences()
      if standsAside { continue }
      let path = try loopGuard.extend(cause.path, automation: automation.name, dealID: deal?.id)
      if cause.origin != 0 {
        try loopGuard.check(runsFromOrigin: try tx.countRun(origin: event.origin), path: path)
      }
      let run = try tx.insert(
        RunRow(
          dealID: deal?.id, eventID: event.id, bundleID: try core.programs.presentBundle(tx, now: now),
          automation: automation.name, file: automation.file, place: automation.index, origin: event.origin,
          path: path, seed: core.randomSeed(), createdAt: now))
      transition.runs.append(run)
    }
  }

  /// A second entry while the first run still waits: the old run is cancelled, or the new one is not queued, as the
  /// automation says.
  private func standsAside(
    _ automation: AutomationDeclaration, deal: RecordRef, tx: any StoreTransaction, now: Instant
  ) throws -> Bool {
    // One that backs off would come to its wait behind the new one, and take its place.
    for run in try tx.openRuns([.waiting, .retrying], of: deal.id) where run.automation == automation.name {
      switch automation.whileWaiting {
      case .ignore where run.status == .waiting: return true
      case .ignore: continue
      case .replace:
        try core.finish(run, .cancelled, fault: EngineCore.replaced, tx: tx, now: now)
      }
    }
    return false
  }
}
