import CRM
import Foundation
import Scripting
import Services
import Store

/// Executes requests and runs over one store: takes what is asked, puts as much as is sensible into one commit, and
/// answers after it. All of it happens on the thread that calls `turn`.
///
/// Not Sendable: it owns the core and its Lua states.
package final class EngineLoop {
  /// Which runs are executed.
  package enum Scope {
    /// Everything that is queued or due: an engine that stays.
    case everything
    /// The lanes of what was asked here: a command line that hands over afterwards.
    case asked
  }

  package struct Job {
    package var request: EngineRequest
    package var reply: (Result<EngineAnswer, any Error>) -> Void

    package init(request: EngineRequest, reply: @escaping (Result<EngineAnswer, any Error>) -> Void) {
      self.request = request
      self.reply = reply
    }
  }

  /// What one turn left to do.
  package struct Turn {
    /// Calls to carry out now that they are committed.
    package var calls: [StepCall] = []
    /// Runs that have ended, for the log.
    package var ended: [RunRow] = []
    /// What whoever keeps the engine should know, for the log.
    package var notes: [String] = []
    /// Whether more can be done at once.
    package var more = false
    /// When the next parked run is due, if there is nothing more to do until then.
    package var nextDue: Instant?
    /// Answers that could not be noted: to be handed in again.
    package var postponed: [StepAnswer] = []
    /// Why even the engine's own work could not be committed.
    package var failure: (any Error)?
  }

  /// A caller that waits until the runs of its change have settled.
  private struct Ticket {
    var transition: Transition
    var reply: (Result<EngineAnswer, any Error>) -> Void
  }

  /// What is to happen after a commit.
  private struct Group {
    var replies: [() -> Void] = []
    var more = false
    var nextDue: Instant?
  }

  let store: Store
  let core: EngineCore
  private let clock: () -> Instant
  private let scope: Scope
  private var tickets: [Int64: [Ticket]] = [:]
  private var drains: [(Result<EngineAnswer, any Error>) -> Void] = []
  private var callsInFlight = 0
  private let beginGroup: () -> (() -> Bool)

  /// - Parameter beginGroup: called at the beginning of a group; what it answers says after each segment whether the
  ///   group may have another one. By default for 5 ms, so that nobody waits long for somebody else's scripts.
  package init(
    store: Store, core: EngineCore, scope: Scope, clock: @escaping () -> Instant,
    beginGroup: @escaping () -> (() -> Bool) = EngineLoop.forFiveMilliseconds
  ) {
    self.store = store
    self.core = core
    self.scope = scope
    self.clock = clock
    self.beginGroup = beginGroup
  }

  package static func forFiveMilliseconds() -> (() -> Bool) {
    let end = ContinuousClock.now + .milliseconds(5)
    return { ContinuousClock.now < end }
  }

  /// Before the first turn: what a process that held the engine before had in hand is queued again, or ended if it
  /// took that process down.
  package func recover(_ verdict: RunInHand.Verdict?) throws {
    try store.write { tx in
      try tx.synchronize(pipelines: core.version.declaration.pipelines)
      try core.recover(tx: tx, now: now)
      guard let verdict else { return }
      core.isCautious = try tx.run(verdict.runID) == nil
      try core.failCrashed(runID: verdict.runID, message: verdict.message, tx: tx, now: now)
    }
  }

  var now: Instant { clock() }

  package var isIdle: Bool { callsInFlight == 0 && tickets.isEmpty && drains.isEmpty }

  /// One group: answers of services, jobs, what is due, and queued segments, in one commit.
  package func turn(jobs: [Job], answers: [StepAnswer]) -> Turn {
    var turn = Turn()
    guard let lost = commit(jobs, answers, steps: true, into: &turn) else { return turn }
    // The group was lost, or could not be committed. Whoever is to blame: one by one, each gets what is its own.
    for answer in answers {
      guard let error = commit([], [answer], steps: false, into: &turn) else { continue }
      if Self.passes(error) {
        turn.postponed.append(answer)
        turn.failure = error
      } else {
        if !answer.isLate { callsInFlight -= 1 }
        core.giveUp(answer.call)
        blame(error, on: answer.call.runID, into: &turn)
      }
    }
    for job in jobs {
      if let error = commit([job], [], steps: false, into: &turn) { job.reply(.failure(error)) }
    }
    if !jobs.isEmpty || !answers.isEmpty {
      turn.more = true
    } else if let run = core.lastExecuted, !Self.passes(lost) {
      blame(lost, on: run, into: &turn)
    } else {
      turn.failure = lost
    }
    return turn
  }

  /// Tells everybody who still waits that the engine ends.
  package func abandon(_ error: any Error) {
    let waiting = tickets.values.joined().map(\.reply) + drains
    tickets.removeAll()
    drains.removeAll()
    for reply in waiting { reply(.failure(error)) }
  }

  /// A run under whose segment the store gives up costs itself, and no other.
  private func blame(_ error: any Error, on run: Int64, into turn: inout Turn) {
    do {
      try store.write { tx in
        try core.failCrashed(
          runID: run, message: "the store gave up while this run executed: \(error)", tx: tx, now: now)
      }
      turn.more = true
    } catch {
      core.reset()
      turn.failure = error
    }
  }

  /// How many calls are over with these answers: one whose time was up is over already.
  private static func inTime(_ answers: [StepAnswer]) -> Int { answers.count { !$0.isLate } }

  /// Whether a fault is one of the moment: another program's lock, a full disk.
  package static func passes(_ error: any Error) -> Bool {
    guard let error = error as? StoreError else { return false }
    return error.kind == .locked || error.kind == .full
  }

  /// Executes a group and commits it; after the commit, and only then, answers callers.
  /// - Returns: why nothing of it happened; nil when it did.
  private func commit(_ jobs: [Job], _ answers: [StepAnswer], steps: Bool, into turn: inout Turn) -> (any Error)? {
    let before = (tickets: tickets, drains: drains, memory: core.memory)
    let group: Group
    core.lastExecuted = nil
    do {
      group = try store.write { tx in try execute(jobs: jobs, answers: answers, steps: steps, tx: tx) }
    } catch {
      core.reset(to: before.memory)
      tickets = before.tickets
      drains = before.drains
      return error
    }
    callsInFlight -= Self.inTime(answers)
    for command in core.takeCommands() {
      switch command {
      case .call(let call):
        callsInFlight += 1
        turn.calls.append(call)
      case .ended(let run): turn.ended.append(run)
      case .note(let text): turn.notes.append(text)
      }
    }
    turn.more = turn.more || group.more
    turn.nextDue = group.nextDue
    for reply in group.replies { reply() }
    return nil
  }

  private func execute(
    jobs: [Job], answers: [StepAnswer], steps: Bool, tx: any StoreTransaction
  ) throws -> Group {
    var group = Group()
    let mayGoOn = beginGroup()
    for answer in answers { try core.answer(answer, tx: tx, now: now) }
    for job in jobs { try execute(job, &group, tx) }
    group.more = true
    // After a crash nobody knows the culprit of, what was asked is committed before anything of it executes.
    if steps, !core.isCautious || (jobs.isEmpty && answers.isEmpty) {
      if executesEverything { try core.wakeDue(tx: tx, now: now) } else { try core.releaseCalls(tx: tx, now: now) }
      // One at least, when nobody waits for this commit: else what the clock woke could take each group's whole time.
      var goesOn = mayGoOn()
      if jobs.isEmpty, answers.isEmpty { goesOn = true }
      while goesOn {
        if try !stepOnce(tx) {
          group.more = false
          break
        }
        goesOn = !core.isCautious && mayGoOn()
      }
    }
    try collectReplies(&group, answered: Self.inTime(answers), tx)
    if executesEverything, !group.more { group.more = try core.hasHeldToRelease(tx: tx) }
    if !group.more { group.nextDue = try core.nextTime(tx: tx, everything: executesEverything) }
    return group
  }

  private var executesEverything: Bool { scope == .everything || !drains.isEmpty }

  private func stepOnce(_ tx: any StoreTransaction) throws -> Bool {
    if executesEverything { return try core.step(tx: tx, now: now) }
    return try core.stepFollowed(tx: tx, now: now)
  }

  private func execute(_ job: Job, _ group: inout Group, _ tx: any StoreTransaction) throws {
    do {
      switch job.request {
      case .transition(let request):
        wait(for: try core.transition(request, tx: tx, now: now), job.reply)
      case .demand(let automation, let deal, let actor, let requestID):
        wait(
          for: try core.demand(
            automation: automation, deal: deal, actor: actor, requestID: requestID, tx: tx, now: now), job.reply)
      case .retry(let request):
        let run = try tx.savepoint { try core.retry(request, tx: tx, now: now) }
        let transition = Transition(
          deal: RecordRef(.deal, run.dealID ?? 0), from: "", to: "", moved: false, origin: run.origin, runs: [run])
        core.follow(transition)
        wait(for: transition, job.reply)
      case .migrate(let runID):
        let run = try tx.savepoint { try core.migrate(runID: runID, tx: tx, now: now) }
        reply(to: job, with: run, &group)
      case .cancel(let runID):
        let run = try tx.savepoint { try core.cancel(runID: runID, tx: tx, now: now) }
        let caused = core.takeConsequences()
        if !caused.isEmpty {
          // Whoever cancels is told what that set going.
          let transition = Transition(
            deal: RecordRef(.deal, run.dealID ?? 0), from: "", to: "", moved: false, origin: run.origin, runs: caused)
          core.follow(transition)
          wait(for: transition) { result in
            job.reply(result.map { answer in
              var answer = answer
              answer.runs.insert(RunAnswer(run), at: 0)
              return answer
            })
          }
          return
        }
        reply(to: job, with: run, &group)
      case .signature(let signal):
        wait(for: try core.signal(signal, tx: tx, now: now), job.reply)
      case .drain:
        drains.append(job.reply)
      }
    } catch let fault as EngineFault {
      group.replies.append { job.reply(.failure(fault)) }
    } catch let error as StoreError where error.kind == .notFound || error.kind == .constraint {
      group.replies.append { job.reply(.failure(error)) }
    }
  }

  private func reply(to job: Job, with run: RunRow, _ group: inout Group) {
    var answer = EngineAnswer()
    answer.runs = [RunAnswer(run)]
    let result = answer
    group.replies.append { job.reply(.success(result)) }
  }

  private func wait(for transition: Transition, _ reply: @escaping (Result<EngineAnswer, any Error>) -> Void) {
    tickets[transition.origin, default: []].append(Ticket(transition: transition, reply: reply))
  }

  /// Finds the callers whose runs have settled in this group; they are told after its commit.
  /// - Parameter answered: how many of the calls in flight are answered by this group.
  private func collectReplies(_ group: inout Group, answered: Int, _ tx: any StoreTransaction) throws {
    for origin in tickets.keys.sorted() where try core.isSettled(origin: origin, tx: tx) {
      let runs = core.takeRuns(origin: origin)
      for ticket in tickets.removeValue(forKey: origin) ?? [] {
        let answer = try answer(ticket.transition, runs: origin == 0 ? [] : runs, tx)
        group.replies.append { ticket.reply(.success(answer)) }
      }
    }
    if !drains.isEmpty, callsInFlight == answered, try tx.openRuns([.queued, .running], limit: 1).isEmpty {
      let waiting = drains
      drains.removeAll()
      group.replies.append { for reply in waiting { reply(.success(EngineAnswer())) } }
    }
  }

  private func answer(_ transition: Transition, runs: [Int64], _ tx: any StoreTransaction) throws -> EngineAnswer {
    var answer = EngineAnswer()
    if let deal = try tx.record(transition.deal) {
      answer.deal = deal.key ?? String(deal.ref.id)
      answer.status = deal[field: "status"].plainText
      if case .record(let stage) = deal[field: "stage"] { answer.stage = try tx.value(stage, "name")?.plainText ?? "" }
    }
    answer.from = transition.from
    answer.to = transition.to
    answer.moved = transition.moved
    answer.rejected = transition.rejected
    answer.warnings = transition.warnings
    answer.printed = transition.printed
    for id in runs {
      guard let run = try tx.run(id) else { continue }
      answer.runs.append(RunAnswer(run))
      answer.warnings += run.warnings
    }
    return answer
  }
}
