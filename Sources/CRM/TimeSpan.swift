/// A length of time, to the millisecond. A day is 24 hours and a week 7 days.
public struct TimeSpan: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var milliseconds: Int64

  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  private static let units: [(names: [String], milliseconds: Int64)] = [
    (["week", "weeks", "w"], 604_800_000),
    (["day", "days", "d"], 86_400_000),
    (["hour", "hours", "h"], 3_600_000),
    (["minute", "minutes", "min"], 60_000),
    (["second", "seconds", "s"], 1000),
    (["millisecond", "milliseconds", "ms"], 1),
  ]

  public static func seconds(_ count: Int32) -> TimeSpan {
    TimeSpan(milliseconds: Int64(count) * 1000)
  }
  public static func minutes(_ count: Int32) -> TimeSpan {
    TimeSpan(milliseconds: Int64(count) * 60_000)
  }
  public static func hours(_ count: Int32) -> TimeSpan {
    TimeSpan(milliseconds: Int64(count) * 3_600_000)
  }
  public static func days(_ count: Int32) -> TimeSpan {
    TimeSpan(milliseconds: Int64(count) * 86_400_000)
  }

  /// Reads a whole number and a unit: "60 days", "2 hours", "30 minutes", "10 s", "3 weeks", "500 ms".
  /// Never negative.
  public init(parsing text: String) throws(ValueFault) {
    let fault = ValueFault(
      "expected a duration like \"60 days\", \"2 hours\" or \"30 minutes\", found \(quoted(text))")
    let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
    var unit = text[digits.endIndex...]
    while unit.first == " " { unit = unit.dropFirst() }
    while unit.last == " " { unit = unit.dropLast() }
    let name = unit.lowercased()
    guard !digits.isEmpty,
      let scale = Self.units.first(where: { $0.names.contains(name) })?.milliseconds
    else {
      throw fault
    }
    guard let count = Int64(String(text[..<digits.endIndex])) else {
      throw ValueFault("the duration \(quoted(text)) is too long")
    }
    let (product, overflow) = count.multipliedReportingOverflow(by: scale)
    guard !overflow else { throw ValueFault("the duration \(quoted(text)) is too long") }
    milliseconds = product
  }

  public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.milliseconds < b.milliseconds }

  /// In the largest unit that leaves no rest: "60 days", "3 weeks", "90 minutes".
  public var description: String {
    guard milliseconds != 0 else { return "0 seconds" }
    for unit in Self.units where milliseconds % unit.milliseconds == 0 {
      let count = milliseconds / unit.milliseconds
      return "\(count) \(unit.names[count == 1 ? 0 : 1])"
    }
    return "\(milliseconds) milliseconds"
  }
}
