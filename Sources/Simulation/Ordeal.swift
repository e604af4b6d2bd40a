import CRM
import Engine
import Store

/// A short story that is always the same, under one trouble of the disk at one chosen moment: for tests that try every
/// moment there is.
public struct Ordeal: Sendable {
  /// What the disk is told, and when.
  public enum Trouble: Sendable, CustomStringConvertible {
    /// The nth operation of a kind fails, and so many after it.
    case fails(FaultDisk.Operation, FaultDisk.Fault, nth: Int, times: Int)
    /// The power goes at the nth operation that changes the disk.
    case loses(FaultDisk.Loss, nth: Int)

    public var description: String {
      switch self {
      case .fails(let operation, let fault, let nth, let times): "\(operation) \(nth) \(fault), \(times) times"
      case .loses(let loss, let nth): "power lost at change \(nth), \(loss)"
      }
    }
  }

  /// The promise that was broken; nil when all were kept.
  public var fault: String?
  /// Whether the story came to the moment; after the last one there is nothing more to try.
  public var isReached = false
  public var trace: [String] = []

  /// Tells the story.
  /// - Parameter atStart: the trouble comes while a process begins and recovers what a dead one has left, not before.
  public init(_ trouble: Trouble, atStart: Bool, on stage: Stage) {
    do {
      let world = try World(seed: 1, stage)
      defer { trace = world.trace }
      do {
        world.isCalm = true
        world.looksAlways = false
        try world.start()
        if atStart {
          // Runs in hand, queued, backing off and waiting, and a log that was not copied into the database.
          try world.firstPart()
          world.crash(.nothing)
        }
        let before = world.prepare(trouble)
        if atStart { try world.start() } else { try world.firstPart() }
        isReached = world.hasCome(to: trouble, since: before)
        try world.secondPart()
        isReached = isReached || (!atStart && world.hasCome(to: trouble, since: before))
        try world.comeToRest()
      } catch {
        fault = "\(error)"
      }
    } catch {
      fault = "\(error)"
    }
  }
}

extension World {
  fileprivate func prepare(_ trouble: Ordeal.Trouble) -> Int {
    switch trouble {
    case .fails(let operation, let fault, let nth, let times):
      let before = disk.count(operation)
      disk.fail(operation, fault, nth: nth, times: times)
      diskIsBad = true
      return before
    case .loses(let loss, let nth):
      lossOfPower = loss
      disk.cutPower(at: nth)
      return crashes
    }
  }

  fileprivate func hasCome(to trouble: Ordeal.Trouble, since before: Int) -> Bool {
    switch trouble {
    case .fails(let operation, _, let nth, _): disk.count(operation) >= before + nth
    case .loses: crashes > before
    }
  }

  fileprivate func firstPart() throws {
    try please(move("Devis", "d1"), move("Accord", "d3"))
    try edit("d2", "blocked", "yes")
    try serve(.losesAnswer)
    try please(move("Envoi", "d2"), move("Devis", "d2"))
    try serve(.answers)
    // In hand when the first part is over.
    try please(move("Devis", "d3"))
  }

  fileprivate func secondPart() throws {
    try serve(.answers)
    try tried { try process?.store.checkpoint() }
    try please(.close(.lost), "d3")
    now += 2 * 3_600_000
    try serve(.twice)
    try please(.close(.won), "d1")
    try end()
    if disk.isOff { powerReturns() }
    try serve(.answers)
  }

  private func move(_ stage: String, _ deal: String) -> (TransitionChange, String) { (.move(stage: stage, from: nil), deal) }

  private func please(_ change: TransitionChange, _ deal: String) throws { try please((change, deal)) }

  private func please(_ changes: (TransitionChange, String)...) throws {
    if process == nil { try start() }
    var jobs: [EngineLoop.Job] = []
    for (change, deal) in changes {
      let id = "w\(wishes.count)"
      jobs.append(
        ask(Wish(request: TransitionRequest(deal: deal, change: change, actor: "user:\(id)", requestID: id))))
    }
    try turn(jobs)
    for _ in 0..<6 where process?.mayDoMore == true { try turn() }
  }

  /// Every call that was asked for is carried out, and its answer taken up.
  private func serve(_ mood: Courier.Mood) throws {
    for _ in 0..<6 {
      if process == nil { try start() }
      stage.courier.set(mood)
      if process?.calls.isEmpty == false { try tried { process?.carryOut(0) } }
      try turn()
      if let process, process.calls.isEmpty, process.answers.isEmpty, !process.mayDoMore { break }
    }
  }

  private func tried(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      guard diskIsBad || disk.isOff else { throw error }
    }
    if disk.isOff { powerReturns() }
  }
}
