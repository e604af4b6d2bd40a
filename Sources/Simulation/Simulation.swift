import CRM
import Engine
import Store

/// One history of the engine: people, services, the clock, crashes and a bad disk, all drawn from one seed, with the
/// engine's promises looked at after everything that happens.
public enum Simulation {
  /// What a seed came to.
  public struct Report: Sendable {
    public var seed: UInt64
    /// How often the process or the power went.
    public var crashes: Int
    /// What was asked for.
    public var wishes: Int
    public var accepted: Int
    /// What happened, a line each.
    public var trace: [String]
    /// The promise that was broken; nil when all were kept.
    public var fault: String?
  }

  /// How much happens under a seed, if nobody says otherwise.
  public static let usualEvents = 16

  /// - Parameter events: how much happens.
  public static func run(seed: UInt64, on stage: Stage, events: Int = Simulation.usualEvents) -> Report {
    var report = Report(seed: seed, crashes: 0, wishes: 0, accepted: 0, trace: [])
    do {
      let world = try World(seed: seed, stage)
      do {
        try world.start()
        for _ in 0..<events { try world.happen() }
        try world.comeToRest()
      } catch {
        report.fault = "\(error)"
      }
      report.crashes = world.crashes
      report.wishes = world.wishes.count
      report.accepted = world.wishes.count { $0.isDone }
      report.trace = world.trace
    } catch {
      report.fault = "\(error)"
    }
    return report
  }
}

extension World {
  /// One thing happens.
  func happen() throws {
    if process == nil { try start() }
    guard let process else { return }
    switch below(100) {
    case 0..<32:
      try turn((0...below(3)).map { _ in ask(wish()) })
    case 32..<36:
      // Somebody whose answer was lost asks again.
      if let lost = wishes.last(where: { !$0.isDone }) { try turn([ask(lost)]) }
    case 36..<58:
      if !process.calls.isEmpty { try carryOut(below(process.calls.count)) }
      try turn()
    case 58..<66:
      now += Int64(below(2) == 0 ? below(5_000) : below(3 * 3_600_000))
      tell("time has passed")
      try turn()
    case 66..<70:
      try edit(Stage.deals[below(3)], "blocked", chance(50) ? "yes" : "no")
    case 70..<73:
      try edit(Stage.deals[below(3)], "edits", "\(now)")
    case 73..<76:
      crash(.nothing)
    case 76..<79:
      crash(chance(30) ? .unsynced : .torn)
    case 79..<84:
      tell("the power will go")
      disk.cutPower(at: 1 + below(40))
    case 84..<89:
      breakDisk()
    case 89..<91:
      mend()
    case 91..<93:
      editScripts()
    case 93..<95:
      try rehearse()
    case 95..<97:
      try faultsAside { try process.store.checkpoint() }
    case 97..<98:
      try end()
    default:
      try turn([hand()])
    }
    if chance(60) { try turnSome() }
  }

  private func turnSome() throws {
    for _ in 0..<below(4) where process?.mayDoMore == true { try turn() }
  }

  private func wish() -> Wish {
    let id = "w\(wishes.count)"
    let change: TransitionChange
    switch below(20) {
    case 0...1: change = .close(.won)
    case 2: change = .close(.lost)
    case 3...5: change = .close(.open)
    default:
      // The circle of two stages is there to be stopped, not to fill the time.
      let name = Stage.stages[below(chance(90) ? 4 : 6)]
      change = .move(stage: name, from: chance(20) ? Stage.stages[below(4)] : nil)
    }
    return Wish(
      request: TransitionRequest(deal: Stage.deals[below(3)], change: change, actor: "user:\(id)", requestID: id))
  }

  /// Somebody asks for an automation, or takes up one that failed, or ends one.
  private func hand() -> EngineLoop.Job {
    let run = Int64(1 + below(12))
    let request: EngineRequest =
      switch below(4) {
      case 0: .demand(automation: "hand", deal: Stage.deals[below(3)], actor: "user:hand", requestID: "h\(now)")
      case 1: .retry(again(run))
      case 2: .migrate(runID: run)
      default: .cancel(runID: run)
      }
    tell("somebody asks for \(request)")
    return EngineLoop.Job(request: request) { _ in }
  }

  private func again(_ run: Int64) -> RetryRequest {
    var request = RetryRequest(runID: run)
    request.sameScript = chance(50)
    request.force = true
    request.requestID = "r\(now)"
    return request
  }

  private func carryOut(_ place: Int) throws {
    let moods: [Courier.Mood] = [.answers, .answers, .answers, .twice, .losesAnswer, .unavailable, .tooMany, .refuses]
    let mood = moods[below(moods.count)]
    stage.courier.set(mood)
    if let call = process?.calls[place] { tell("run \(call.runID) asks \(call.call.name), \(call.call.key): \(mood)") }
    try faultsAside { process?.carryOut(place) }
  }

  /// A dry run changes nothing.
  private func rehearse() throws {
    let before = try contents()
    stage.courier.rehearse(true)
    defer { stage.courier.rehearse(false) }
    try faultsAside { try process?.rehearse(wish().request, now: tick()) }
    guard process != nil, !disk.isOff, let before, let after = try contents() else { return }
    if before != after { throw SimulationFault("promise 8: a dry run has changed the database") }
  }

  private func contents() throws -> [[Substring]]? {
    guard process != nil, !disk.isOff else { return nil }
    return try disk.looking {
      try Onlooker(disk.database).rows(
        """
        SELECT (SELECT COUNT(*) FROM event), (SELECT COUNT(*) FROM run), (SELECT COUNT(*) FROM history),
          (SELECT group_concat(custom || stage_id || status) FROM deal), (SELECT COUNT(*) FROM message),
          (SELECT COUNT(*) FROM journal), (SELECT group_concat(name || value) FROM counter)
        """)
    }
  }

  /// Something that may fail on a bad disk, and be refused for good reasons, and no more.
  private func faultsAside(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      guard error is EngineFault || diskIsBad || disk.isOff else { throw error }
    }
    if disk.isOff { powerReturns() }
  }

  /// The disk is sound again, services answer, the clock goes on: all that was begun comes to its end.
  func comeToRest() throws {
    tell("all is well again")
    if disk.isOff { powerReturns() }
    mend()
    disk.cutPower(at: .max)
    isCalm = true
    if process == nil { try start() }
    var rounds = 0
    while let process {
      rounds += 1
      if rounds > 400 { throw SimulationFault("what was begun does not come to its end") }
      stage.courier.set(.answers)
      if !process.calls.isEmpty { process.carryOut(0) }
      try turnToRest()
      if !process.calls.isEmpty || !process.answers.isEmpty || process.mayDoMore { continue }
      guard let due = process.nextDue else { break }
      now = max(now, due.milliseconds)
    }
    try look(atRest: true)
    try end()
    crash(.torn)
    try start()
    try look(afterCrash: true, atRest: true)
  }
}
