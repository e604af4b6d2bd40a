import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// Runs that are taken up again by hand, and runs that go on with other scripts.
@Suite("Runs are taken up again, or go on with other scripts")
struct RetryTests {
  private static func send(_ text: String) -> String { "chat.send('floriane@altitude.example', '\(text)')" }

  private func shop(_ body: String) throws -> TestShop {
    try TestShop(["a": "on.enter('Confirmé', function (deal) \(body) end)"], mode: .init(unfused: true))
  }

  private func only(_ shop: TestShop) throws -> RunRow { try #require(try shop.runs().first) }

  private func messages(_ shop: TestShop) throws -> [String] { try shop.messages().map(\.text) }

  // MARK: --from

  @Test("--from keeps the results of earlier steps, forgets later ones, and the script is the present one")
  func from() throws {
    let shop = try shop("local one = \(Self.send("one")) \(Self.send("two")) deal.place = 'old' error('x')")
    try shop.move("Confirmé")
    try shop.settle()
    try shop.rewrite(
      "a", "on.enter('Confirmé', function (deal) local one = \(Self.send("one")) \(Self.send("new")) deal.place = 'new' end)")
    try shop.retryFirst(from: 2)
    #expect(try shop.runStates() == ["a: succeeded"])
    #expect(try shop.value("place") == .text("new"))
    #expect(try messages(shop) == ["one", "two", "new"])
  }

  @Test("a step that --from asks again is asked with the key that it had, so a service that honours it does nothing twice")
  func sameKey() throws {
    let shop = try shop("\(Self.send("one")) \(Self.send("two"))")
    try shop.move("Confirmé")
    try shop.settle()
    let before = try shop.store.read { try $0.journal(of: 1) }.compactMap { $0.step?.key }
    try shop.retryFirst(from: 2)
    #expect(try shop.store.read { try $0.journal(of: 1) }.compactMap { $0.step?.key } == before)
    #expect(try messages(shop) == ["one", "two"])
  }

  @Test("a run that succeeded is only done again when it is said from where")
  func succeeded() throws {
    let shop = try shop(Self.send("one"))
    try shop.move("Confirmé")
    try shop.settle()
    let refused = #expect(throws: EngineFault.self) { try shop.retryFirst() }
    #expect(refused?.message.contains("--from STEP") == true)
    try shop.retryFirst(from: 1)
    #expect(try shop.runStates() == ["a: succeeded"])
    #expect(try messages(shop) == ["one"])
  }

  @Test("a step that the run does not have is refused, and the run stays as it was", arguments: [0, -1, 3, 1000])
  func noSuchStep(step: Int) throws {
    let shop = try shop("\(Self.send("one")) \(Self.send("two")) error('x')")
    try shop.move("Confirmé")
    try shop.settle()
    let refused = #expect(throws: EngineFault.self) { try shop.retryFirst(from: step) }
    #expect(refused?.message.contains("the steps 1 to 2, found --from \(step)") == true, "\(refused?.message ?? "")")
    #expect(try shop.runStates() == ["a: failed"])
    #expect(try shop.store.read { try $0.journal(of: 1) }.count { $0.step != nil } == 2)
  }

  // MARK: Scripts that end early

  @Test("a script that ends before its journal does has diverged, and changes nothing")
  func endsEarly() throws {
    let shop = try shop("\(Self.send("one")) sleep('1 day') deal.place = 'end'")
    try shop.move("Confirmé")
    try shop.settle()
    let run = try only(shop)
    _ = try shop.store.write { try shop.core.cancel(runID: run.id, tx: $0, now: shop.now) }
    try shop.rewrite("a", "on.enter('Confirmé', function (deal) deal.place = 'early' end)")
    try shop.retryFirst()
    #expect(try shop.runStates() == ["a: failed"])
    #expect(RunFault(text: try only(shop).error ?? "").kind == "diverged")
    #expect(try shop.value("place") == .null)
  }

  @Test("a script that asks nothing any more has diverged, too")
  func asksNothing() throws {
    let shop = try shop("sleep('1 day') deal.place = 'end'")
    try shop.move("Confirmé")
    try shop.settle()
    _ = try shop.store.write { try shop.core.cancel(runID: 1, tx: $0, now: shop.now) }
    try shop.rewrite("a", "on.enter('Confirmé', function (deal) end)")
    try shop.retryFirst()
    #expect(shop.error(of: try only(shop)).contains("the script ends where the journal has sleep"))
  }

  // MARK: migrate

  private func parked() throws -> TestShop {
    let shop = try shop("\(Self.send("one")) sleep('1 day') deal.place = 'old'")
    try shop.move("Confirmé")
    try shop.settle()
    return shop
  }

  private func migrate(_ shop: TestShop) throws {
    _ = try shop.store.write { try shop.core.migrate(runID: 1, tx: $0, now: shop.now) }
  }

  @Test("a run that waits keeps its scripts, until it is migrated to present ones that fit its journal")
  func migrates() throws {
    for wants in [false, true] {
      let shop = try parked()
      try shop.rewrite(
        "a", "on.enter('Confirmé', function (deal) \(Self.send("one")) sleep('1 day') deal.place = 'new' end)")
      if wants { try migrate(shop) }
      try shop.advance(.days(2))
      #expect(try shop.value("place") == .text(wants ? "new" : "old"))
      #expect(try messages(shop) == ["one"])
    }
  }

  @Test(
    "where the present scripts do not fit the journal, migrate says where they part, and the run keeps its own",
    arguments: [
      ("deal.place = 'x' sleep('1 day')", "the journal has chat.send, the script asks set deal.place"),
      ("\(send("other")) sleep('1 day')", "chat.send with other arguments"),
      (send("one"), "the script ends where the journal has sleep"),
      ("\(send("one")) error('oh')", "oh"),
    ])
  func doesNotFit(_ body: String, _ words: String) throws {
    let shop = try parked()
    try shop.rewrite("a", "on.enter('Confirmé', function (deal) \(body) end)")
    let refused = #expect(throws: EngineFault.self) { try migrate(shop) }
    #expect(refused?.message.contains(words) == true, "\(refused?.message ?? "")")
    try shop.advance(.days(2))
    #expect(try shop.value("place") == .text("old"))
    #expect(try shop.runStates() == ["a: succeeded"])
  }

  @Test("what has ended is not migrated, nor what the present scripts do not have")
  func cantMigrate() throws {
    let shop = try parked()
    try shop.rewrite("a", "on.enter('Confirmé', function (deal) end, { name = 'other' })")
    #expect(throws: EngineFault.self) { try migrate(shop) }
    try shop.advance(.days(2))
    let refused = #expect(throws: EngineFault.self) { try migrate(shop) }
    #expect(refused?.message.contains("what has ended is taken up with: coulisse runs retry 1") == true)
  }
}
