import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// `wait_any`: the first of several things wakes the run, once, and says which it was.
@Suite("A script waits for the first of several")
struct WaitAnyTests {
  private static func script(_ body: String, options: String = "{}") -> [String: String] {
    ["w": "on.enter('Créer documents', function (deal)\n\(body)\nend, \(options))"]
  }

  private static let three = script(
    """
    local answer = wait_any { deal:becomes("won"), deal:reaches("Confirmé"), "3 days" }
    deal.place = answer.which .. " " .. answer.state
    """)

  private enum Happening: String, CaseIterable { case won, stage, time }

  private func happen(_ what: Happening, _ shop: TestShop) throws {
    switch what {
    case .won: try shop.close(.won)
    case .stage: try shop.move("Confirmé")
    case .time: try shop.advance(.days(3))
    }
  }

  @Test(
    "whatever comes first is the answer, and what comes later changes nothing: in every order, kept in memory or replayed, and over crashes",
    arguments: [
      [Happening.won], [.stage], [.time], [.stage, .won], [.stage, .time], [.won, .time], [.time, .won], [.time, .stage],
      [.stage, .time, .won], [.time, .stage, .won], [.stage, .won, .time],
    ], [false, true])
  private func first(order: [Happening], crashes: Bool) throws {
    let shop = try TestShop(Self.three, mode: .init(replaysAlways: crashes))
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: waiting"])
    for what in order {
      if crashes { try shop.crash() }
      try happen(what, shop)
      if crashes { try shop.crash() }
      try shop.settle()
    }
    let answers = [Happening.won: "1 reached", .stage: "2 reached", .time: "3 expired"]
    #expect(try shop.value("place") == answers[order[0]].map { .text($0) })
    #expect(try shop.runStates() == ["w: succeeded"])
  }

  @Test("what has happened already is answered at once, in the order of the list; so is a moment that is past")
  func already() throws {
    let shop = try TestShop([
      "w": """
        on.won(function (deal)
          local a = wait_any { "1 day", deal:reaches("Qualifié"), deal:becomes("won") }
          local b = wait_any { deal:becomes("lost"), date("2026-01-05") }
          local c = wait_any { late = now():plus("1 hour"), ["when won"] = deal:becomes("won") }
          deal.place = a.which .. a.state .. b.which .. b.state .. c.which
        end)
        """
    ])
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.value("place") == .text("2reached2expiredwhen won"))
  }

  @Test("two things in one commit wake the run once, for the first of them")
  func twoInOneCommit() throws {
    let shop = try TestShop(
      Self.three.merging(["m": "on.demand('both', function (deal) deal:move_to('Confirmé') deal:win() end)"]) { $1 })
    try shop.move("Créer documents")
    try shop.settle()
    try shop.demand("both")
    try shop.settle()
    #expect(try shop.value("place") == .text("2 reached"))
    #expect(try shop.runStates() == ["w: succeeded", "both: succeeded"])
  }

  @Test("what was not the first does not wake the run out of its next wait, nor out of its sleep")
  func noStaleTopic() throws {
    let shop = try TestShop(
      Self.script(
        """
        wait_any { deal:becomes("won"), deal:reaches("Confirmé") }
        deal.place = "next"
        deal.promo = wait(deal:becomes("lost"), "30 days").state
        sleep("1 day")
        deal.place = "end"
        """))
    try shop.move("Créer documents")
    try shop.settle()
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.value("place") == .text("next"))
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates() == ["w: waiting"] && shop.value("promo") == .null)
    try shop.advance(.days(30))
    #expect(try shop.value("promo") == .text("expired"))
    try shop.close(.open)
    try shop.move("Qualifié")
    try shop.move("Confirmé")
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates() == ["w: waiting"])
    try shop.advance(.days(1))
    #expect(try shop.value("place") == .text("end"))
  }

  @Test("a run that was cancelled while it waited, and is taken up again, hears what has come meanwhile", arguments: [
    ("won", "1 reached"), ("stage", "2 reached"), ("time", "3 expired"), ("nothing", ""),
  ])
  func retried(meanwhile: String, answer: String) throws {
    let shop = try TestShop(Self.three)
    try shop.move("Créer documents")
    try shop.settle()
    let run = try #require(try shop.runs().first)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: run.id, tx: tx, now: shop.now) }
    if let what = Happening(rawValue: meanwhile) { try happen(what, shop) }
    try shop.settle()
    #expect(try shop.runStates() == ["w: cancelled"])
    try shop.retryFirst()
    if meanwhile == "nothing" {
      #expect(try shop.runStates() == ["w: waiting"])
      try shop.close(.won)
      try shop.settle()
      #expect(try shop.value("place") == .text("1 reached"))
    } else {
      #expect(try shop.value("place") == .text(answer) && shop.runStates() == ["w: succeeded"])
    }
  }

  @Test("a second entry replaces the run that waits for several, or is ignored", arguments: [
    ("replace", ["w: cancelled", "w: waiting"]), ("ignore", ["w: waiting"]),
  ])
  func secondEntry(option: String, states: [String]) throws {
    let shop = try TestShop(
      Self.script("wait_any { deal:becomes('won'), '60 days' }", options: "{ while_waiting = '\(option)' }"))
    for stage in ["Créer documents", "Qualifié", "Créer documents"] {
      try shop.move(stage)
      try shop.settle()
    }
    #expect(try shop.runStates() == states)
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates().last == "w: succeeded")
  }

  @Test("several runs that wait for one thing, alone or among others, are each woken once")
  func severalRuns() throws {
    let shop = try TestShop([
      "a": "on.enter('Créer documents', function (deal) wait_any { deal:becomes('won'), '9 days' } deal:add_note('a') end)",
      "b": "on.enter('Créer documents', function (deal) wait(deal:becomes('won'), '9 days') deal:add_note('b') end)",
      "c": "on.enter('Créer documents', function (deal) wait_any { '9 days', deal:becomes('won') } deal:add_note('c') end)",
    ])
    try shop.move("Créer documents")
    try shop.settle()
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.runStates() == ["a: succeeded", "b: succeeded", "c: succeeded"])
    guard case .list(let notes)? = try shop.value("notes") else { throw ValueFault("no notes") }
    #expect(notes.count == 3)
  }

  @Test("a dry run tells what the script waits for, and how it goes on")
  func dryRun() throws {
    let shop = try TestShop(Self.three)
    let services = shop.services
    let report = try DryRun.transition(
      DryRun.Stage(store: shop.store, version: shop.version) { _ in services },
      TransitionRequest(deal: "d1", change: .move(stage: "Créer documents", from: nil), actor: "user:test"), now: shop.now)
    #expect(
      report.lines.last
        == "wait_any; then the script goes on with which = 1 (deal:1 won) or 2 (deal:1 Confirmé) or 3 (for 3 days)")
  }

  // MARK: Requests for signatures

  private func office(_ body: String) throws -> TestShop {
    let sent = """
      local paper = documents.generate("accord", deal, drive.client_folder(deal.person)):pdf()
      local request = signature.send { document = paper, signer = deal.person }
      """
    let page = "<!DOCTYPE html><html lang=\"fr\"><head><title>Accord</title></head><body>{{deal.title}}</body></html>"
    let shop = try TestShop(Self.script(sent + "\n" + body), templates: ["accord": page])
    try shop.move("Créer documents")
    try shop.settle()
    return shop
  }

  @Test("a reminder every three days until the client signs: the time that is over leaves the request open")
  func reminders() throws {
    let shop = try office(
      """
      for round = 1, 10 do
        local answer = wait_any { signed = request, reminder = "3 days" }
        if answer.which == "signed" then
          deal.place = answer.state .. " after " .. round - 1 .. (answer.document and " with its paper" or "")
          return
        end
        deal:add_note("reminder " .. round)
      end
      """)
    try shop.advance(.days(3))
    try shop.advance(.days(3))
    #expect(try shop.requests().map(\.state) == [.sent])
    try shop.crash()
    try shop.signer(1, .signed)
    try shop.settle()
    #expect(try shop.value("place") == .text("signed after 2 with its paper"))
  }

  @Test("a request that was not the first stays open, and can be waited for again")
  func lostRequest() throws {
    let shop = try office(
      """
      wait_any { request, deal:becomes("won") }
      deal.place = wait(request, "60 days").state
      """)
    try shop.close(.won)
    try shop.settle()
    #expect(try shop.requests().map(\.state) == [.sent] && shop.runStates() == ["w: waiting"])
    try shop.signer(1, .declined, reason: "non")
    try shop.settle()
    #expect(try shop.value("place") == .text("declined"))
  }

  @Test("a wait for a signature until a day that is past ends the request as any time-out does")
  func pastDay() throws {
    let shop = try office("deal.place = wait(request, date('2026-01-01')).state")
    try shop.advance(.seconds(0))
    #expect(try shop.requests().map(\.state) == [.expired] && shop.value("place") == .text("expired"))
  }

  @Test("a run that is cancelled takes its request back, unless another run waits for it")
  func cancelled() throws {
    let shop = try office("wait_any { request, '60 days' }")
    let run = try #require(try shop.runs().first)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: run.id, tx: tx, now: shop.now) }
    #expect(try shop.requests().map(\.state) == [.cancelled])
  }
}
