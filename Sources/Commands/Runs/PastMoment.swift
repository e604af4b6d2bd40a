import CRM
import Foundation

/// A moment of the past as it is typed: "2026-11-03", "2026-11-03T09:15:00Z", or how long ago: "7 days".
struct PastMoment {
  let instant: Instant

  /// - Parameter zone: a day begins at its midnight there.
  /// - Throws: `CommandFault` that says what is expected.
  init(typed text: String, zone: String, now: Instant = OpenWorkspace.now) throws {
    if let span = try? TimeSpan(parsing: text) {
      instant = Instant(milliseconds: now.milliseconds - min(span.milliseconds, now.milliseconds))
    } else if let moment = try? Instant(parsing: text) {
      instant = moment
    } else if let day = try? CalendarDay(parsing: text), let zone = TimeZone(identifier: zone) {
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = zone
      let parts = DateComponents(year: day.year, month: day.month, day: day.day)
      guard let date = calendar.date(from: parts) else { throw CommandFault("there is no day \(text)") }
      instant = Instant(milliseconds: Int64(date.timeIntervalSince1970 * 1000))
    } else {
      throw CommandFault(
        "expected a date like 2026-11-03, a time like 2026-11-03T09:15:00Z, or how long ago like \"7 days\", found \"\(text)\"")
    }
  }
}
