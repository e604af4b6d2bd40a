import CRM
import Foundation
import Scripting
import Services
import Store

/// Executes requests and runs over one store: takes what is asked, puts as much as is sensible into one commit, and
/// answers after it. All of it happens on the thread that calls `turn`.
///
/// Not Sendable: it owns the core and its Lua states.
final class EngineLoop {
  /// Which runs are executed.
  enum Scope {
    /// Everything that is queued or due: an engine that stays.
    case everything
    /// The lanes of what was asked here: a command line that hands over afterwards.
    case asked
  }

  struct Job {
    var request: EngineRequest
    var reply: (Result<EngineAnswer, any Error>) -> Void
  }

  /// A caller that waits until the runs of its change have settled.
  private struct Ticket {
    var transition: Transition
    var reply: (Result<EngineAnswer, any Error>) -> Void
  }

  let store: Store
  let core: EngineCore
  private let clock: () -> Instant
  private let scope: Scope
  private var tickets: [Int64: [Ticket]] = [:]
  private var drains: [(Result<EngineAnswer, any Error>) -> Void] = []
  private var callsInFlight = 0
  /// A group ends after this much time in it, so that nobody waits long for somebody else's scripts.
  private let groupBudget: Duration = .milliseconds(5)

  init(store: Store, core: EngineCore, scope: Scope, clock: @escaping () -> Instant) {
    self.store = store
    self.core = core
    self.scope = scope
    self.clock = clock
  }

  var now: Instant { clock() }

  /// What is to happen after a commit.
  private struct Group {
    var replies: [() -> Void] = []
    var moreToDo = false
  }

  /// One group: jobs, answers of services, what is due, and queued segments, in one commit.
  /// - Returns: the calls to carry out, and whether more can be done at once.
  func turn(jobs: [Job], answers: [(StepCall, Result<Value, ServiceFailure>)]) -> (calls: [StepCall], more: Bool) {
    var group = Group()
    let before = (tickets, drains)
    do {
      group = try store.write { tx in try execute(jobs: jobs, answers: answers, tx: tx) }
    } catch {
      core.reset()
      (tickets, drains) = before
      // Callers whose change was committed in an earlier group keep waiting; only the news of their runs is late.
      group = Group()
      // The whole transaction was lost, or could not be committed: one by one, each gets its own answer.
      for job in jobs { oneByOne(&group, job) { tx in try execute(jobs: [job], answers: [], tx: tx) } }
      for answer in answers { oneByOne(&group, nil) { tx in try execute(jobs: [], answers: [answer], tx: tx) } }
      if jobs.isEmpty && answers.isEmpty { failure = error }
    }
    callsInFlight -= answers.count
    for reply in group.replies { reply() }
    let calls = core.takeCommands().map { command in
      switch command {
      case .call(let call): call
      }
    }
    callsInFlight += calls.count
    return (calls, group.moreToDo)
  }

  /// An error that kept even the engine's own work from being committed.
  private(set) var failure: (any Error)?

  var isIdle: Bool { callsInFlight == 0 && tickets.isEmpty && drains.isEmpty }

  private func oneByOne(_ group: inout Group, _ job: Job?, _ body: (any StoreTransaction) throws -> Group) {
    let before = (tickets, drains)
    do {
      let done = try store.write(body)
      group.replies += done.replies
      group.moreToDo = group.moreToDo || done.moreToDo
    } catch {
      core.reset()
      (tickets, drains) = before
      job?.reply(.failure(error))
      if job == nil { failure = error }
    }
  }

  private func execute(
    jobs: [Job], answers: [(StepCall, Result<Value, ServiceFailure>)], tx: any StoreTransaction
  ) throws -> Group {
    var group = Group()
    let started = ContinuousClock.now
    for (call, result) in answers {
      try core.answer(runID: call.runID, segment: call.segment, result, tx: tx, now: now)
    }
    for job in jobs { try execute(job, &group, tx) }
    if scope == .everything || !drains.isEmpty { try core.wakeDue(tx: tx, now: now) }
    group.moreToDo = true
    while ContinuousClock.now - started < groupBudget {
      if try !stepOnce(tx) {
        group.moreToDo = false
        break
      }
    }
    try collectReplies(&group, tx)
    return group
  }

  private func stepOnce(_ tx: any StoreTransaction) throws -> Bool {
    if scope == .everything || !drains.isEmpty { return try core.step(tx: tx, now: now) }
    return try core.stepFollowed(tx: tx, now: now)
  }

  private func execute(_ job: Job, _ group: inout Group, _ tx: any StoreTransaction) throws {
    do {
      switch job.request {
      case .transition(let request):
        let transition = try core.transition(request, tx: tx, now: now)
        wait(for: transition, job.reply)
      case .demand(let automation, let deal, let actor):
        let transition = try core.demand(automation: automation, deal: deal, actor: actor, tx: tx, now: now)
        wait(for: transition, job.reply)
      case .retry(let runID, let sameScript, let restart, let force):
        let run = try core.retry(
          runID: runID, sameScript: sameScript, restart: restart, force: force, tx: tx, now: now)
        let transition = Transition(
          deal: RecordRef(.deal, run.dealID ?? 0), from: "", to: "", moved: false, origin: run.origin, runs: [run])
        core.follow(transition)
        wait(for: transition, job.reply)
      case .cancel(let runID):
        let run = try core.cancel(runID: runID, tx: tx, now: now)
        var answer = EngineAnswer()
        answer.runs = [RunAnswer(run)]
        let result = answer
        group.replies.append { job.reply(.success(result)) }
      case .drain:
        drains.append(job.reply)
      }
    } catch let fault as EngineFault {
      group.replies.append { job.reply(.failure(fault)) }
    } catch let error as StoreError where error.kind == .notFound || error.kind == .constraint {
      group.replies.append { job.reply(.failure(error)) }
    }
  }

  private func wait(for transition: Transition, _ reply: @escaping (Result<EngineAnswer, any Error>) -> Void) {
    tickets[transition.origin, default: []].append(Ticket(transition: transition, reply: reply))
  }

  /// Finds the callers whose runs have settled in this group; they are told after its commit.
  private func collectReplies(_ group: inout Group, _ tx: any StoreTransaction) throws {
    for origin in tickets.keys.sorted() where try core.isSettled(origin: origin, tx: tx) {
      let runs = core.takeRuns(origin: origin)
      for ticket in tickets.removeValue(forKey: origin) ?? [] {
        let answer = try answer(ticket.transition, runs: runs, tx)
        group.replies.append { ticket.reply(.success(answer)) }
      }
    }
    if !drains.isEmpty, callsInFlight == 0, try tx.openRuns([.queued, .running], limit: 1).isEmpty {
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
    for id in runs {
      guard let run = try tx.run(id) else { continue }
      answer.runs.append(RunAnswer(run))
      answer.warnings += run.warnings
    }
    return answer
  }
}
