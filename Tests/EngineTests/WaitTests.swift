import CRM
import Store
import TestSupport
import Testing

@testable import Engine

/// Promise 4 of the design: a script may wait for days, parked on disk, with the sources it was queued with.
@Suite("A script may wait for days")
struct WaitTests {
  private static let script = """
    on.enter("Confirmé", function (deal)
      deal.place = "waiting"
      local answer = wait(deal:becomes("won"), "60 days")
      deal.place = answer.state
    end)
    """

  @Test("woken by the event, over a crash, with the script that was there when it was queued (Programs.version)")
  func wokenByEvent() throws {
    let shop = try TestShop(["w": Self.script])
    try shop.move("Confirmé")
    #expect(try shop.runStates() == ["w: waiting"])
    #expect(try shop.value("place") == .text("waiting"))
    try shop.rewrite("w", "on.enter('Confirmé', function (deal) deal.place = 'other script' end)")
    try shop.crash()
    try shop.advance(.days(30))
    #expect(try shop.runStates() == ["w: waiting"])
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.value("place") == .text("reached"))
  }

  @Test("woken by the clock when the time is over")
  func wokenByClock() throws {
    let shop = try TestShop(["w": Self.script])
    try shop.move("Confirmé")
    try shop.advance(.days(59))
    #expect(try shop.runStates() == ["w: waiting"])
    try shop.advance(.days(1))
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.value("place") == .text("expired"))
  }

  @Test("what has happened already is answered at once")
  func lateWait() throws {
    let shop = try TestShop(["w": "on.won(function (deal) deal.place = wait(deal:becomes('won'), '1 day').state end)"])
    try shop.close(.won)
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.value("place") == .text("reached"))
  }

  @Test("a second entry replaces the run that still waits, or is ignored, as the automation says", arguments: [
    ("replace", ["w: cancelled", "w: waiting"]), ("ignore", ["w: waiting"]),
  ])
  func secondEntry(option: String, states: [String]) throws {
    let shop = try TestShop([
      "w": "on.enter('Confirmé', function (deal) wait(deal:becomes('won'), '60 days') end, { while_waiting = '\(option)' })"
    ])
    try shop.move("Confirmé")
    try shop.move("Qualifié")
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == states)
  }

  @Test("a parked run costs no memory and at most 2 KB on disk for ten host calls")
  func parkedSize() throws {
    let shop = try TestShop([
      "w": "on.enter('Confirmé', function (deal) for i = 1, 10 do local t = deal.title; deal.place = 'p' .. i end sleep('3 days') end)"
    ])
    try shop.move("Confirmé")
    let run = try #require(try shop.runs().first)
    #expect(run.status == .waiting)
    let journal = try shop.store.read { try $0.journal(of: run.id) }
    #expect(journal.count == 1)
    #expect(journal[0].entries.utf8.count <= 2048)
    try shop.advance(.days(3))
    #expect(try shop.runStates() == ["w: succeeded"])
  }

  @Test("a wait can be cancelled by hand")
  func cancelled() throws {
    let shop = try TestShop(["w": Self.script])
    try shop.move("Confirmé")
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: id, tx: tx, now: shop.now) }
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates() == ["w: cancelled"])
  }

  @Test(
    "a run that was cancelled while it waited and is retried waits again, for the same time (RunHost.goOnWaiting)",
    arguments: ["parked", "reached", "expired"])
  func retriedWait(_ case: String) throws {
    let shop = try TestShop([
      "w": "on.enter('Confirmé', function (deal) local answer = wait(deal:becomes('won'), '60 days') deal.place = answer.state end)"
    ])
    try shop.move("Confirmé")
    let run = try #require(try shop.runs().first)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: run.id, tx: tx, now: shop.now) }
    if `case` == "reached" { try shop.close(.won) }
    if `case` == "expired" { try shop.advance(.days(61)) }
    _ = try shop.store.write { tx in
      try shop.core.retry(.test(run.id, force: true), tx: tx, now: shop.now)
    }
    try shop.settle()
    if `case` == "parked" {
      let again = try #require(try shop.runs().first)
      #expect(again.status == .waiting && again.dueAt == run.dueAt)
      #expect(try shop.store.read { try $0.journal(of: run.id) }.count == 1)
      try shop.close(.won)
      try shop.settle()
    }
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.value("place") == .text(`case` == "expired" ? "expired" : "reached"))
  }
}
