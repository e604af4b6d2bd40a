/// Which days are worked: Monday to Friday, without the public holidays of France and without the days off that a
/// workspace declares. A Saturday is none of them: these are "jours ouvrés", not "jours ouvrables".
public struct WorkingDays: Hashable, Sendable {
  /// Days off of the workspace's own, beside the public holidays.
  public var daysOff: Set<CalendarDay>
  /// Whether the two further holidays of Alsace and Moselle count.
  public var alsaceMoselle: Bool

  /// The public holidays alone, unless more is said.
  public init(daysOff: Set<CalendarDay> = [], alsaceMoselle: Bool = false) {
    self.daysOff = daysOff
    self.alsaceMoselle = alsaceMoselle
  }

  /// The public holidays of a year, in order: Code du travail, article L3133-1; for Alsace and Moselle also Good Friday
  /// and 26 December, article L3134-13. Empty outside the years 1 to 9999.
  public func holidays(of year: Int) -> [CalendarDay] {
    guard let easter = Self.easter(of: year) else { return [] }
    var dates = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    var afterEaster = [1, 39, 50]  // Easter Monday, Ascension, Whit Monday.
    if alsaceMoselle {
      dates.append((12, 26))
      afterEaster.append(-2)
    }
    let fixed = dates.compactMap { try? CalendarDay(year: year, month: $0.0, day: $0.1) }
    return (fixed + afterEaster.compactMap { try? easter.adding(days: $0) }).sorted()
  }

  /// Whether the day is worked.
  public func contains(_ day: CalendarDay) -> Bool {
    day.weekday <= 5 && !daysOff.contains(day) && !holidays(of: day.year).contains(day)
  }

  /// The day that so many working days follow up to and including it: the third one after a Friday is a Wednesday.
  /// A negative count goes back.
  /// - Throws: outside the years 1 to 9999.
  public func adding(_ count: Int, to day: CalendarDay) throws(ValueFault) -> CalendarDay {
    var day = day
    var left = count.magnitude
    while left > 0 {
      day = try day.adding(days: count < 0 ? -1 : 1)
      if contains(day) { left -= 1 }
    }
    return day
  }

  /// The working day at a place in its month: 1 is the first one, -1 the last. Nil when the month has not so many.
  public func day(_ place: Int, of month: Int, in year: Int) -> CalendarDay? {
    let last = (1...12).contains(month) ? CalendarDay.lastDay(of: month, year: year) : 0
    let worked = (1..<last + 1).compactMap { try? CalendarDay(year: year, month: month, day: $0) }.filter(contains)
    let index = place < 0 ? worked.count + place : place - 1
    return worked.indices.contains(index) ? worked[index] : nil
  }

  /// Easter Sunday of the Gregorian calendar: the Sunday after the full moon on or after 21 March, as the church's
  /// tables have it (Meeus, Astronomical Algorithms, chapter 8).
  static func easter(of year: Int) -> CalendarDay? {
    let golden = year % 19
    let (century, rest) = (year / 100, year % 100)
    let moonShift = (8 * century + 13) / 25
    let epact = (19 * golden + century - century / 4 - moonShift + 15) % 30
    let toSunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7
    let late = (golden + 11 * epact + 22 * toSunday) / 451
    let place = epact + toSunday - 7 * late + 114
    return try? CalendarDay(year: year, month: place / 31, day: place % 31 + 1)
  }
}
