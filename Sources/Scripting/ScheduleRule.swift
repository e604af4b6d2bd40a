import CRM
import Foundation

/// When an `on.schedule` automation is due: "every day at 08:00", "every monday at 09:30" or "every hour".
public struct ScheduleRule: Hashable, Sendable, CustomStringConvertible {
  private enum Rhythm: Hashable, Sendable {
    case hourly
    case daily
    /// 1 is Monday, as in ISO 8601.
    case weekly(Int)
  }

  private static let weekdays = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
  ]

  private let rhythm: Rhythm
  private let hour: Int
  private let minute: Int

  /// Reads a rule; case and runs of blanks don't count.
  /// - Throws: `ValueFault`, which lists the forms that there are.
  public init(parsing text: String) throws(ValueFault) {
    let words = text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.first == "every", words.count >= 2 else { throw Self.misspelt(text) }
    if words == ["every", "hour"] {
      (rhythm, hour, minute) = (.hourly, 0, 0)
      return
    }
    guard words.count == 4, words[2] == "at" else { throw Self.misspelt(text) }
    if words[1] == "day" {
      rhythm = .daily
    } else if let place = Self.weekdays.firstIndex(of: words[1]) {
      rhythm = .weekly(place + 1)
    } else {
      throw Self.misspelt(text)
    }
    let digits = Array(words[3].utf8)
    guard digits.count == 5, digits[2] == UInt8(ascii: ":"),
      [0, 1, 3, 4].allSatisfy({ digits[$0] >= 0x30 && digits[$0] <= 0x39 })
    else { throw Self.misspelt(text) }
    hour = Int(digits[0] - 0x30) * 10 + Int(digits[1] - 0x30)
    minute = Int(digits[3] - 0x30) * 10 + Int(digits[4] - 0x30)
    guard hour < 24, minute < 60 else {
      throw ValueFault("there is no time \(words[3]); times go from 00:00 to 23:59")
    }
  }

  private static func misspelt(_ text: String) -> ValueFault {
    ValueFault(
      "expected a rule like \"every day at 08:00\", \"every monday at 09:30\" or \"every hour\", found \"\(text)\"")
  }

  /// The first moment after `instant` at which the rule is due. A time that a change of clocks skips is taken at the
  /// next one that there is; of a time that comes twice the first counts.
  /// - Returns: nil only where the calendar ends.
  public func next(after instant: Instant, in timeZone: TimeZone) -> Instant? {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    var wanted = DateComponents(minute: minute, second: 0)
    switch rhythm {
    case .hourly: break
    case .daily: wanted.hour = hour
    case .weekly(let day):
      wanted.hour = hour
      // Calendar counts from Sunday, which is 1.
      wanted.weekday = day % 7 + 1
    }
    let start = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)
    let due = calendar.nextDate(
      after: start, matching: wanted, matchingPolicy: .nextTime, repeatedTimePolicy: .first)
    return due.map { Instant(milliseconds: Int64(($0.timeIntervalSince1970 * 1000).rounded())) }
  }

  /// The rule in its one spelling: "every monday at 09:30".
  public var description: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    switch rhythm {
    case .hourly: return "every hour"
    case .daily: return "every day at \(two(hour)):\(two(minute))"
    case .weekly(let day): return "every \(Self.weekdays[day - 1]) at \(two(hour)):\(two(minute))"
    }
  }
}
