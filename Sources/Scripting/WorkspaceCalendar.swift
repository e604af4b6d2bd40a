import CRM
import Foundation

/// The clocks and the working days of a workspace. Days and times of day become moments by Foundation's calendar, which
/// knows the changes of the clocks: a time of day that is skipped counts as the one an hour later, and of a time that
/// comes twice the first counts.
public struct WorkspaceCalendar: Sendable {
  /// Which days are worked on.
  public let workingDays: WorkingDays
  /// Of all days and hours that scripts and rules name.
  public let timeZone: TimeZone
  private let calendar: Calendar

  /// As the workspace declares it.
  public init(_ declaration: WorkspaceDeclaration) {
    workingDays = declaration.workingDays
    timeZone = TimeZone(identifier: declaration.timeZone) ?? .gmt
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    calendar.firstWeekday = 2  // Monday, whatever the machine's settings.
    self.calendar = calendar
  }

  // MARK: Days and moments

  /// The day on which a moment falls; nil outside the years 1 to 9999.
  public func day(of instant: Instant) -> CalendarDay? {
    instant.day(utcOffset: timeZone.secondsFromGMT(for: Self.date(instant)))
  }

  /// The moment at which the clocks show this on that day.
  public func moment(_ day: CalendarDay, hour: Int = 0, minute: Int = 0, second: Int = 0) -> Instant {
    let (year, month, number) = day.components
    let parts = DateComponents(year: year, month: month, day: number, hour: hour, minute: minute, second: second)
    return calendar.date(from: parts).map(Self.instant) ?? Instant(startOf: day)
  }

  /// "2026-11-24 08:00", as the clocks show it.
  public func text(_ instant: Instant) -> String {
    guard let day = day(of: instant) else { return instant.description }
    let parts = calendar.dateComponents([.hour, .minute], from: Self.date(instant))
    func two(_ number: Int?) -> String { String((number ?? 0) + 100).suffix(2).description }
    return "\(day) \(two(parts.hour)):\(two(parts.minute))"
  }

  /// Reads what `text` writes, and a day alone, which is its first moment.
  public func moment(parsing text: String) throws(ValueFault) -> Instant {
    let parts = text.split(separator: " ", maxSplits: 1)
    let digits = parts.count == 2 ? parts[1].split(separator: ":", omittingEmptySubsequences: false) : ["00", "00"]
    let time = digits.compactMap { $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && (1...2).contains($0.utf8.count) ? Int($0) : nil }
    guard let first = parts.first, let day = try? CalendarDay(parsing: String(first)), digits.count == 2, time.count == 2,
      time[0] < 24, time[1] < 60
    else {
      throw ValueFault("expected a date like \"2026-12-01\" or a date and a time like \"2026-12-01 08:00\", found \"\(text)\"")
    }
    return moment(day, hour: time[0], minute: time[1])
  }

  /// The same time of day, so many working days later.
  public func adding(workingDays count: Int, to instant: Instant) throws(ValueFault) -> Instant {
    guard let day = day(of: instant) else { throw ValueFault("\(instant) is outside the years 0001 to 9999") }
    let later = try workingDays.adding(count, to: day)
    let time = calendar.dateComponents([.hour, .minute, .second], from: Self.date(instant))
    let moment = moment(later, hour: time.hour ?? 0, minute: time.minute ?? 0, second: time.second ?? 0)
    // Zones are ahead of UTC by whole seconds.
    let rest = instant.milliseconds % 1000
    return Instant(milliseconds: moment.milliseconds + (rest < 0 ? rest + 1000 : rest))
  }

  // MARK: Schedules

  /// The first time of a schedule after a moment; nil when there is none within two years.
  public func next(_ rule: ScheduleRule, after: Instant) -> Instant? {
    var found: Instant?
    enumerate(rule, after: after, through: Instant(milliseconds: after.milliseconds + 731 * 86_400_000)) { moment in
      found = moment
      return false
    }
    return found
  }

  /// All times of a schedule after a moment, up to another one.
  public func times(_ rule: ScheduleRule, after: Instant, through end: Instant) -> [Instant] {
    var found: [Instant] = []
    enumerate(rule, after: after, through: end) { moment in
      found.append(moment)
      return true
    }
    return found
  }

  private func enumerate(_ rule: ScheduleRule, after: Instant, through end: Instant, _ take: (Instant) -> Bool) {
    guard after < end else { return }
    // Working days are no matter of Foundation: of each day, or month, it names, the working day is looked up.
    let margin: Int64 = if case .monthly(.working) = rule.days { 32 * 86_400_000 } else { 0 }
    // In whole seconds: what Foundation finds keeps the fraction of where it began.
    let start = Date(timeIntervalSince1970: (Double(after.milliseconds - margin) / 1000).rounded(.down))
    for date in recurrence(rule).recurrences(of: start, in: start...Self.date(end)) {
      var moment = Self.instant(date)
      switch rule.days {
      case .working: if day(of: moment).map(workingDays.contains) != true { continue }
      case .monthly(.working(let place)):
        guard let first = day(of: moment), let day = workingDays.day(place, of: first.month, in: first.year) else { continue }
        moment = self.moment(day, hour: rule.hour, minute: rule.minute)
      default: break
      }
      guard moment > after, moment <= end else { continue }
      if !take(moment) { return }
    }
  }

  private func recurrence(_ rule: ScheduleRule) -> Calendar.RecurrenceRule {
    var recurrence = Calendar.RecurrenceRule(
      calendar: calendar, frequency: .daily, matchingPolicy: .nextTimePreservingSmallerComponents,
      repeatedTimePolicy: .first)
    recurrence.hours = [rule.hour]
    recurrence.minutes = [rule.minute]
    recurrence.seconds = [0]
    switch rule.days {
    case .daily, .working: break
    case .weekly(let weekdays):
      recurrence.frequency = .weekly
      recurrence.weekdays = weekdays.map { .every(Self.weekday($0)) }
    case .monthly(.day(let day)):
      recurrence.frequency = .monthly
      recurrence.daysOfTheMonth = [day]
    case .monthly(.weekday(let weekday, let place)):
      recurrence.frequency = .monthly
      recurrence.weekdays = [.nth(place, Self.weekday(weekday))]
    case .monthly(.working):
      recurrence.frequency = .monthly
      recurrence.daysOfTheMonth = [1]
    case .yearly(let month, let day):
      recurrence.frequency = .yearly
      recurrence.months = [Calendar.RecurrenceRule.Month(month)]
      recurrence.daysOfTheMonth = [day]
    }
    return recurrence
  }

  /// From 1 for Monday.
  private static func weekday(_ number: Int) -> Locale.Weekday {
    [.monday, .tuesday, .wednesday, .thursday, .friday, .saturday, .sunday][number - 1]
  }

  private static func date(_ instant: Instant) -> Date { Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000) }

  private static func instant(_ date: Date) -> Instant {
    Instant(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
  }
}
