import Testing

@testable import CRM

@Suite("French working days")
struct WorkingDaysTests {
  private func day(_ text: String) throws -> CalendarDay { try CalendarDay(parsing: text) }

  @Test("the eleven public holidays of a year", arguments: [
    (2024, "2024-01-01 2024-04-01 2024-05-01 2024-05-08 2024-05-09 2024-05-20 2024-07-14 2024-08-15 2024-11-01 2024-11-11 2024-12-25"),
    (2025, "2025-01-01 2025-04-21 2025-05-01 2025-05-08 2025-05-29 2025-06-09 2025-07-14 2025-08-15 2025-11-01 2025-11-11 2025-12-25"),
    (2026, "2026-01-01 2026-04-06 2026-05-01 2026-05-08 2026-05-14 2026-05-25 2026-07-14 2026-08-15 2026-11-01 2026-11-11 2026-12-25"),
    (2027, "2027-01-01 2027-03-29 2027-05-01 2027-05-06 2027-05-08 2027-05-17 2027-07-14 2027-08-15 2027-11-01 2027-11-11 2027-12-25"),
  ])
  func holidays(year: Int, days: String) {
    #expect(WorkingDays().holidays(of: year).map(\.description).joined(separator: " ") == days)
  }

  @Test("Easter Sunday where it is earliest, latest, and where the moon's tables have their exceptions", arguments: [
    (1818, "1818-03-22"), (1943, "1943-04-25"), (1954, "1954-04-18"), (1961, "1961-04-02"), (1981, "1981-04-19"),
    (2000, "2000-04-23"), (2008, "2008-03-23"), (2011, "2011-04-24"), (2038, "2038-04-25"), (2049, "2049-04-18"),
    (2076, "2076-04-19"), (2100, "2100-03-28"),
  ])
  func easter(year: Int, day: String) { #expect(WorkingDays.easter(of: year)?.description == day) }

  @Test("Easter is a Sunday between 22 March and 25 April in every year")
  func easterEveryYear() throws {
    for year in 1...9999 {
      let easter = try #require(WorkingDays.easter(of: year))
      let isInSpring = easter.month == 3 ? easter.day >= 22 : easter.month == 4 && easter.day <= 25
      #expect(easter.weekday == 7 && easter.year == year && isInSpring, "\(easter)")
    }
  }

  @Test("Alsace and Moselle have Good Friday and the day after Christmas too")
  func alsaceMoselle() throws {
    let days = WorkingDays(alsaceMoselle: true)
    #expect(days.holidays(of: 2026).count == 13)
    for text in ["2026-04-03", "2025-12-26"] {
      #expect(try !days.contains(day(text)) && WorkingDays().contains(day(text)), "\(text)")
    }
  }

  @Test("counted forwards and back, over weekends, holidays and the workspace's own days off", arguments: [
    ("2026-11-24", 3, "2026-11-27"), ("2026-11-27", 1, "2026-11-30"), ("2026-11-28", 1, "2026-11-30"),
    ("2026-05-07", 1, "2026-05-11"), ("2026-05-13", 1, "2026-05-15"), ("2026-12-23", 2, "2026-12-28"),
    ("2026-12-30", 3, "2027-01-05"), ("2026-05-11", -1, "2026-05-07"), ("2026-11-29", -1, "2026-11-27"),
    ("2026-11-24", 0, "2026-11-24"),
  ])
  func counting(from: String, count: Int, to: String) throws {
    #expect(try WorkingDays().adding(count, to: day(from)).description == to)
  }

  @Test("a day off that the workspace declares is not worked")
  func daysOff() throws {
    let days = WorkingDays(daysOff: [try day("2026-12-24")])
    #expect(try days.adding(1, to: day("2026-12-23")).description == "2026-12-28")
  }

  @Test("the first, second and last working day of a month", arguments: [
    (2026, 1, 1, "2026-01-02"), (2026, 5, 1, "2026-05-04"), (2026, 11, 2, "2026-11-03"), (2026, 5, -1, "2026-05-29"),
    (2026, 10, -1, "2026-10-30"), (2027, 1, 1, "2027-01-04"), (2028, 2, -1, "2028-02-29"),
  ])
  func placeInMonth(year: Int, month: Int, place: Int, day: String) {
    #expect(WorkingDays().day(place, of: month, in: year)?.description == day)
  }

  @Test("the years 1 and 9999 have their ends")
  func ends() {
    #expect(WorkingDays().day(30, of: 1, in: 2026) == nil)
    #expect(throws: ValueFault.self) { try WorkingDays().adding(1, to: .latest) }
    #expect(throws: ValueFault.self) { try WorkingDays().adding(-1, to: .earliest) }
  }
}
