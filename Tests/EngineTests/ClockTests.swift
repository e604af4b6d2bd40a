import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// Waits by the calendar, and waits over a clock that is set back.
@Suite("The clock")
struct ClockTests {
  private func shop(_ body: String, at start: String = "2026-01-05T08:00:00Z") throws -> TestShop {
    let shop = try TestShop(["w": "on.enter('Confirmé', function (deal)\n\(body)\ndeal.place = tostring(now())\nend)"])
    shop.now = try Instant(parsing: start)
    try shop.move("Confirmé")
    try shop.settle()
    return shop
  }

  private func set(_ shop: TestShop, _ moment: String) throws {
    shop.now = try Instant(parsing: moment)
    try shop.advance(.seconds(0))
  }

  private func due(_ shop: TestShop) throws -> String? { try shop.runs().first?.dueAt?.description }

  @Test("how long a wait by the calendar lasts", arguments: [
    // Monday, 5 January 2026, 9:00 in Paris.
    ("sleep(working_days(3))", "2026-01-08T08:00:00.000Z"), ("sleep(working_days(5))", "2026-01-12T08:00:00.000Z"),
    ("wait(deal:becomes('won'), working_days(1))", "2026-01-06T08:00:00.000Z"),
    ("wait(deal:becomes('won'), date('2026-02-01'))", "2026-01-31T23:00:00.000Z"),
    ("wait_any { deal:becomes('won'), '9 days', working_days(2) }", "2026-01-07T08:00:00.000Z"),
    ("sleep_until('2026-12-01 08:00')", "2026-12-01T07:00:00.000Z"), ("sleep_until(date('2026-07-01'))", "2026-06-30T22:00:00.000Z"),
    ("sleep_until(today() + working_days(3))", "2026-01-07T23:00:00.000Z"),
    ("sleep_until(now():plus('90 minutes'))", "2026-01-05T09:30:00.000Z"),
    // Three days are 72 hours; three working days end at the same time of day, in summer time.
    ("sleep_until('2026-03-27 12:00') sleep(working_days(1))", "2026-03-27T11:00:00.000Z"),
  ])
  func lengths(body: String, until: String) throws {
    let shop = try shop(body)
    #expect(try due(shop) == until)
    try set(shop, until)
    if body.hasPrefix("sleep_until('2026-03-27") {
      #expect(try due(shop) == "2026-03-30T10:00:00.000Z")
    } else {
      #expect(try shop.value("place") == .text(until))
    }
  }

  @Test("sleep_until a moment that is past is over at once; also when it is replayed")
  func past() throws {
    let shop = try shop("sleep_until('2026-01-05 09:00') sleep_until(date('2020-01-01')) sleep('1 hour')")
    #expect(try shop.runs().first?.segment == 1)
    try shop.crash()
    try shop.advance(.hours(1))
    #expect(try shop.runStates() == ["w: succeeded"])
  }

  @Test("a clock that steps back a little ends no wait early, none twice, and loses none")
  func stepsBack() throws {
    let shop = try shop("sleep('1 hour') deal:add_note('once')")
    try set(shop, "2026-01-05T08:59:00Z")
    try set(shop, "2026-01-05T08:30:00Z")
    try set(shop, "2026-01-05T09:00:00Z")
    try set(shop, "2026-01-05T08:59:30Z")
    try shop.crash()
    try set(shop, "2026-01-05T09:10:00Z")
    guard case .list(let notes)? = try shop.value("notes") else { throw ValueFault("no notes") }
    #expect(try notes.count == 1 && shop.value("place") == .text("2026-01-05T09:00:00.000Z"))
  }

  @Test(
    "what was parked while the clock was years ahead lasts as long as it was to last, from when the clock is right; what the calendar named stays",
    arguments: [
      ("sleep('1 hour')", "2026-01-05T09:00:00.000Z"), ("wait(deal:becomes('won'), '3 days')", "2026-01-08T08:00:00.000Z"),
      ("wait_any { deal:becomes('won'), '2 days' }", "2026-01-07T08:00:00.000Z"),
      ("wait_any { date('2036-05-01'), '2 days' }", "2026-01-07T08:00:00.000Z"),
      ("sleep_until('2036-12-01 08:00')", "2036-12-01T07:00:00.000Z"),
    ], [false, true])
  func wrongYear(wait: (body: String, until: String), restarted: Bool) throws {
    let shop = try shop(wait.body, at: "2036-01-05T08:00:00Z")
    try shop.advance(.seconds(0))
    if restarted { try shop.crash() }
    try set(shop, "2026-01-05T08:00:00Z")
    #expect(try due(shop) == wait.until)
    // Once only: the clock goes on, and the wait comes nearer.
    try set(shop, "2026-01-05T08:30:00Z")
    try shop.crash()
    try set(shop, "2026-01-05T08:45:00Z")
    #expect(try due(shop) == wait.until)
    try set(shop, wait.until)
    #expect(try shop.runStates() == ["w: succeeded"])
  }

  @Test("so does what the wrong clock itself woke, and parked again")
  func wokenByTheWrongClock() throws {
    let shop = try shop("sleep('1 hour') sleep('2 hours')")
    try set(shop, "2036-01-05T08:00:00Z")
    try shop.crash()
    try set(shop, "2026-01-05T09:00:00Z")
    #expect(try due(shop) == "2026-01-05T11:00:00.000Z")
  }

  @Test("a step that backs off is tried at once when the clock was years ahead")
  func backoff() throws {
    let service = RefusesOnce()
    let shop = try TestShop(
      ["w": "on.enter('Confirmé', function (deal) chat.send(deal.owner, 'x') deal.place = 'sent' end)"],
      services: { declaration in
        ServiceRegistry(services: ServiceRegistry.local(declaration).services.map { service.wrap($0) })
      })
    shop.now = try Instant(parsing: "2036-01-05T08:00:00Z")
    service.chat?.fail(with: .timeout, times: 1)
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == ["w: retrying"])
    try set(shop, "2026-01-05T08:00:00Z")
    #expect(try shop.value("place") == .text("sent"))
  }

  private final class RefusesOnce {
    var chat: FaultyService?

    func wrap(_ service: any Service) -> any Service {
      guard service.declaration.name == "chat" else { return service }
      let faulty = FaultyService(service)
      chat = faulty
      return faulty
    }
  }
}
