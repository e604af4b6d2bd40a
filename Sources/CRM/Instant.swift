/// A moment, to the millisecond, in UTC.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
  public var milliseconds: Int64

  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  private static let millisecondsADay: Int64 = 86_400_000

  /// The first moment of `day` in UTC.
  public init(startOf day: CalendarDay) {
    milliseconds = Int64(day.daysSinceEpoch) * Self.millisecondsADay
  }

  /// Reads ISO 8601: "2026-11-03T09:15:00Z", with a fraction of up to nine digits (cut to milliseconds) and "Z"
  /// or an offset such as "+02:00". A time without either is refused: nobody could say which moment it is.
  public init(parsing text: String) throws(ValueFault) {
    func fault(_ reason: String = "") -> ValueFault {
      ValueFault(
        "expected a time like 2026-11-03T09:15:00Z, found \(quoted(text))\(reason.isEmpty ? "" : ": " + reason)"
      )
    }
    let bytes = Array(text.utf8)
    func number(_ from: Int, _ count: Int) throws(ValueFault) -> Int {
      guard from + count <= bytes.count else { throw fault() }
      var number = 0
      for byte in bytes[from..<from + count] {
        guard byte >= 0x30, byte <= 0x39 else { throw fault() }
        number = number * 10 + Int(byte - 0x30)
      }
      return number
    }
    func expect(_ character: Character, at index: Int) throws(ValueFault) {
      guard index < bytes.count, bytes[index] == character.asciiValue else { throw fault() }
    }
    guard bytes.count >= 20 else { throw fault() }
    try expect("-", at: 4)
    try expect("-", at: 7)
    try expect("T", at: 10)
    try expect(":", at: 13)
    try expect(":", at: 16)
    let day: CalendarDay
    do {
      day = try CalendarDay(year: number(0, 4), month: number(5, 2), day: number(8, 2))
    } catch {
      throw error.message.hasPrefix("expected a time") ? error : fault(error.message)
    }
    let (hour, minute, second) = (try number(11, 2), try number(14, 2), try number(17, 2))
    guard hour < 24, minute < 60, second < 60 else { throw fault("there is no such time of day") }
    var index = 19
    var fraction = 0
    if bytes[index] == UInt8(ascii: ".") {
      index += 1
      let start = index
      while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 {
        if index - start < 3 { fraction = fraction * 10 + Int(bytes[index] - 0x30) }
        index += 1
      }
      guard index > start, index - start <= 9 else { throw fault() }
      for _ in min(3, index - start)..<3 { fraction *= 10 }
    }
    var offset = 0
    switch index < bytes.count ? bytes[index] : 0 {
    case UInt8(ascii: "Z"):
      index += 1
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      let (hours, minutes) = (try number(index + 1, 2), try number(index + 4, 2))
      try expect(":", at: index + 3)
      guard hours < 24, minutes < 60 else { throw fault("there is no such offset") }
      offset = (hours * 60 + minutes) * (bytes[index] == UInt8(ascii: "+") ? 1 : -1)
      index += 6
    default:
      throw fault()
    }
    guard index == bytes.count else { throw fault() }
    let minutes =
      (Int64(day.daysSinceEpoch) * 24 + Int64(hour)) * 60 + Int64(minute) - Int64(offset)
    milliseconds = minutes * 60_000 + Int64(second) * 1000 + Int64(fraction)
  }

  /// The moment `span` later. Throws when that can't be represented.
  public func adding(_ span: TimeSpan) throws(ValueFault) -> Instant {
    let (sum, overflow) = milliseconds.addingReportingOverflow(span.milliseconds)
    guard !overflow else { throw ValueFault("\(self) and \(span) is too far away") }
    return Instant(milliseconds: sum)
  }

  /// The time from `earlier` to this moment; negative when it comes after. Held at the ends of Int64.
  public func since(_ earlier: Instant) -> TimeSpan {
    let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
    return TimeSpan(milliseconds: overflow ? (milliseconds < 0 ? .min : .max) : difference)
  }

  /// The day this moment falls on where clocks are `utcOffset` seconds ahead of UTC; nil outside the years
  /// 1 to 9999.
  public func day(utcOffset seconds: Int = 0) -> CalendarDay? {
    let (local, overflow) = milliseconds.addingReportingOverflow(Int64(clamping: seconds) &* 1000)
    guard !overflow, let days = Int32(exactly: floorDivide(local, Self.millisecondsADay).quotient)
    else { return nil }
    return CalendarDay(daysSinceEpoch: days)
  }

  public static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }

  /// ISO 8601 in UTC, always with milliseconds, so that texts sort like moments; nil outside the years 1 to 9999.
  public var isoText: String? {
    let (days, rest) = floorDivide(milliseconds, Self.millisecondsADay)
    guard let narrow = Int32(exactly: days), let day = CalendarDay(daysSinceEpoch: narrow) else {
      return nil
    }
    let time = Int(rest)
    let (seconds, fraction) = (time / 1000, time % 1000)
    return
      "\(day)T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
      + ".\(padded(fraction, 3))Z"
  }

  /// "2026-11-03T09:15:00.000Z"; outside the years 1 to 9999 the count of milliseconds.
  public var description: String { isoText ?? "\(milliseconds) ms since 1970" }
}

func floorDivide(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
  let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
  return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}
