import CRM
import Foundation
import GRDB
import Store
import TestSupport
import Testing

@testable import Engine

/// `retention` in workspace.lua: what of ended runs goes, and what stays.
@Suite("Ended runs are kept as long as the workspace says")
struct RetentionTests {
  private static let year = Retention()

  private func prune(_ shop: TestShop, _ retention: Retention = year, limit: Int = 500) throws -> Pruned {
    var all = Pruned()
    while true {
      let slice = try shop.store.prune(retention, present: shop.version.sources.hash, now: shop.now, limit: limit)
      all.runs += slice.runs
      all.events += slice.events
      all.bundles += slice.bundles
      if !slice.more { return all }
    }
  }

  private func count(_ table: String, _ shop: TestShop) throws -> Int {
    try DatabaseQueue(path: shop.folder.path("coulisse.db")).read { db in
      try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)") ?? -1
    }
  }

  /// Goes there and back, so that each tour makes a run.
  private func tours(_ shop: TestShop, _ number: Int) throws {
    for _ in 0..<number {
      try shop.move("Confirmé")
      try shop.move("Qualifié")
      try shop.settle()
    }
  }

  private static let sends = "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'x') end)"

  @Test("runs that ended longer ago go with journals, events and sources; younger ones stay; nothing is left dangling")
  func age() throws {
    let shop = try TestShop(["a": Self.sends], mode: .init(unfused: true))
    try tours(shop, 10)
    try shop.rewrite("b", "-- other sources")
    shop.now = try shop.now.adding(.days(300))
    try tours(shop, 3)
    #expect(try prune(shop) == Pruned(), "nothing is a year old")
    shop.now = try shop.now.adding(.days(100))
    let pruned = try prune(shop, limit: 4)
    #expect(pruned.runs == 10 && pruned.events == 20 && pruned.bundles == 1)
    #expect(try shop.runStates() == Array(repeating: "a: succeeded", count: 3))
    #expect(try count("journal", shop) == 3)
    #expect(try count("event", shop) == 6)
    #expect(try shop.store.integrityFaults() == [])
    #expect(try shop.messages().count == 13, "what people see stays")
  }

  @Test("no more runs are kept than the number says, the newest")
  func number() throws {
    let shop = try TestShop(["a": Self.sends], mode: .init(unfused: true))
    try tours(shop, 120)
    var retention = Retention()
    retention.runs = 100
    #expect(try prune(shop, retention).runs == 20)
    #expect(try shop.runs().map(\.id) == (21...120).map { Int64($0) })
  }

  @Test("what an open run needs stays, however old: its journal, the event and the origin of its path, its sources")
  func openRuns() throws {
    let shop = try TestShop(
      [
        "a": "on.enter('Créer documents', function (deal) deal:move_to('Confirmé') end)",
        "b": "on.enter('Confirmé', function (deal) deal.place = 'old' wait(deal:becomes('won'), '900 days') deal:move_to('Documents prêts') end)",
        "c": "on.enter('Documents prêts', function (deal) deal.promo = 'moved' end)",
      ])
    try shop.move("Créer documents")
    try shop.settle()
    let other = try shop.addDeal("d2")
    for _ in 0..<30 {
      try shop.move("Documents prêts", deal: "d2")
      try shop.move("Qualifié", deal: "d2")
    }
    try shop.settle()
    try shop.rewrite("b", "-- gone")
    shop.now = try shop.now.adding(.days(800))
    #expect(try prune(shop).runs == 30)
    #expect(try shop.runs(of: other).isEmpty == false, "the newest stays: ids go on from it")
    #expect(try shop.store.integrityFaults() == [])
    shop.core.replace(version: shop.version)
    try shop.advance(.days(200))
    #expect(try shop.runStates() == ["b: succeeded", "c: succeeded"])
    #expect(try shop.value("promo") == .text("moved"))
  }

  @Test("ids are never given twice, so keys of effects neither: after everything was pruned, a message is sent")
  func idsGoOn() throws {
    let shop = try TestShop(["a": Self.sends], mode: .init(unfused: true))
    try tours(shop, 2)
    shop.now = try shop.now.adding(.days(500))
    _ = try prune(shop)
    try tours(shop, 1)
    #expect(try shop.messages().count == 3)
    #expect(try shop.events("deal.moved") == 0, "the first events are gone")
  }

  @Test("a pruned file shrinks when more than half of it is free, and stays sound")
  func shrinks() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) deal.place = string.rep('x', 60000) sleep('1 day') end)"])
    for place in 2...90 { _ = try shop.addDeal("p\(place)") }
    for place in 2...90 {
      try shop.move("Confirmé", deal: "p\(place)")
      _ = try shop.store.write { tx in
        try tx.write(JournalRow(runID: Int64(place - 1), segment: 1, entries: "[\"\(String(repeating: "y", count: 200_000))\"]", step: nil))
      }
    }
    try shop.advance(.days(2))
    try shop.store.checkpoint()
    let path = shop.folder.path("coulisse.db")
    func size() throws -> Int { try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0 }
    let before = try size()
    #expect(try shop.store.shrink() == false, "nothing is free yet")
    shop.now = try shop.now.adding(.days(400))
    _ = try prune(shop)
    #expect(try shop.store.shrink())
    #expect(try size() * 2 < before)
    #expect(try shop.store.integrityFaults() == [])
    try shop.move("Confirmé")
    #expect(try shop.runs().map(\.status) == [.waiting])
  }

  @Test("an engine that a timer starts tidies up before it goes")
  func untilIdle() throws {
    let shop = try TestShop(["a": Self.sends])
    try tours(shop, 5)
    var configuration = EngineThread.Configuration()
    configuration.clock = { Instant(milliseconds: 1_900_000_000_000) }
    _ = try EngineAccess(WorkspaceFolder(shop.folder.url)).perform(.drain, configuration: configuration)
    #expect(try shop.runs().count == 1)
  }

  @Test("a run that ended later than its origin can be retried after that was to go, and fails as it did before (Store.prune: removeEvents)")
  func retryAfterPruning() throws {
    let shop = try TestShop([
      "a": "on.enter('Créer documents', function (deal) sleep('300 days') deal:move_to('Confirmé') end)",
      "b": "on.enter('Confirmé', function (deal) sleep('300 days') error('x') end)",
      "c": "on.event('run.failed', function (deal) deal.place = 'told' end)",
    ])
    try shop.move("Créer documents")
    for _ in 0..<2 { try shop.advance(.days(301)) }
    #expect(try shop.value("place") == .text("told"))
    shop.now = try shop.now.adding(.days(100))
    for _ in 0..<2 { _ = try prune(shop) }
    let failed = try #require(try shop.runs().first { $0.automation == "b" })
    _ = try shop.store.write { try shop.core.retry(.test(failed.id, from: 1, force: true), tx: $0, now: shop.now) }
    try shop.settle()
    try shop.advance(.days(301))
    #expect(try shop.runs().filter { $0.automation == "b" }.map(\.status) == [.failed])
    #expect(try shop.store.integrityFaults() == [])
  }
}
