import CRM
import Testing

@testable import Scripting

@Suite("Schedules by the calendar")
struct ScheduleRuleTests {
  private func calendar(_ zone: String = "Europe/Paris") -> WorkspaceCalendar {
    var declaration = WorkspaceDeclaration()
    declaration.timeZone = zone
    return WorkspaceCalendar(declaration)
  }

  private func rule(_ table: String) throws -> ScheduleRule {
    let version = try Workshop(["scripts/s.lua": "on.schedule(\(table), function (event) end)"])
    let (declared, problems) = version.program.automations()
    if let problem = problems.first { throw problem }
    return try #require(declared.first?.trigger.schedule?.rule)
  }

  /// The next times after a local time, as the clocks show them.
  private func times(_ table: String, after: String, _ count: Int = 4, zone: String = "Europe/Paris") throws -> [String] {
    let (rule, calendar) = (try rule(table), calendar(zone))
    var moment = try calendar.moment(parsing: after)
    var found: [String] = []
    for _ in 0..<count {
      moment = try #require(calendar.next(rule, after: moment))
      found.append(calendar.text(moment))
    }
    return found
  }

  @Test("what a rule says, and when it is next", arguments: [
    ("{ every = 'day', at = '08:00' }", "every day at 08:00", ["2026-11-25 08:00", "2026-11-26 08:00"]),
    ("{ every = 'monday', at = '9:30' }", "every monday at 09:30", ["2026-11-30 09:30", "2026-12-07 09:30"]),
    ("{ every = { 'Thursday', 'monday' }, at = '09:30' }", "every monday and thursday at 09:30",
      ["2026-11-26 09:30", "2026-11-30 09:30"]),
    ("{ every = 'working day', at = '08:00' }", "every working day at 08:00",
      ["2026-11-25 08:00", "2026-11-26 08:00", "2026-11-27 08:00", "2026-11-30 08:00"]),
    ("{ every = 'month', on = 15, at = '08:00' }", "every month on the 15 at 08:00", ["2026-12-15 08:00", "2027-01-15 08:00"]),
    ("{ every = 'month', on = 'last day', at = '08:00' }", "every month on the last day at 08:00",
      ["2026-11-30 08:00", "2026-12-31 08:00", "2027-01-31 08:00", "2027-02-28 08:00"]),
    ("{ every = 'month', on = 'first monday', at = '08:00' }", "every month on the first monday at 08:00",
      ["2026-12-07 08:00", "2027-01-04 08:00"]),
    ("{ every = 'month', on = 'last friday', at = '08:00' }", "every month on the last friday at 08:00",
      ["2026-11-27 08:00", "2026-12-25 08:00"]),
    ("{ every = 'month', on = 'last working day', at = '17:00' }", "every month on the last working day at 17:00",
      ["2026-11-30 17:00", "2026-12-31 17:00", "2027-01-29 17:00", "2027-02-26 17:00"]),
    ("{ every = 'month', on = 'first working day', at = '17:00' }", "every month on the first working day at 17:00",
      ["2026-12-01 17:00", "2027-01-04 17:00"]),
    ("{ every = 'year', on = '12-24', at = '08:00' }", "every year on 12-24 at 08:00", ["2026-12-24 08:00", "2027-12-24 08:00"]),
  ])
  func notation(table: String, words: String, next: [String]) throws {
    #expect(try rule(table).description == words)
    #expect(try times(table, after: "2026-11-24 20:00", next.count) == next)
  }

  @Test("a working day is no public holiday: the Thursday of Ascension, and what lies before a long weekend")
  func holidays() throws {
    #expect(
      try times("{ every = 'working day', at = '08:00' }", after: "2026-05-13 09:00", 2) == ["2026-05-15 08:00", "2026-05-18 08:00"])
    // 29 May 2026 is a Friday; 31 December 2027 one too, and 1 November 2027 a Monday that is not worked.
    #expect(
      try times("{ every = 'month', on = 'last working day', at = '17:00' }", after: "2026-05-01 00:00", 1) == ["2026-05-29 17:00"])
    #expect(
      try times("{ every = 'month', on = 'first working day', at = '17:00' }", after: "2027-10-31 00:00", 1) == ["2027-11-02 17:00"])
  }

  @Test("times are whole minutes, whatever fraction of a second it is asked at, and none comes twice", arguments: [
    "{ every = 'day', at = '08:00' }", "{ every = 'monday', at = '08:00' }", "{ every = 'month', on = 'last working day', at = '08:00' }",
  ])
  func fractions(table: String) throws {
    let (calendar, rule) = (calendar(), try rule(table))
    var moment = try calendar.moment(parsing: "2026-01-01 12:34").adding(TimeSpan(milliseconds: 56_789))
    for _ in 0..<5 {
      let next = try #require(calendar.next(rule, after: moment))
      #expect(next > moment && next.milliseconds % 60_000 == 0, "\(next)")
      #expect(calendar.next(rule, after: Instant(milliseconds: next.milliseconds - 1)) == next)
      #expect(try #require(calendar.next(rule, after: Instant(milliseconds: next.milliseconds + 1))) > next)
      moment = next
    }
  }

  @Test("over both changes of the clocks the clocks' own time counts: 23 and 25 hours lie between")
  func clockChanges() throws {
    let calendar = calendar()
    let rule = try rule("{ every = 'day', at = '08:00' }")
    for (after, hours) in [("2026-03-28 08:00", 23), ("2026-10-24 08:00", 25)] {
      let before = try calendar.moment(parsing: after)
      let next = try #require(calendar.next(rule, after: before))
      #expect(next.since(before) == .hours(Int32(hours)))
      #expect(calendar.text(next).hasSuffix(" 08:00"))
    }
  }

  @Test("a time that is skipped comes once, an hour later, and one that comes twice comes once, at its first", arguments: [
    ("Europe/Paris", "02:30", "2026-03-28 12:00", "2026-03-29T01:30:00.000Z", "2026-03-30T00:30:00.000Z"),
    ("Europe/Paris", "02:30", "2026-10-24 12:00", "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"),
    ("Europe/Paris", "02:00", "2026-03-28 12:00", "2026-03-29T01:00:00.000Z", "2026-03-30T00:00:00.000Z"),
    ("Europe/Paris", "03:00", "2026-10-24 12:00", "2026-10-25T02:00:00.000Z", "2026-10-26T02:00:00.000Z"),
    // Here it is midnight that is skipped, and the day begins at one.
    ("America/Santiago", "00:30", "2026-09-05 12:00", "2026-09-06T04:30:00.000Z", "2026-09-07T03:30:00.000Z"),
    ("America/New_York", "01:30", "2026-10-31 12:00", "2026-11-01T05:30:00.000Z", "2026-11-02T06:30:00.000Z"),
  ])
  func skippedAndRepeated(zone: String, at: String, after: String, first: String, second: String) throws {
    let (calendar, rule) = (calendar(zone), try rule("{ every = 'day', at = '\(at)' }"))
    let start = try calendar.moment(parsing: after)
    let end = try start.adding(.hours(44))
    #expect(calendar.times(rule, after: start, through: end).map(\.description) == [first, second])
    // From within the hour that comes twice, too.
    let within = try Instant(parsing: first).adding(.minutes(10))
    #expect(calendar.next(rule, after: within)?.description == second)
  }

  @Test("what is no rule is refused when the script loads, and the error says what is expected", arguments: [
    ("nil", "expected a table like { every = \"monday\", at = \"09:30\" }, found nothing"),
    ("'every day'", "expected a table like"), ("{}", "expected a table like"),
    ("{ every = 'day' }", "at: expected a time of day in quotes, like \"08:00\"; it is missing"),
    ("{ every = 'day', at = 8 }", "at: expected a time of day in quotes, like \"08:00\", found 8"),
    ("{ every = 'day', at = '8h00' }", "found \"8h00\""), ("{ every = 'day', at = '24:00' }", "there is no \"24:00\""),
    ("{ at = '08:00' }", "every: it is missing; expected \"day\""),
    ("{ every = 'mondy', at = '08:00' }", "found \"mondy\"; did you mean \"monday\"?"),
    ("{ every = { 'monday', 'x' }, at = '08:00' }", "found \"x\""), ("{ every = 1, at = '08:00' }", "every: expected \"day\""),
    ("{ every = 'day', on = 3, at = '08:00' }", "on: goes with every = \"month\" or every = \"year\" only"),
    ("{ every = 'month', at = '08:00' }", "\"last working day\"; it is missing"),
    ("{ every = 'month', on = 31, at = '08:00' }", "not every month has a day 31; write on = \"last day\""),
    ("{ every = 'month', on = 0, at = '08:00' }", "found 0"),
    ("{ every = 'month', on = 'fifth monday', at = '08:00' }", "not every month has a fifth monday"),
    ("{ every = 'month', on = 'last workingday', at = '08:00' }", "did you mean \"last working day\"?"),
    ("{ every = 'year', on = '02-29', at = '08:00' }", "most years have no 29 February"),
    ("{ every = 'year', on = '2026-12-24', at = '08:00' }", "expected month and day in quotes, like \"12-24\""),
    ("{ evry = 'day', at = '08:00' }", "found 'evry'; did you mean 'every'?"),
  ])
  func refused(table: String, message: String) throws {
    let problem = #expect(throws: ScriptProblem.self) { try rule(table) }
    #expect(problem?.message.contains("on.schedule: ") == true && problem?.message.contains(message) == true, "\(problem?.message ?? "")")
    #expect(problem?.line == 1)
  }

  @Test("the options are name and missed, and nothing that is for deals", arguments: [
    ("{ missed = 'all' }", "missed is \"once\" or \"each\", found \"all\""),
    ("{ while_waiting = 'ignore' }", "on.schedule has the options name, missed; found 'while_waiting'"),
  ])
  func options(table: String, message: String) throws {
    let workshop = try Workshop(["scripts/s.lua": "on.schedule({ every = 'day', at = '08:00' }, print, \(table))"])
    #expect(workshop.program.automations().problems.first?.message.contains(message) == true)
  }
}
