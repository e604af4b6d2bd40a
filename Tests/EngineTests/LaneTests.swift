import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// Promises 5 to 8 of the design.
@Suite("Lanes, loops, harm and rehearsal")
struct LaneTests {
  @Test("promise 5: a deal's runs go in the order of their events, then of the automations (Store.nextQueued: lane_order)")
  func laneOrder() throws {
    let append = "deal.place = (deal.place or '') .. "
    let shop = try TestShop(
      [
        "a": "on.enter('Créer documents', function (deal) \(append)'a' chat.send('floriane@altitude.example', 'x') \(append)'A' end)",
        "b": "on.enter('Créer documents', function (deal) \(append)'b' end)",
        "c": "on.enter('Confirmé', function (deal) \(append)'c' end)",
      ], mode: .init(unfused: true))
    try shop.move("Créer documents")
    try shop.move("Confirmé")
    // While the first run's step is under way, the lane is taken.
    #expect(try shop.stepOnce() == false)
    try shop.settle()
    #expect(try shop.value("place") == .text("aAbc"))
  }

  @Test("promise 5: runs that a move inside a run causes queue behind it, in call order")
  func movesQueueBehind() throws {
    let append = "deal.place = (deal.place or '') .. "
    let shop = try TestShop([
      "a": "on.enter('Créer documents', function (deal) deal:move_to('Documents prêts') deal:move_to('Confirmé') \(append)'1' end)",
      "b": "on.enter('Confirmé', function (deal) \(append)'3' end)",
      "c": "on.enter('Documents prêts', function (deal) \(append)'2' end)",
    ])
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.value("place") == .text("123"))
  }

  @Test("promise 5: another deal's lane is free while this one's step is under way")
  func otherLanes() throws {
    let shop = try TestShop(
      ["a": "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', deal.title) end)"],
      mode: .init(unfused: true))
    let other = try shop.addDeal("d2")
    try shop.move("Confirmé")
    try shop.move("Confirmé", deal: "d2")
    #expect(shop.calls.count == 2)
    try shop.settle()
    #expect(try shop.runStates(of: other) == ["a: succeeded"])
  }

  @Test("promise 6: scripts that move a deal in a circle stop with an error that prints the path (LoopGuard.extend)")
  func circle() throws {
    let shop = try TestShop([
      "a": "on.enter('Créer documents', function (deal) deal:move_to('Documents prêts') end)",
      "b": "on.enter('Documents prêts', function (deal) deal:move_to('Créer documents') end)",
    ])
    try shop.move("Créer documents")
    try shop.settle()
    let failed = try #require(try shop.runs().last { $0.status == .failed })
    #expect(shop.error(of: failed).contains("a@deal:1 > b@deal:1 > a@deal:1"))
    #expect(shop.error(of: failed).contains("third time"))
    #expect(try shop.runs().count <= 6)
    // A person begins a new path.
    try shop.move("Qualifié")
    #expect(try shop.move("Confirmé").moved)
  }

  @Test("promise 6: a path deeper than allowed, and too many runs from one origin, stop", arguments: [
    ("{ path_depth = 2 }", "path_depth"), ("{ runs_from_origin = 1 }", "runs_from_origin"),
  ])
  func depth(limits: String, word: String) throws {
    let shop = try TestShop(
      [
        "a": "on.enter('Créer documents', function (deal) deal:move_to('Documents prêts') end)",
        "b": "on.enter('Documents prêts', function (deal) deal:move_to('Confirmé') end)",
        "c": "on.enter('Confirmé', function (deal) end)",
      ], limits: limits)
    try shop.move("Créer documents")
    try shop.settle()
    let failed = try #require(try shop.runs().last { $0.status == .failed })
    #expect(shop.error(of: failed).contains(word))
  }

  @Test("promise 7: an endless script and a hungry one end by their budgets, caught by no pcall, and cost one run (EngineCore.budget)", arguments: [
    ("while true do pcall(function () while true do end end) end", "time_limit"),
    ("local t = {} while true do pcall(function () for i = 1, 1e7 do t[#t + 1] = ('x'):rep(1000) .. i end end) end", "memory_limit"),
    ("for i = 1, 1e6 do pcall(function () return deal.title .. tostring(crm.deals {}) end) end", "host_call_limit"),
  ])
  func budgets(body: String, kind: String) throws {
    let shop = try TestShop(
      [
        "a": "on.enter('Confirmé', function (deal) deal.place = 'x' \(body) end)",
        "b": "on.enter('Confirmé', function (deal) deal.promo = 'fine' end)",
      ], limits: "{ run_time = \"2 seconds\", memory = 16, host_calls = 1000 }")
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == ["a: failed", "b: succeeded"])
    let run = try #require(try shop.runs().first)
    #expect(RunFault(text: run.error ?? "").kind == kind)
    #expect(try shop.value("place") == .null)
  }

  @Test("promise 7: nothing of one run is seen by the next (ScriptProgram.giveBack: reset)")
  func isolation() throws {
    let shop = try TestShop([
      "a": "count = 0\non.enter('Confirmé', function (deal) count = count + 1 pcall(function () string.leak = 1 end) deal.place = count .. tostring(string.leak) end)"
    ])
    for _ in 0..<3 {
      try shop.move("Confirmé")
      try shop.settle()
      #expect(try shop.value("place") == .text("1nil"))
      try shop.move("Qualifié")
    }
  }

  @Test("promise 8: a dry run tells what would change and be sent, and leaves nothing (Store.rehearse)")
  func dryRun() throws {
    let shop = try TestShop([
      "a": "on.enter('Créer documents', function (deal) deal.quote_number = accounting.create_quote(deal).number deal:move_to('Documents prêts') end)",
      "b": "on.enter('Documents prêts', function (deal) wait(deal:becomes('won'), '60 days') deal.place = 'no' end)",
    ])
    let services = shop.services
    let report = try DryRun.transition(
      DryRun.Stage(store: shop.store, version: shop.version) { _ in services },
      TransitionRequest(deal: "d1", change: .move(stage: "Créer documents", from: nil), actor: "user:test"), now: shop.now)
    let told = report.lines.joined(separator: "\n")
    #expect(told.contains("D-2026-????"))
    #expect(told.contains("accounting.create_quote"))
    #expect(told.contains("Créer documents → Documents prêts"))
    #expect(told.contains("reached") && told.contains("expired"))
    #expect(try shop.stageName() == "Qualifié")
    #expect(try shop.runs().isEmpty && shop.quotes().isEmpty)
    #expect(try shop.value("quote_number") == .null)
    // The number was not used up.
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.value("quote_number") == .text("D-2026-0001"))
  }

  @Test("promise 8: a dry run asks another machine's service outside of any transaction, then begins anew (DryRun.rehearse)")
  func dryRunAsksOutside() throws {
    let shop = try TestShop([
      "a": "on.enter('Confirmé', function (deal) local user = chat.find_user('floriane@altitude.example') chat.send(user, 'Bonjour ' .. user.name) end)"
    ])
    let chat = FaultyService.remote(LocalChat(shop.version.declaration), store: shop.store)
    let services = ServiceRegistry(services: shop.services.services + [chat])
    let version = try WorkspaceVersion(sources: shop.version.sources) { _ in services }
    let report = try DryRun.transition(
      DryRun.Stage(store: shop.store, version: version) { _ in services },
      TransitionRequest(deal: "d1", change: .move(stage: "Confirmé", from: nil), actor: "user:test"), now: shop.now)
    #expect(report.failure == nil)
    #expect(report.lines.contains { $0.contains("Bonjour Floriane Baillon") }, "\(report.lines)")
    #expect(chat.calls(of: "find_user") == 1)
    #expect(chat.calls(of: "send") == 0)
    #expect(try shop.messages().isEmpty)
  }

  @Test("on.event(\"run.failed\") hears of failures, but not of its own")
  func runFailed() throws {
    let shop = try TestShop([
      "a": "on.enter('Confirmé', function (deal) error('broken') end)",
      "b": "on.event('run.failed', function (deal, event) deal.place = event.automation .. ': ' .. event.error end)",
    ])
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == ["a: failed", "b: succeeded"])
    #expect(try shop.value("place")?.plainText.contains("a: scripts/a.lua:1: broken") == true)
  }

  @Test("a run that took its process down is failed with a message that says so, and not tried again")
  func verdict() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) sleep('1 day') end)"])
    try shop.move("Confirmé")
    let id = try #require(try shop.runs().first?.id)
    try shop.store.write { tx in
      try shop.core.failCrashed(runID: id, message: "stuck", tx: tx, now: shop.now)
    }
    #expect(try shop.runStates() == ["a: failed"])
    try shop.advance(.days(2))
    #expect(try shop.runStates() == ["a: failed"])
  }
}
