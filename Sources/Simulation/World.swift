import CRM
import Engine
import Store

/// All that a simulation has: a disk, a clock, a vendor, people, and the engine's present process.
final class World {
  /// Somebody's wish to change a deal, and what that person was told.
  struct Wish {
    var request: TransitionRequest
    /// Told that it happened, which must be true for ever; otherwise it may have happened, once.
    var isDone = false
  }

  /// Somebody's edit of a field, by hand.
  struct Edit {
    var actor: String
    var isDone: Bool
  }

  let stage: Stage
  let disk: FaultDisk
  var random: SplitMix
  var now: Int64 = Stage.start.milliseconds
  var process: SimulatedProcess?
  private var onlooker: Onlooker?
  /// What the onlooker knows of the last commit.
  private var seen: [[Substring]] = []
  private(set) var wishes: [Wish] = []
  private var edits: [Edit] = []
  /// Whether the disk was told to fail since it was last mended: errors are to be expected then.
  var diskIsBad = false
  /// Nothing breaks any more.
  var isCalm = false
  private var version = 0
  /// After every commit, not only after crashes and at the end.
  var looksAlways = true
  private let unfused: Bool
  private let replaysAlways: Bool
  /// Runs that were seen in hand in their lanes, after the last commit.
  private var holders: [Substring: Substring] = [:]
  private(set) var crashes = 0
  private(set) var trace: [String] = []

  init(seed: UInt64, _ stage: Stage) throws {
    self.stage = stage
    random = SplitMix(state: seed)
    disk = try stage.freshDisk(seed: seed &* 0x9e37_79b9_7f4a_7c15)
    stage.courier.forget()
    unfused = random.next() % 3 == 0
    replaysAlways = random.next() % 3 == 0
    tell("unfused: \(unfused), replays always: \(replaysAlways)")
  }

  // Whoever has a file open on the disk goes before the disk.
  deinit { drop() }

  func tell(_ line: @autoclosure () -> String) { trace.append("\(now - Stage.start.milliseconds) ms: \(line())") }

  func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
  func chance(_ percent: Int) -> Bool { below(100) < percent }

  // MARK: Processes

  /// A process begins, and recovers; if the disk breaks under it, another one does.
  func start() throws {
    var attempts = 0
    while process == nil {
      attempts += 1
      // The power may go while it recovers, too, and the disk fail; but not for ever.
      if !isCalm, attempts < 4, chance(25) { disk.cutPower(at: 1 + below(12)) }
      if !isCalm, attempts < 4, chance(10) { breakDisk() }
      do {
        process = try begin()
      } catch {
        guard disk.isOff || diskIsBad, attempts < 5 else { throw SimulationFault("no process can begin: \(error)") }
        tell("a process could not begin: \(error)")
        if disk.isOff { powerReturns() } else { mend() }
      }
    }
    try look(afterCrash: true)
  }

  private func begin() throws -> SimulatedProcess {
    try SimulatedProcess(
      disk,
      SimulatedProcess.SetUp(
        version: stage.versions[version], services: stage.services, unfused: unfused, replaysAlways: replaysAlways,
        seed: random.next(), clock: { [unowned self] in tick() },
        beginGroup: { [unowned self] in
          var left = below(5)
          return {
            left -= 1
            return left >= -1
          }
        }))
  }

  /// No two things happen in one millisecond, so that each can be told from all others.
  func tick() -> Instant {
    now += 1
    return Instant(milliseconds: now)
  }

  /// The process is gone, as by `kill -9`, or with the power.
  func crash(_ loss: FaultDisk.Loss) {
    crashes += 1
    tell("crash, \(loss)")
    disk.cutPower(at: 0)
    drop()
    disk.restart(loss)
    diskIsBad = false
  }

  /// What is lost with the power; nil: the seed says.
  var lossOfPower: FaultDisk.Loss?

  /// After the power has gone at a moment that was chosen before.
  func powerReturns() {
    crashes += 1
    let loss = lossOfPower ?? (chance(30) ? .unsynced : .torn)
    tell("the power went, \(loss)")
    drop()
    disk.restart(loss)
    diskIsBad = false
  }

  private func drop() {
    onlooker = nil
    process = nil
    holders.removeAll()
  }

  /// The process ends in order, and closes its database.
  func end() throws {
    tell("the process ends")
    onlooker = nil
    do {
      try process?.end()
    } catch {
      guard diskIsBad || disk.isOff else { throw error }
    }
    process = nil
    holders.removeAll()
  }

  func breakDisk() {
    let operations: [FaultDisk.Operation] = [.read, .write, .write, .sync, .sync, .truncate, .open, .delete, .lock]
    let operation = operations[below(operations.count)]
    let fault: FaultDisk.Fault = operation == .write && chance(50) ? .full : operation == .lock ? .locked : .broken
    let (nth, times) = (1 + below(20), chance(70) ? 1 : 1 + below(40))
    tell("the disk will fail: \(operation), \(fault), the \(nth)th, \(times) times")
    disk.fail(operation, fault, nth: nth, times: times)
    diskIsBad = true
  }

  func mend() {
    disk.mend()
    diskIsBad = false
  }

  func editScripts() {
    version = 1 - version
    tell("the scripts are those of version \(version + 1)")
    process?.replace(stage.versions[version])
  }

  // MARK: Turns

  /// One group of the engine, and what follows from it.
  func turn(_ jobs: [EngineLoop.Job] = [], takingAnswers: Bool = true) throws {
    guard let process else { return }
    var answers: [StepAnswer] = []
    if takingAnswers {
      // In any order: each service has its own pace.
      while !process.answers.isEmpty, chance(80) { answers.append(process.answers.remove(at: below(process.answers.count))) }
    }
    let failure = process.turn(jobs, answers: answers)
    if disk.isOff { return powerReturns() }
    if let failure {
      guard diskIsBad else { throw SimulationFault("the engine ends: \(failure)") }
      tell("the engine ends: \(failure)")
      try end()
      return
    }
    // A group that was lost is executed again one by one, and what executed in it first has left no trace to compare with.
    try look(executed: diskIsBad ? [] : process.executed, answered: answers.map(\.call.runID))
  }

  /// Turns until nothing more can be done at once.
  func turnToRest() throws {
    var turns = 0
    repeat {
      try turn()
      turns += 1
      if turns > 500 { throw SimulationFault("the engine does not come to rest") }
    } while process?.mayDoMore == true && !diskIsBad
  }

  // MARK: People

  func ask(_ wish: Wish) -> EngineLoop.Job {
    let place = wishes.firstIndex { $0.request.requestID == wish.request.requestID } ?? wishes.count
    if place == wishes.count { wishes.append(wish) }
    tell("\(wish.request.actor) asks for \(wish.request.change) of \(wish.request.deal)")
    return EngineLoop.Job(request: .transition(wish.request)) { [unowned self] result in
      switch result {
      case .success(let answer):
        tell("\(wish.request.actor) is told: \(answer.moved ? "\(answer.from) → \(answer.to)" : "nothing"), \(answer.rejected)")
        if answer.moved { wishes[place].isDone = true }
      case .failure(let error):
        tell("\(wish.request.actor) is told: \(error)")
        if error is StoreError, !diskIsBad, !disk.isOff { surprise = "\(wish.request.actor) was told: \(error)" }
      }
    }
  }

  /// What nobody can throw where it was seen.
  private var surprise: String?

  func edit(_ deal: String, _ field: String, _ value: String) throws {
    guard let process else { return }
    let actor = "user:e\(edits.count)"
    tell("\(actor) sets \(field) of \(deal) to \(value)")
    edits.append(Edit(actor: actor, isDone: false))
    do {
      let at = tick()
      let changes = try process.store.write { tx -> Bool in
        guard let ref = try tx.find(.deal, key: deal) else { return false }
        let changes = try tx.value(ref, field) != .text(value)
        try tx.set(ref, field, .text(value), author: Author(actor: actor), at: at)
        return changes
      }
      edits[edits.count - 1].isDone = changes
    } catch {
      tell("\(actor) is told: \(error)")
      guard diskIsBad || disk.isOff else { throw error }
      if disk.isOff { return powerReturns() }
    }
    try look()
  }

  // MARK: Looking

  /// All that must be true now.
  func look(executed: [Int64] = [], answered: [Int64] = [], afterCrash: Bool = false, atRest: Bool = false) throws {
    if let surprise { throw SimulationFault(surprise) }
    guard !disk.isOff, process != nil, looksAlways || afterCrash || atRest else { return }
    try disk.looking {
      let onlooker = try self.onlooker ?? Onlooker(disk.database)
      self.onlooker = onlooker
      try checkCourier(onlooker)
      // Nothing was committed since: what was true is true.
      let present = try onlooker.rows("PRAGMA data_version")
      if present == seen, !afterCrash, !atRest { return }
      seen = present
      try Invariants.check(Invariants.all, onlooker)
      if atRest { try Invariants.check(Invariants.atRest(now), onlooker) }
      try checkLanes(executed, answered, onlooker)
      try checkTold(onlooker)
      guard afterCrash || atRest || chance(20) else { return }
      try DealModel.check(onlooker)
      let integrity = try onlooker.rows("PRAGMA integrity_check").flatMap { $0 }
      if integrity != ["ok"] { throw SimulationFault("the database is damaged: \(integrity)") }
    }
  }

  /// What was answered to somebody is there, once; what was not may be there, once.
  private func checkTold(_ onlooker: Onlooker) throws {
    var found: [Substring: Int] = [:]
    let rows = try onlooker.rows(
      """
      SELECT actor, COUNT(*) FROM history WHERE actor GLOB 'user:[we]*' AND (changes <> '{}' OR stage_to IS NOT NULL)
      GROUP BY actor
      """)
    for row in rows { found[row[0]] = Int(row[1]) }
    let told = wishes.map { ($0.request.actor, $0.isDone) } + edits.map { ($0.actor, $0.isDone) }
    for (actor, isDone) in told {
      let count = found[Substring(actor), default: 0]
      if isDone && count == 0 { throw SimulationFault("promise 1: what \(actor) was told is lost") }
      if count > 1 { throw SimulationFault("promise 1: what \(actor) asked for happened \(count) times") }
    }
  }

  /// One run of a deal after the other: whoever has come to a step keeps the lane until its answer is taken up.
  private func checkLanes(_ executed: [Int64], _ answered: [Int64], _ onlooker: Onlooker) throws {
    let rows = try onlooker.rows("SELECT id, deal_id, status FROM run")
    var sequences: [Substring: [Substring]] = [:]
    for run in executed {
      guard let row = rows.first(where: { $0[0] == Substring(String(run)) }) else { continue }
      sequences[row[1], default: []].append(row[0])
    }
    var present: [Substring: Substring] = [:]
    for row in rows where row[2] == "running" { present[row[1]] = row[0] }
    for (lane, sequence) in sequences {
      // An answer that says "later" sets the lane free, too.
      if let holder = holders[lane], sequence.first != holder, !answered.contains(Int64(holder) ?? 0) {
        throw SimulationFault("promise 5: run \(sequence[0]) of deal \(lane) executed while run \(holder) was in hand")
      }
      if let holder = present[lane], sequence.last != holder {
        throw SimulationFault("promise 5: after run \(holder) of deal \(lane) had come to a step, \(sequence) executed")
      }
    }
    holders = present
  }

  /// What the vendor knows was begun in a journal before, with this key, and each step has had one effect.
  private func checkCourier(_ onlooker: Onlooker) throws {
    if let fault = stage.courier.faults.first { throw SimulationFault(fault) }
    let parcels = stage.courier.parcels
    if parcels.isEmpty { return }
    let steps = Set(try onlooker.rows("SELECT step_key FROM journal WHERE step_key <> ''").map { String($0[0]) })
    var effects: [Substring: Int] = [:]
    for (key, parcel) in parcels {
      if !steps.contains(key) { throw SimulationFault("promise 3: the courier was asked with \(key), which no journal has") }
      if parcel.operation == "send", parcel.answer != nil { effects[key.prefix { $0 != "/" }, default: 0] += 1 }
    }
    let runs = try onlooker.rows("SELECT id, automation, status FROM run WHERE automation IN ('offer', 'hand')")
    for row in runs {
      let count = effects["run:\(row[0])", default: 0]
      let most = row[1] == "offer" ? 2 : 1
      if count > most || (row[2] == "succeeded" && count != most) {
        throw SimulationFault("promise 3: run \(row[0]), \(row[1]), \(row[2]), has had \(count) effects at the courier")
      }
    }
  }
}
