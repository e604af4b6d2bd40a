/// A day of the Gregorian calendar, from 0001-01-01 to 9999-12-31, without time or zone.
public struct CalendarDay: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Days since 1970-01-01; negative before.
  public let daysSinceEpoch: Int32

  public static let earliest = CalendarDay(unchecked: -719_162)
  public static let latest = CalendarDay(unchecked: 2_932_896)

  private init(unchecked days: Int32) {
    daysSinceEpoch = days
  }

  /// The day so many days after 1970-01-01; nil outside the years 1 to 9999.
  public init?(daysSinceEpoch days: Int32) {
    guard days >= Self.earliest.daysSinceEpoch, days <= Self.latest.daysSinceEpoch else {
      return nil
    }
    daysSinceEpoch = days
  }

  /// The day of these components. Throws when there is no such day, and says why.
  public init(year: Int, month: Int, day: Int) throws(ValueFault) {
    guard year >= 1, year <= 9999 else {
      throw ValueFault("expected a year from 0001 to 9999, found \(year)")
    }
    guard month >= 1, month <= 12 else {
      throw ValueFault("there is no month \(month); months go from 01 to 12")
    }
    guard day >= 1, day <= Self.lastDay(of: month, year: year) else {
      throw ValueFault("\(year) has no \(Self.monthNames[month - 1]) \(day)")
    }
    daysSinceEpoch = Int32(Self.days(year: year, month: month, day: day))
  }

  /// Reads "2026-11-03". Throws for another form and for a day that doesn't exist ("2026 has no February 30").
  public init(parsing text: String) throws(ValueFault) {
    var copy = text
    let parts: (Int, Int, Int)? = copy.withUTF8 { bytes in
      guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else {
        return nil
      }
      guard let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
        let day = Self.number(bytes[8..<10])
      else { return nil }
      return (year, month, day)
    }
    guard let (year, month, day) = parts else {
      throw ValueFault("expected a date like 2026-11-03, found \(quoted(text))")
    }
    do {
      try self.init(year: year, month: month, day: day)
    } catch {
      throw ValueFault("expected a date like 2026-11-03, found \(quoted(text)): \(error.message)")
    }
  }

  static func number(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    var number = 0
    for byte in bytes {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return number
  }

  // MARK: Components

  public var year: Int { components.year }
  /// 1 to 12.
  public var month: Int { components.month }
  /// 1 to 31.
  public var day: Int { components.day }

  /// Year, month and day at once. The count runs in eras of 400 years that begin on 1 March of year 0, so that
  /// the leap day is the last of its year.
  public var components: (year: Int, month: Int, day: Int) {
    let shifted = Int(daysSinceEpoch) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  static func days(year: Int, month: Int, day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// 28 to 31.
  public static func lastDay(of month: Int, year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  public static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  /// 1 for Monday to 7 for Sunday (ISO 8601).
  public var weekday: Int {
    let index = (Int(daysSinceEpoch) + 3) % 7
    return (index < 0 ? index + 7 : index) + 1
  }

  // MARK: Arithmetic

  /// The day `days` later (earlier when negative). Throws outside the years 1 to 9999.
  public func adding(days: Int) throws(ValueFault) -> CalendarDay {
    let (sum, overflow) = Int(daysSinceEpoch).addingReportingOverflow(days)
    guard !overflow, let narrow = Int32(exactly: sum), let day = CalendarDay(daysSinceEpoch: narrow)
    else {
      throw ValueFault("\(self) and \(days) days is outside the years 0001 to 9999")
    }
    return day
  }

  /// How many days this day is after `other`; negative when it is before.
  public func days(since other: CalendarDay) -> Int {
    Int(daysSinceEpoch) - Int(other.daysSinceEpoch)
  }

  public static func < (a: CalendarDay, b: CalendarDay) -> Bool {
    a.daysSinceEpoch < b.daysSinceEpoch
  }

  /// ISO 8601: "2026-11-03".
  public var description: String {
    let (year, month, day) = components
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  private static let monthNames = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October",
    "November", "December",
  ]
}

/// `number`, not negative, with leading zeros up to `width` digits.
func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}
