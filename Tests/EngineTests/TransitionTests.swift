import CRM
import Store
import TestSupport
import Testing

@testable import Engine

/// Promise 1 of the design: a transition is one commit.
@Suite("A transition is one commit")
struct TransitionTests {
  @Test("guards, change, event, history and queued runs are there together (Dispatcher.transition)")
  func together() throws {
    let shop = try TestShop([
      "a": #"on.enter("Confirmé", function (deal) deal.place = "Lyon" end)"#,
      "b": #"on.leave("Qualifié", function (deal) end)"#,
    ])
    let transition = try shop.move("Confirmé")
    #expect(transition.moved)
    #expect(try shop.stageName() == "Confirmé")
    // The first run's first segment is in the same commit (Dispatcher: step 5); the second run is queued.
    #expect(try shop.runStates() == ["a: succeeded", "b: queued"])
    #expect(try shop.value("place") == .text("Lyon"))
    let history = try shop.store.read { try $0.history(of: shop.deal) }
    #expect(history.contains { $0.stageFrom != nil && $0.stageTo != nil && $0.author.actor == "user:test" })
    #expect(history.contains { $0.author.actor == "automation:a" && $0.changes.first?.field == "place" })
  }

  @Test("a rejection leaves everything as it was and tells every reason of every guard")
  func rejection() throws {
    let shop = try TestShop([
      "a": #"on.before_enter("Confirmé", function (deal) reject("one") reject("two %q", deal.title) end)"#,
      "b": #"on.before_enter("Confirmé", function (deal) reject("three") end)"#,
      "c": #"on.enter("Confirmé", function (deal) deal.place = "no" end)"#,
    ])
    let transition = try shop.move("Confirmé")
    #expect(!transition.moved)
    #expect(transition.rejected == ["one", "two \"EDLC pour ACME\"", "three"])
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.runs().isEmpty)
  }

  @Test("a failure after the change undoes the change: the runs can't be queued, so the deal does not move")
  func failureUndoesAll() throws {
    // The third run of one automation on one path is a loop; found while runs are queued, after the stage was changed.
    let shop = try TestShop(
      ["a": #"on.enter("Confirmé", function (deal) end)"#], limits: "{ same_automation_on_path = 1 }")
    #expect(throws: EngineFault.self) { try shop.move("Confirmé") }
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.runs().isEmpty)
    let history = try shop.store.read { try $0.history(of: shop.deal) }
    #expect(!history.contains { $0.stageTo != nil })
  }

  @Test("promise 1: a failure undoes its own change only, not that of others in the same commit (EngineCore.transition: savepoint)")
  func failureUndoesItsOwn() throws {
    let shop = try TestShop(
      ["a": #"on.enter("Confirmé", function (deal) end)"#], limits: "{ same_automation_on_path = 1 }")
    let other = try shop.addDeal("d2")
    let loop = EngineLoop(store: shop.store, core: shop.core, scope: .everything, clock: { shop.now })
    var results: [String: Result<EngineAnswer, any Error>] = [:]
    let jobs = [("d1", "Confirmé"), ("d2", "Créer documents")].map { deal, stage in
      EngineLoop.Job(
        request: .transition(
          TransitionRequest(deal: deal, change: .move(stage: stage, from: nil), actor: "user:test")),
        reply: { results[deal] = $0 })
    }
    _ = loop.turn(jobs: jobs, answers: [])
    #expect(throws: EngineFault.self) { try results["d1"]?.get() }
    #expect(try results["d2"]?.get().moved == true)
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.stageName(of: other) == "Créer documents")
    #expect(try shop.store.read { try !$0.history(of: shop.deal).contains { $0.stageTo != nil } })
  }

  @Test("ALT-04: stages match without regard to accents and case; an unknown one lists the known ones")
  func stageNames() throws {
    let shop = try TestShop()
    #expect(try shop.move("documents PRETS").to == "Documents prêts")
    let fault = #expect(throws: EngineFault.self) { try shop.move("Documents prits") }
    #expect(fault?.kind == .notFound)
    #expect(fault?.message.contains("\"Créer documents\", \"Documents prêts\"") == true)
    #expect(try shop.stageName() == "Documents prêts")
  }

  @Test("ALT-06: moving a deal into its present stage fires nothing")
  func presentStage() throws {
    let shop = try TestShop(["a": #"on.enter("Qualifié", function (deal) end)"#])
    let transition = try shop.move("qualifie")
    #expect(!transition.moved && transition.rejected.isEmpty)
    #expect(try shop.runs().isEmpty)
  }

  @Test("ALT-06: a script's own move fires the next stage's scripts")
  func movesFire() throws {
    let shop = try TestShop([
      "a": #"on.enter("Créer documents", function (deal) deal:move_to("Documents prêts") end)"#,
      "b": #"on.enter("Documents prêts", function (deal) deal.place = "Nantes" end)"#,
    ])
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.stageName() == "Documents prêts")
    #expect(try shop.value("place") == .text("Nantes"))
  }

  @Test("ALT-03, ALT-08, ALT-139: won is a status that leaves the pipe; a closed deal does not move; reopened it does")
  func won() throws {
    let shop = try TestShop(["a": "on.won(function (deal) deal.place = 'won' end)"])
    try shop.close(.won)
    #expect(try shop.value("status") == .text("won"))
    #expect(try shop.value("archived") == .boolean(true))
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.value("place") == .text("won"))
    let fault = #expect(throws: EngineFault.self) { try shop.move("Confirmé") }
    #expect(fault?.message.contains("reopen it first") == true)
    #expect(throws: EngineFault.self) { try shop.close(.lost) }
    try shop.close(.open)
    #expect(try shop.value("archived") == .boolean(false))
    #expect(try shop.move("Confirmé").moved)
  }

  @Test("a guard that writes, moves or calls a service is refused, and the move with it", arguments: [
    "deal.place = 'x'", "deal:move_to('Qualifié')", "accounting.create_quote(deal)", "deal:add_note('x')",
    "chat.send('floriane@altitude.example', 'x')", "wait(deal:becomes('won'), '1 day')", "sleep('1 day')",
  ])
  func guardsOnlyRead(body: String) throws {
    let shop = try TestShop(["g": "on.before_enter('Confirmé', function (deal) pcall(function () end) \(body) end)"])
    let fault = #expect(throws: EngineFault.self) { try shop.move("Confirmé") }
    #expect(fault?.kind == .guardFailed)
    #expect(fault?.message.contains("a guard reads and rejects") == true)
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.value("place") == .null)
  }

  @Test("a guard that errors or never ends refuses the move, and that is a failure, not a rejection")
  func brokenGuard() throws {
    let shop = try TestShop(
      ["g": "on.before_enter('Confirmé', function (deal) error('no idea') end)\non.before_enter('Documents prêts', function () while true do end end)"],
      limits: "{ run_time = \"1 second\" }")
    let fault = #expect(throws: EngineFault.self) { try shop.move("Confirmé") }
    #expect(fault?.kind == .guardFailed)
    #expect(fault?.message.contains("scripts/g.lua:1: no idea") == true)
    #expect(throws: EngineFault.self) { try shop.move("Documents prêts") }
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.move("Créer documents").moved)
  }

  @Test("a script with a syntax error: moves that need it are refused with the reason, others go through")
  func brokenScript() throws {
    let shop = try TestShop([
      "broken": "on.enter(\"Confirmé\", function (deal) deal.place = = 1 end)",
      "good": "on.enter('Documents prêts', function (deal) deal.place = 'ok' end)",
    ])
    #expect(shop.version.problems.count == 1)
    let fault = #expect(throws: EngineFault.self) { try shop.move("Confirmé") }
    #expect(fault?.kind == .brokenScript)
    #expect(fault?.message.contains("scripts/broken.lua:1:") == true)
    #expect(try shop.stageName() == "Qualifié")
    try shop.move("Documents prêts")
    #expect(try shop.value("place") == .text("ok"))
  }

  @Test("a caller that lost the answer asks again with the same request id, and the deal moves once")
  func requestIDs() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) end)"])
    let request = TransitionRequest(
      deal: "d1", change: .move(stage: "Confirmé", from: nil), actor: "user:test", requestID: "r-1")
    #expect(try shop.transition(request).moved)
    try shop.move("Qualifié")
    let again = try shop.transition(request)
    #expect(again.moved)
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.runs().count == 1)
  }
}
