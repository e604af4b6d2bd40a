import CRM
import Testing

@Suite("Days")
struct CalendarDayTests {
  @Test(
    "known days have their number, weekday and text",
    arguments: [
      ("1970-01-01", 0, 4), ("2026-11-03", 20_760, 2), ("2000-02-29", 11_016, 2),
      ("0001-01-01", -719_162, 1),
      ("9999-12-31", 2_932_896, 5), ("1969-12-31", -1, 3), ("1900-03-01", -25_508, 4),
    ])
  func known(text: String, days: Int32, weekday: Int) throws {
    let day = try CalendarDay(parsing: text)
    #expect(day.daysSinceEpoch == days)
    #expect(day.weekday == weekday)
    #expect(day.description == text)
  }

  @Test(
    "days that don't exist are refused by name",
    arguments: [
      ("2026-02-30", "2026 has no February 30"), ("2026-02-29", "2026 has no February 29"),
      ("1900-02-29", "1900 has no February 29"), ("2026-04-31", "2026 has no April 31"),
      ("2026-13-01", "no month 13"),
      ("2026-00-10", "no month 0"), ("2026-01-00", "no January 0"),
      ("0000-01-01", "year from 0001"),
      ("2026-01-32", "no January 32"),
    ])
  func impossible(text: String, reason: String) {
    #expect(message { try CalendarDay(parsing: text) }.contains(reason))
  }

  @Test(
    "other forms of dates are refused with the form to use",
    arguments: [
      "30/02/2026", "2026-1-3", "2026-11-03 ", "", "20261103", "2026-11-03T00:00:00Z", "-026-11-03",
      "２０２６-11-03", "+026-01-01",
    ])
  func forms(text: String) {
    #expect(message { try CalendarDay(parsing: text) }.contains("expected a date like 2026-11-03"))
  }

  @Test("every day from 0001 to 9999 follows the one before, by a count made independently")
  func everyDay() throws {
    var (year, month, day) = (1, 1, 1)
    var number: Int32 = -719_162
    var wrong = 0
    while year <= 9999 {
      guard let found = CalendarDay(daysSinceEpoch: number) else {
        wrong += 1
        break
      }
      let parts = found.components
      if parts.year != year || parts.month != month || parts.day != day { wrong += 1 }
      if try CalendarDay(year: year, month: month, day: day) != found { wrong += 1 }
      let lengths = [
        31, (year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)) ? 29 : 28, 31, 30, 31, 30, 31,
        31, 30, 31, 30, 31,
      ]
      day += 1
      if day > lengths[month - 1] { (day, month) = (1, month + 1) }
      if month > 12 { (month, year) = (1, year + 1) }
      number += 1
    }
    #expect(wrong == 0)
    #expect(number == 2_932_897)
  }

  @Test("additions stop at the ends of the calendar")
  func additions() throws {
    #expect(try CalendarDay(parsing: "2024-02-28").adding(days: 1).description == "2024-02-29")
    #expect(try CalendarDay(parsing: "2026-01-01").adding(days: -1).description == "2025-12-31")
    #expect(
      try CalendarDay(parsing: "2026-03-01").days(since: CalendarDay(parsing: "2026-02-01")) == 28)
    for days in [1, Int.max] {
      #expect(message { try CalendarDay.latest.adding(days: days) }.contains("outside"))
    }
    for days in [-1, Int.min] {
      #expect(message { try CalendarDay.earliest.adding(days: days) }.contains("outside"))
    }
    #expect(CalendarDay(daysSinceEpoch: .max) == nil && CalendarDay(daysSinceEpoch: .min) == nil)
  }

  @Test("text and number round trip, and texts sort like days")
  func properties() throws {
    var random = Seeded("CalendarDay")
    for _ in 0..<5000 {
      let a = try #require(
        CalendarDay(daysSinceEpoch: .random(in: -719_162...2_932_896, using: &random)))
      let b = try #require(
        CalendarDay(daysSinceEpoch: .random(in: -719_162...2_932_896, using: &random)))
      #expect(try CalendarDay(parsing: a.description) == a)
      #expect((a < b) == (a.description < b.description))
      #expect(try a.adding(days: b.days(since: a)) == b)
    }
  }
}

@Suite("Times and durations")
struct InstantTests {
  @Test(
    "ISO 8601 times are read, with fractions and offsets",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-11-03T09:15:00Z", 1_793_697_300_000),
      ("2026-11-03T11:15:00+02:00", 1_793_697_300_000),
      ("2026-11-03T09:15:00.5Z", 1_793_697_300_500),
      ("2026-11-03T09:15:00.123456789Z", 1_793_697_300_123),
      ("1969-12-31T23:59:59.999Z", -1), ("2026-11-02T22:45:00-10:30", 1_793_697_300_000),
    ] as [(String, Int64)])
  func reading(text: String, milliseconds: Int64) throws {
    #expect(try Instant(parsing: text).milliseconds == milliseconds)
  }

  @Test(
    "other forms and impossible times are refused",
    arguments: [
      "", "2026-11-03", "2026-11-03T09:15:00", "2026-11-03 09:15:00Z", "2026-11-03T24:00:00Z",
      "2026-11-03T09:60:00Z",
      "2026-02-30T09:15:00Z", "2026-11-03T09:15:00.Z", "2026-11-03T09:15:00+0200",
      "2026-11-03T09:15:00ZZ",
      "2026-11-03T09:15:00+25:00", "2026-11-03T09:15:00.1234567890Z", "2026-11-03T09:15:00+",
      "2026-11-03T09:15:00.123456",
    ])
  func refusing(text: String) {
    #expect(
      message { try Instant(parsing: text) }.hasPrefix("expected a time like 2026-11-03T09:15:00Z"))
  }

  @Test("the text names the reason for a day that doesn't exist")
  func reason() {
    #expect(
      message { try Instant(parsing: "2026-02-30T09:15:00Z") }.contains("2026 has no February 30"))
  }

  @Test("any moment is written and read back; those outside the calendar have no ISO text")
  func properties() throws {
    var random = Seeded("Instant")
    let (first, last) = (Int64(-719_162) * 86_400_000, Int64(2_932_897) * 86_400_000 - 1)
    for _ in 0..<5000 {
      let instant = Instant(milliseconds: .random(in: first...last, using: &random))
      #expect(try Instant(parsing: instant.description) == instant)
    }
    #expect(try Instant(parsing: "9999-12-31T23:59:59.999Z").milliseconds == last)
    for wild in [first - 1, last + 1, .min, .max] {
      #expect(Instant(milliseconds: wild).isoText == nil)
      #expect(Instant(milliseconds: wild).day() == nil)
    }
  }

  @Test("days of a moment follow the clock's offset; sums and differences hold at the ends")
  func arithmetic() throws {
    let late = try Instant(parsing: "2026-11-03T23:30:00Z")
    #expect(late.day()?.description == "2026-11-03")
    #expect(late.day(utcOffset: 3600)?.description == "2026-11-04")
    #expect(try late.adding(TimeSpan(parsing: "2 hours")).description == "2026-11-04T01:30:00.000Z")
    #expect(message { try Instant(milliseconds: .max).adding(.seconds(1)) }.contains("too far"))
    #expect(Instant(milliseconds: .max).since(Instant(milliseconds: .min)).milliseconds == .max)
    #expect(Instant(milliseconds: .min).since(Instant(milliseconds: .max)).milliseconds == .min)
    #expect(Instant(milliseconds: .max).day(utcOffset: .max) == nil)
    #expect(
      Instant(startOf: try CalendarDay(parsing: "2026-11-03")).description
        == "2026-11-03T00:00:00.000Z")
  }

  @Test(
    "durations are a whole number and a unit",
    arguments: [
      ("60 days", 5_184_000_000, "60 days"), ("2 hours", 7_200_000, "2 hours"),
      ("30 minutes", 1_800_000, "30 minutes"),
      ("10 s", 10_000, "10 seconds"), ("3 weeks", 1_814_400_000, "3 weeks"),
      ("1 day", 86_400_000, "1 day"), ("90 min", 5_400_000, "90 minutes"),
      ("500ms", 500, "500 milliseconds"), ("0 s", 0, "0 seconds"),
      ("24 Hours", 86_400_000, "1 day"),
    ] as [(String, Int64, String)])
  func durations(text: String, milliseconds: Int64, shown: String) throws {
    let span = try TimeSpan(parsing: text)
    #expect(span.milliseconds == milliseconds)
    #expect(span.description == shown)
    #expect(try TimeSpan(parsing: shown) == span)
  }

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "60", "days", "-1 day", "1.5 hours", "3 moons", "1 day 2 hours",
      "9223372036854775807 weeks", "99999999999999999999 s",
    ])
  func badDurations(text: String) {
    #expect(message { try TimeSpan(parsing: text) }.contains("duration"))
  }
}
