import CRM
import Foundation
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// What the promises come to where several of them meet.
@Suite("Hard cases")
struct HardCaseTests {
  private static let send = "chat.send('floriane@altitude.example', 'Bonjour')"

  /// A shop whose chat fails when it is told to.
  private func shop(_ scripts: [String: String], limits: String = "", unfused: Bool = true) throws -> (TestShop, FaultyService) {
    var faulty: FaultyService?
    let shop = try TestShop(scripts, limits: limits, mode: .init(unfused: unfused)) { declaration in
      let service = FaultyService(LocalChat(declaration))
      faulty = service
      return ServiceRegistry(services: ServiceRegistry.local(declaration).services + [service])
    }
    return (shop, try #require(faulty))
  }

  @Test("sources that were first noted in a segment that failed are noted again (Programs.presentBundle)")
  func rolledBackBundle() throws {
    let shop = try TestShop([
      "a": "on.enter('Créer documents', function (deal) deal:move_to('Confirmé') error('x') end)",
      "b": "on.enter('Confirmé', function (deal) end)",
    ])
    try shop.move("Créer documents")
    try shop.rewrite("b", "on.enter('Confirmé', function (deal) deal.place = 'new' end)")
    try shop.retryFirst(sameScript: true)
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.value("place") == .text("new"))
  }

  @Test("a run that is cancelled while its step is under way ends there, also when the step fails for the moment")
  func cancelledStep() throws {
    let (shop, chat) = try shop(["a": "on.enter('Confirmé', function (deal) \(Self.send) end)"])
    chat.fail(with: .timeout, times: 1)
    try shop.move("Confirmé")
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: id, tx: tx, now: shop.now) }
    try shop.settle()
    try shop.advance(.hours(2))
    #expect(try shop.runStates() == ["a: cancelled"])
    #expect(try shop.messages().isEmpty)
  }

  @Test("a call says itself how often it is tried again", arguments: [(0, "failed"), (1, "succeeded")], [false, true])
  func ownRetries(_ how: (retries: Int, end: String), unfused: Bool) throws {
    let (retries, end) = how
    let (shop, chat) = try shop([
      "a": "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'x', { retries = \(retries) }) end)"
    ], unfused: unfused)
    chat.fail(with: .timeout, times: 1)
    try shop.move("Confirmé")
    try shop.settle()
    try shop.advance(.hours(2))
    #expect(try shop.runStates() == ["a: \(end)"])
  }

  @Test("a read that had to be tried again leaves the replay as it was (ServiceModules: invalidateFields)")
  func suspendedRead() throws {
    let (shop, chat) = try shop(
      [
        "a": "on.enter('Confirmé', function (deal) local t = deal.title chat.find_user('floriane@altitude.example') local u = deal.title sleep('1 day') deal.place = u end)"
      ], unfused: false)
    chat.fail(with: .timeout, times: 1)
    try shop.move("Confirmé")
    for _ in 0..<3 { try shop.advance(.days(1)) }
    #expect(try shop.runStates() == ["a: succeeded"])
  }

  @Test("a changed script that is begun anew sends what is new, and what is old once (RunHost.nextKey)")
  func restartChanged() throws {
    let (shop, _) = try shop(["m": "on.enter('Confirmé', function (deal) \(Self.send) error('x') end)"])
    try shop.move("Confirmé")
    try shop.settle()
    try shop.rewrite("m", "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'new') \(Self.send) end)")
    try shop.retryFirst(from: 1)
    #expect(try shop.messages().map(\.text) == ["Bonjour", "new"])
  }

  @Test("each segment has its budget, however many were before it (ScriptContext.perform: restartBudgets)")
  func longReplay() throws {
    let shop = try TestShop(
      ["a": "on.enter('Confirmé', function (deal) for s = 1, 4 do for i = 1, 90 do crm.deal('d1') end sleep('1 day') end deal.place = 'end' end)"],
      limits: "{ host_calls = 120 }")
    try shop.move("Confirmé")
    for _ in 0..<5 { try shop.advance(.days(1)) }
    #expect(try shop.runStates() == ["a: succeeded"])
    #expect(try shop.value("place") == .text("end"))
  }

  @Test("a retry finds its automation by name, wherever it stands in the edited file")
  func movedAutomation() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) error('x') end, { name = 'first' })"])
    try shop.move("Confirmé")
    try shop.rewrite(
      "a",
      """
      on.enter('Qualifié', function (deal) deal.place = 'zero' end, { name = 'zero' })
      on.enter('Confirmé', function (deal) deal.place = 'first' end, { name = 'first' })
      """)
    try shop.retryFirst()
    #expect(try shop.value("place") == .text("first"))
  }

  @Test("a retry never takes a guard for the run, whatever its name")
  func guardOfThatName() throws {
    let shop = try TestShop(["x": "on.enter('Confirmé', function (deal) error('x') end)"])
    try shop.move("Confirmé")
    try shop.rewrite(
      "x", "on.before_enter('Confirmé', function (deal) end)\non.enter('Confirmé', function (deal) end, { name = 'other' })")
    let fault = #expect(throws: EngineFault.self) { try shop.retryFirst() }
    #expect(fault?.message.contains("no automation x any more") == true)
  }

  @Test("a command line executes what a woken run causes, too (FollowedOrigins.add)")
  func causedByWoken() throws {
    let shop = try TestShop([
      "w": "on.enter('Créer documents', function (deal) wait(deal:reaches('Confirmé'), '7 days') deal:win() end)",
      "x": "on.won(function (deal) deal.place = 'won' end)",
    ])
    let access = EngineAccess(try WorkspaceFolder(shop.folder.url))
    for stage in ["Créer documents", "Confirmé"] {
      _ = try access.perform(
        .transition(TransitionRequest(deal: "d1", change: .move(stage: stage, from: nil), actor: "user:test")))
    }
    #expect(try shop.runStates() == ["w: succeeded", "x: succeeded"])
    #expect(try shop.value("place") == .text("won"))
  }

  @Test("what a failed segment woke or replaced is as it was, for callers and for the log (EngineCore.undoing)")
  func undoneWaking() throws {
    let shop = try TestShop([
      "w": "on.enter('Créer documents', function (deal) wait(deal:reaches('Confirmé'), '7 days') end)",
      "x": "on.enter('Créer documents', function (deal) deal:move_to('Confirmé') deal:move_to('Créer documents') error('x') end)",
    ])
    let moved = try shop.transition(
      TransitionRequest(deal: "d1", change: .move(stage: "Créer documents", from: nil), actor: "user:test"))
    var ended: [String] = []
    while try shop.store.write({ tx in try shop.core.step(tx: tx, now: shop.now) }) {
      for case .ended(let run) in shop.core.takeCommands() { ended.append("\(run.automation): \(run.status.rawValue)") }
    }
    #expect(ended == ["x: failed"])
    #expect(try shop.runStates() == ["w: waiting", "x: failed"])
    #expect(shop.core.takeRuns(origin: moved.origin).count == 2)
  }

  @Test("after a crash whose culprit is not known, what was asked is committed before it executes (EngineCore.isCautious)")
  func cautious() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) deal.place = 'done' end)"])
    shop.core.isCautious = true
    let loop = EngineLoop(store: shop.store, core: shop.core, scope: .everything, clock: { shop.now })
    _ = loop.turn(
      jobs: [
        EngineLoop.Job(
          request: .transition(
            TransitionRequest(deal: "d1", change: .move(stage: "Confirmé", from: nil), actor: "user:test")), reply: { _ in })
      ], answers: [])
    #expect(try shop.runStates() == ["a: queued"])
    _ = loop.turn(jobs: [], answers: [])
    #expect(try shop.runStates() == ["a: succeeded"])
  }

  @Test("promise 6: runs that wake each other in a circle stop, with the path (EngineCore.wake: LoopGuard.extend)")
  func wakingCircle() throws {
    let shop = try TestShop([
      "a": "on.leave('Qualifié', function (deal) while true do wait(deal:reaches('Confirmé'), '1 day') deal:move_to('Créer documents') end end)",
      "b": "on.leave('Qualifié', function (deal) while true do wait(deal:reaches('Créer documents'), '1 day') deal:move_to('Confirmé') end end)",
    ])
    try shop.move("Documents prêts")
    try shop.settle()
    try shop.move("Confirmé")
    try shop.settle()
    let failed = try shop.runs().filter { $0.status == .failed }
    #expect(!failed.isEmpty)
    #expect(failed.contains { shop.error(of: $0).contains("go in a circle") }, "\(failed.map(shop.error))")
  }

  @Test("promise 8: a dry run tells of all automations, also behind one that waits")
  func dryRunWaits() throws {
    let shop = try TestShop([
      "a": "on.enter('Confirmé', function (deal) deal.place = 'before' wait(deal:becomes('won'), '60 days') deal.place = 'after' end)",
      "b": "on.enter('Confirmé', function (deal) deal.promo = 'b' end)",
    ])
    let services = shop.services
    let report = try DryRun.transition(
      DryRun.Stage(store: shop.store, version: shop.version) { _ in services },
      TransitionRequest(deal: "d1", change: .move(stage: "Confirmé", from: nil), actor: "user:test"), now: shop.now)
    let told = report.lines.joined(separator: "\n")
    for part in ["deal d1: Qualifié → Confirmé", "\"before\"", "60 days", "promo", "\"b\""] { #expect(told.contains(part), "\(told)") }
    #expect(!told.contains("\"after\""))
    #expect(try shop.runs().isEmpty)
  }

  @Test("a command line also executes the run that its own script wakes (FollowedOrigins.add)")
  func wokenByScript() throws {
    let shop = try TestShop([
      "w": "on.demand('w', function (deal) wait(deal:reaches('Créer documents')) deal.place = 'woken' end)",
      "m": "on.enter('Confirmé', function (deal) deal:move_to('Créer documents') end)",
    ])
    let access = EngineAccess(try WorkspaceFolder(shop.folder.url))
    _ = try access.perform(.demand(automation: "w", deal: "d1", actor: "user:test"))
    _ = try access.perform(
      .transition(TransitionRequest(deal: "d1", change: .move(stage: "Confirmé", from: nil), actor: "user:test")))
    #expect(try shop.value("place") == .text("woken"))
  }

  @Test("promise 7: what a script makes its host keep counts against its memory, and pcall does not catch that", arguments: [
    "deal.place = s .. i", "deal:add_note(s .. i)", "warn(s .. i)", "deal.place = s deal.promo = tostring(i) local t = deal.place",
  ])
  func keptByTheHost(write: String) throws {
    let shop = try TestShop(
      ["a": "on.enter('Confirmé', function (deal) local s = ('x'):rep(1000000) for i = 1, 100 do pcall(function () \(write) end) end end)"],
      limits: "{ memory = 16 }")
    try shop.move("Confirmé")
    let run = try #require(try shop.runs().first)
    #expect(run.status == .failed && RunFault(text: run.error ?? "").kind == "memory_limit", "\(shop.error(of: run))")
    let kept = try shop.store.read { try $0.journal(of: run.id) }.map { $0.entries.utf8.count }.reduce(0, +)
    #expect(kept < 1 << 20, "what was undone is not kept whole")
  }

  @Test("a stage is waited for by name, whichever pipeline it is in (Waits.state)")
  func twoPipelines() throws {
    let shop = try TestShop(["w": "on.demand('w', function (deal) deal.place = wait(deal:reaches('Confirmé'), '60 days').state end)"])
    try shop.folder.write(
      "workspace.lua",
      TestShop.declaration.replacingOccurrences(
        of: "pipelines = {", with: "pipelines = { { name = 'First', stages = { 'Confirmé' } },"
      ).replacingOccurrences(of: "LIMITS", with: ""))
    try shop.rewrite("x", "-- nothing")
    try shop.store.write { try $0.synchronize(pipelines: shop.version.declaration.pipelines) }
    try shop.move("Confirmé")
    try shop.demand("w")
    try shop.settle()
    #expect(try shop.value("place") == .text("reached"))
  }

  @Test("values as deep as scripts may give them come back from the journal")
  func deepValues() throws {
    var value = Value.integer(1)
    for _ in 0..<40 { value = .object([ValueField("a", value)]) }
    let entry = JournalEntry(tag: "x", answer: value, failure: nil)
    #expect(try JournalEntry.decode(JournalEntry.encode([entry])).first?.answer == value)
  }

  @Test("coroutines, loops, pcall around steps and waits, <close>, random numbers: one history in every mode")
  func shapes() throws {
    let script = """
      on.enter('Créer documents', function (deal)
        local out = {}
        local step = coroutine.wrap(function ()
          for i = 1, 3 do coroutine.yield(chat.send('floriane@altitude.example', 'c' .. i).id) end
        end)
        for i = 1, 3 do out[#out + 1] = step() end
        for i = 1, 3 do
          out[#out + 1] = tostring((pcall(chat.send, i == 2 and 'nobody@x.example' or 'floriane@altitude.example', 'l')))
        end
        out[#out + 1] = tostring((pcall(function () sleep('1 hour') chat.send('nobody@x.example', 'x') end)))
        do
          local c <close> = setmetatable({}, { __close = function () deal:add_note('closed') end })
          chat.send('floriane@altitude.example', 'in close')
        end
        sleep('1 hour')
        out[#out + 1] = math.random(1, 1000000)
        deal.place = table.concat(out, ',')
      end)
      """
    var results: Set<String> = []
    for unfused in [false, true] {
      for replays in [false, true] {
        let shop = try TestShop(["a": script], mode: .init(unfused: unfused, replaysAlways: replays))
        try shop.move("Créer documents")
        try shop.settle()
        for _ in 0..<2 { try shop.advance(.days(1)) }
        guard case .list(let notes)? = try shop.value("notes") else { continue }
        results.insert(
          "\(try shop.runStates()) \(try shop.value("place")?.plainText ?? "") \(try shop.messages().count) \(notes.count)")
      }
    }
    #expect(results.count == 1, "\(results)")
    #expect(results.first?.contains("a: succeeded") == true)
  }

  @Test("a database that was replaced under the engine is not written to (Store.write: FileIdentity)")
  func replacedDatabase() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) end)"])
    let path = try WorkspaceFolder(shop.folder.url).database
    try FileManager.default.copyItem(atPath: path, toPath: path + ".new")
    try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
    try FileManager.default.moveItem(atPath: path + ".new", toPath: path)
    let fault = #expect(throws: StoreError.self) { try shop.move("Confirmé") }
    #expect(fault?.message.contains("replaced or removed") == true)
  }
}
