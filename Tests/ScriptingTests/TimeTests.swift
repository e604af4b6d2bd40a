import CRM
import Testing

@testable import Scripting

@Suite("Time in scripts: working days, dates to wait for, the first of several")
struct TimeTests {
  private let deal = RecordRef(.deal, 42)

  @Test("working days are a duration, and are added to dates", arguments: [
    ("date('2026-11-27') + working_days(3)", "2026-12-02"), ("working_days(3) + date('2026-11-27')", "2026-12-02"),
    ("date('2026-05-11') - working_days(1)", "2026-05-07"), ("date('2026-05-08').is_working_day", "false"),
    ("date('2026-05-07').is_working_day", "true"), ("working_days(3)", "3 working days"),
    ("'in ' .. working_days(1)", "in 1 working day"), ("working_days(3).count", "3"),
    ("working_days(3) == working_days(3)", "true"),
    // 3 November 2026 is a Tuesday; on the 11th nobody works. It is ten o'clock in Paris.
    ("now():plus(working_days(7))", "2026-11-13T09:00:00.000Z"), ("today() + working_days(6)", "2026-11-12"),
  ])
  func workingDays(expression: String, shown: String) throws {
    #expect(try printed("print(tostring(\(expression)))") == [shown])
  }

  @Test("nonsense is refused, with what is expected", arguments: [
    ("working_days(0)", "a number of days from 1 to 10000 expected, got 0"), ("working_days('x')", "integer expected"),
    ("print(working_days(1) + 1)", "working days are added to a date"),
    ("wait(deal)", "wait needs something to wait for: a request for a signature"),
    ("sleep(date('2026-12-01'))", "a duration like \"3 days\" expected; for a date use sleep_until"),
    ("sleep('0 days')", "a duration above zero expected"),
    ("sleep_until('3 days')", "got a duration; for that use sleep(\"3 days\")"),
    ("sleep_until('tomorrow')", "expected a date like \"2026-12-01\" or a date and a time like \"2026-12-01 08:00\", found \"tomorrow\""),
    ("sleep_until('2026-12-01 25:00')", "found \"2026-12-01 25:00\""), ("sleep_until(5)", "date, time or text like"),
    ("wait_any {}", "at least one thing to wait for expected, got an empty table"), ("wait_any('3 days')", "table expected"),
    ("wait_any(deal:becomes('won'))", "a list of what to wait for expected"),
    ("wait_any { deal, '3 days' }", "1: something to wait for"), ("wait_any { won = 5 }", "won: something to wait for"),
    ("wait_any { deal:becomes('won'), late = '3 days' }", "a list or names expected, got both"),
    ("wait_any { deal:becomes('won'), 'soon' }", "expected a duration like"),
  ])
  func refused(code: String, message: String) throws {
    let found = try complaint(code)
    #expect(found.contains(message), "\(found)")
  }

  @Test("what the host is asked", arguments: [
    ("wait(deal:becomes('won'), working_days(3))", HostCall.wait(.status(RecordRef(.deal, 42), .won), timeout: .workingDays(3))),
    // A date begins at midnight in Paris, in winter an hour before that in UTC.
    ("wait(deal:becomes('won'), date('2026-12-01'))",
      .wait(.status(RecordRef(.deal, 42), .won), timeout: .until(Instant(milliseconds: 1_796_079_600_000)))),
    ("sleep(working_days(2))", .wait(.clock, timeout: .workingDays(2))),
    ("sleep_until(date('2026-12-01'))", .wait(.clock, timeout: .until(Instant(milliseconds: 1_796_079_600_000)))),
    ("sleep_until('2026-12-01')", .wait(.clock, timeout: .until(Instant(milliseconds: 1_796_079_600_000)))),
    ("sleep_until('2026-12-01 08:00')", .wait(.clock, timeout: .until(Instant(milliseconds: 1_796_108_400_000)))),
    ("sleep_until('2026-12-01T07:00:00Z')", .wait(.clock, timeout: .until(Instant(milliseconds: 1_796_108_400_000)))),
    ("sleep_until(now():plus('1 hour'))", .wait(.clock, timeout: .until(Instant(milliseconds: 1_793_700_000_000)))),
    ("wait_any { deal:becomes('won'), deal:reaches('confirme'), '3 days' }",
      .wait(
        .any([
          WaitAlternative(which: .integer(1), target: .status(RecordRef(.deal, 42), .won)),
          WaitAlternative(which: .integer(2), target: .stage(RecordRef(.deal, 42), "Confirmé")),
          WaitAlternative(which: .integer(3), target: .clock, time: .span(.days(3))),
        ]), timeout: nil)),
    ("wait_any { won = deal:becomes('won'), late = working_days(3) }",
      .wait(
        .any([
          WaitAlternative(which: .text("late"), target: .clock, time: .workingDays(3)),
          WaitAlternative(which: .text("won"), target: .status(RecordRef(.deal, 42), .won)),
        ]), timeout: nil)),
  ])
  func asked(code: String, call: HostCall) throws {
    let host = MemoryHost()
    let execution = try Workshop(body: code).execution(host: host)
    guard case .suspended = try execution.begin() else { return #expect(Bool(false), "it did not suspend") }
    #expect(host.calls.last == call)
  }

  @Test("workspace.lua declares days off, and whether the holidays of Alsace and Moselle count")
  func declared() throws {
    func read(_ calendar: String) throws -> WorkspaceDeclaration {
      try WorkspaceReader.read(text: "return { pipelines = { { name = 'V', stages = { 'A' } } },\ncalendar = \(calendar) }", name: "workspace.lua")
    }
    let days = try read("{ days_off = { '2026-12-24', '2026-12-31' }, alsace_moselle = true }").workingDays
    #expect(try days.adding(1, to: CalendarDay(parsing: "2026-12-23")).description == "2026-12-28")
    #expect(try days.daysOff.count == 2 && !days.contains(CalendarDay(parsing: "2025-12-26")))
    for (text, message) in [
      ("{ days_off = { '24/12/2026' } }", "calendar.days_off[1]: expected a date like 2026-11-03, found \"24/12/2026\""),
      ("{ holidays = {} }", "calendar has no key 'holidays'"), ("{ alsace_moselle = 'yes' }", "expected true or false"),
    ] {
      let problem = #expect(throws: ScriptProblem.self) { try read(text) }
      #expect(problem?.message.contains(message) == true, "\(problem?.message ?? "")")
    }
  }
}
