import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// `on.schedule`: the clock starts an automation, whatever the clock and the engine have been doing.
@Suite("Schedules")
struct ScheduleTests {
  private static func script(_ rule: String, missed: String = "once") -> [String: String] {
    [
      "s": """
      on.schedule(\(rule), function (event)
        crm.deal("d1"):append("signed_urls", tostring(event.at) .. " +" .. event.missed)
      end, { missed = "\(missed)" })
      """
    ]
  }

  private static let daily = "{ every = 'day', at = '08:00' }"

  /// A shop whose clock shows this, and that was looked at once.
  private func shop(_ scripts: [String: String], at start: String = "2026-01-05T08:00:00Z", more: String = "") throws -> TestShop {
    let shop = try TestShop(scripts, limits: more.isEmpty ? "" : "{}, \(more)")
    shop.now = try Instant(parsing: start)
    try look(shop)
    return shop
  }

  private func look(_ shop: TestShop) throws { try shop.advance(.seconds(0)) }

  private func set(_ shop: TestShop, _ moment: String) throws {
    shop.now = try Instant(parsing: moment)
    try look(shop)
  }

  /// What ran: the times without seconds, and how many missed ones each stood for.
  private func ran(_ shop: TestShop) throws -> [String] {
    guard case .list(let lines)? = try shop.value("signed_urls") else { return [] }
    return lines.map { $0.plainText.replacing(":00.000Z", with: "Z") }
  }

  @Test("every day at 08:00 in the workspace's time zone, over both changes of the clocks", arguments: [
    ("2026-03-27T12:00:00Z", ["2026-03-28T07:00Z +0", "2026-03-29T06:00Z +0", "2026-03-30T06:00Z +0"]),
    ("2026-10-23T12:00:00Z", ["2026-10-24T06:00Z +0", "2026-10-25T07:00Z +0", "2026-10-26T07:00Z +0"]),
  ])
  func daily(start: String, times: [String]) throws {
    let shop = try shop(Self.script(Self.daily), at: start)
    for _ in 0..<72 { try shop.advance(.hours(1)) }
    #expect(try ran(shop) == times)
  }

  @Test("02:30 on the night when it is skipped, and on the night when it comes twice: one run each", arguments: [
    ("2026-03-28T12:00:00Z", "2026-03-29T01:30Z +0"), ("2026-10-24T12:00:00Z", "2026-10-25T00:30Z +0"),
  ])
  func nightOfTheChange(start: String, time: String) throws {
    let shop = try shop(Self.script("{ every = 'day', at = '02:30' }"), at: start)
    for _ in 0..<72 {
      try shop.advance(.minutes(20))
      try shop.crash()
    }
    #expect(try ran(shop) == [time])
  }

  @Test("a schedule that is new begins now: it does not run for what is past, and the next time is known")
  func new() throws {
    let shop = try shop(Self.script(Self.daily))
    #expect(try ran(shop) == [])
    #expect(try shop.store.read { try shop.core.nextDue(tx: $0) } == Instant(parsing: "2026-01-06T07:00:00Z"))
  }

  @Test("after a downtime, once: one run for all, at the last of the times, and it is told how many there were")
  func once() throws {
    let shop = try shop(Self.script(Self.daily))
    try shop.crash()
    try shop.advance(.days(3))
    #expect(try ran(shop) == ["2026-01-08T07:00Z +2"])
    try shop.advance(.days(1))
    #expect(try ran(shop).last == "2026-01-09T07:00Z +0")
  }

  @Test("after a downtime, each: one run for each time")
  func each() throws {
    let shop = try shop(Self.script(Self.daily, missed: "each"))
    try shop.crash()
    try shop.advance(.days(3))
    #expect(try ran(shop) == ["2026-01-06T07:00Z +0", "2026-01-07T07:00Z +0", "2026-01-08T07:00Z +0"])
  }

  @Test("a clock that jumps far ahead does not flood: the last hundred times are run, and the log says so")
  func bounded() throws {
    let shop = try shop(Self.script(Self.daily, missed: "each"))
    shop.now = try Instant(parsing: "2046-01-05T12:00:00Z")
    try shop.store.write { tx in try shop.core.wakeDue(tx: tx, now: shop.now) }
    var notes: [String] = []
    for case .note(let text) in shop.core.takeCommands() { notes.append(text) }
    #expect(notes == ["s: the last 100 of 3654 missed times are run"])
    try shop.settle()
    #expect(try ran(shop).count == 100 && ran(shop).last == "2046-01-05T07:00Z +0")
  }

  @Test("a clock that steps back over a time that was run does not run it again, also after a crash")
  func stepsBack() throws {
    let shop = try shop(Self.script(Self.daily))
    try set(shop, "2026-01-06T07:00:05Z")
    #expect(try ran(shop).count == 1)
    for moment in ["2026-01-06T06:00:00Z", "2026-01-06T06:59:59Z", "2026-01-06T07:00:00Z", "2026-01-06T07:30:00Z"] {
      try set(shop, moment)
      try shop.crash()
    }
    try set(shop, "2026-01-03T07:30:00Z")
    for _ in 0..<72 { try shop.advance(.hours(1)) }
    #expect(try ran(shop).count == 1)
    try set(shop, "2026-01-07T07:00:00Z")
    #expect(try ran(shop) == ["2026-01-06T07:00Z +0", "2026-01-07T07:00Z +0"])
  }

  @Test("a clock that was wrong by years, and is set right, does not silence a schedule for years")
  func wrongYear() throws {
    let shop = try shop(Self.script(Self.daily))
    try set(shop, "2036-01-06T07:00:05Z")
    #expect(try ran(shop) == ["2036-01-06T07:00Z +3652"])
    try set(shop, "2026-01-06T06:00:00Z")
    #expect(try ran(shop).count == 1)
    try set(shop, "2026-01-06T07:00:00Z")
    #expect(try ran(shop).last == "2026-01-06T07:00Z +0")
    // And one that was new while the clock was wrong.
    try set(shop, "2036-02-01T00:00:00Z")
    try shop.rewrite("s", Self.script("{ every = 'day', at = '09:00' }")["s"] ?? "")
    try look(shop)
    try set(shop, "2026-01-07T00:00:00Z")
    try set(shop, "2026-01-07T08:00:00Z")
    #expect(try ran(shop).last == "2026-01-07T08:00Z +0")
  }

  @Test("a commit that fails takes the run and the note of it back together: the time is run once")
  func rollback() throws {
    struct Full: Error {}
    let shop = try shop(Self.script(Self.daily))
    shop.now = try Instant(parsing: "2026-01-06T07:00:00Z")
    #expect(throws: Full.self) {
      try shop.store.write { tx in
        try shop.core.wakeDue(tx: tx, now: shop.now)
        throw Full()
      }
    }
    shop.core.reset()
    for _ in 0..<3 { try look(shop) }
    #expect(try ran(shop) == ["2026-01-06T07:00Z +0"])
  }

  @Test("a rule that is changed counts from now; another script's change does not touch it; one that is gone is over")
  func changed() throws {
    let shop = try shop(Self.script(Self.daily))
    // Its time passes while the rule is being changed: the new one has its own times.
    shop.now = try Instant(parsing: "2026-01-06T07:30:00Z")
    try shop.rewrite("s", Self.script("{ every = 'day', at = '10:00' }")["s"] ?? "")
    try look(shop)
    #expect(try ran(shop) == [])
    shop.now = try Instant(parsing: "2026-01-06T09:30:00Z")
    try shop.rewrite("other", "on.won(function (deal) end)")
    try look(shop)
    #expect(try ran(shop) == ["2026-01-06T09:00Z +0"])
    try shop.rewrite("s", "-- Nothing.")
    try shop.advance(.days(2))
    #expect(try shop.store.read { try $0.schedules() } == [])
    #expect(try ran(shop).count == 1)
  }

  @Test("a script that does not load for a while loses no time: it runs when it is mended")
  func broken() throws {
    let shop = try shop(Self.script(Self.daily))
    try shop.rewrite("s", "on.schedule({ every = 'day', at = '08:00' }, function (event")
    try set(shop, "2026-01-06T08:00:00Z")
    #expect(try ran(shop) == [])
    #expect(try shop.store.read { try shop.core.nextDue(tx: $0) } == nil, "nothing to wake up for meanwhile")
    try shop.rewrite("s", Self.script(Self.daily)["s"] ?? "")
    try look(shop)
    #expect(try ran(shop) == ["2026-01-06T07:00Z +0"])
  }

  @Test("days off that the workspace declares move the last working day of the month")
  func daysOff() throws {
    let rule = "{ every = 'month', on = 'last working day', at = '17:00' }"
    let shop = try shop(Self.script(rule), at: "2026-12-20T08:00:00Z", more: "calendar = { days_off = { '2026-12-31' } }")
    for _ in 0..<15 { try shop.advance(.days(1)) }
    #expect(try ran(shop) == ["2026-12-30T16:00Z +0"])
  }

  @Test("the clock begins a new path; a run by the clock may wait and move deals, and survives a crash at each step", arguments: [false, true])
  func path(crashes: Bool) throws {
    let shop = try shop([
      "s": """
      on.schedule({ every = "monday", at = "09:30" }, function (event)
        local deal = crm.deal("d1")
        chat.send(deal.owner, "Bonjour")
        sleep("1 hour")
        deal:move_to("Confirmé")
      end, { name = "s" })
      """,
      "e": "on.enter('Confirmé', function (deal) deal.place = 'there' end)",
    ])
    try set(shop, "2026-01-05T08:30:00Z")
    if crashes { try shop.crash() }
    try shop.advance(.hours(1))
    if crashes { try shop.crash() }
    try shop.settle()
    #expect(try shop.value("place") == .text("there") && shop.messages().count == 1)
    let run = try #require(try shop.runs().first)
    #expect(run.path == "s@workspace > e@deal:1")
    let origin = try #require(try shop.store.read { try $0.event(run.origin) })
    #expect(origin.name == "schedule" && origin.author.actor == "clock")
  }

  @Test("limits that let nothing run are told in the log, and stop neither the engine nor what else is due")
  func refusedByLimits() throws {
    let shop = try TestShop(Self.script(Self.daily), limits: "{ same_automation_on_path = 1 }")
    try look(shop)
    shop.now = try Instant(parsing: "2026-01-06T07:00:00Z")
    try shop.store.write { tx in try shop.core.wakeDue(tx: tx, now: shop.now) }
    var notes: [String] = []
    for case .note(let text) in shop.core.takeCommands() { notes.append(text) }
    #expect(notes.count == 1 && notes[0].hasPrefix("s can't be started by the clock: scripts go in a circle"), "\(notes)")
    #expect(try shop.store.read { try shop.core.nextDue(tx: $0) } == Instant(parsing: "2026-01-07T07:00:00Z"))
  }

  @Test("somebody may run it now, without a deal; its own times are as they were")
  func onDemand() throws {
    let shop = try shop(Self.script(Self.daily))
    try shop.store.write { tx in
      _ = try shop.core.demand(automation: "s", deal: nil, actor: "user:test", tx: tx, now: shop.now)
      #expect(throws: EngineFault.self) {
        try shop.core.demand(automation: "s", deal: "d1", actor: "user:test", tx: tx, now: shop.now)
      }
    }
    try shop.settle()
    #expect(try ran(shop) == ["2026-01-05T08:00Z +0"])
    #expect(try shop.store.read { try shop.core.nextDue(tx: $0) } == Instant(parsing: "2026-01-06T07:00:00Z"))
  }
}
