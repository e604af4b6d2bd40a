import CRM

/// When an automation of `on.schedule` runs: on which days, and at what time of the workspace's clocks.
public struct ScheduleRule: Hashable, Sendable, CustomStringConvertible {
  /// The days on which it runs.
  public enum Days: Hashable, Sendable {
    case daily
    /// `WorkspaceDeclaration.workingDays`
    case working
    /// 1 for Monday to 7 for Sunday, ascending and not empty.
    case weekly([Int])
    case monthly(DayOfMonth)
    case yearly(month: Int, day: Int)
  }

  /// A day that every month has. A place is 1 for the first, -1 for the last.
  public enum DayOfMonth: Hashable, Sendable {
    /// 1 to 28, or -1 for the last.
    case day(Int)
    case weekday(Int, place: Int)
    case working(place: Int)
  }

  /// On which days it is due.
  public var days: Days
  /// 0 to 23, in the workspace's time zone.
  public var hour: Int
  /// 0 to 59.
  public var minute: Int

  /// A rule that was checked already.
  public init(_ days: Days, hour: Int, minute: Int) {
    self.days = days
    self.hour = hour
    self.minute = minute
  }

  /// Whether it is a matter of which days are worked.
  public var usesWorkingDays: Bool {
    switch days {
    case .working, .monthly(.working): true
    default: false
    }
  }

  /// "every monday and thursday at 09:30". Two rules are the same if and only if their descriptions are.
  public var description: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let words: String
    switch days {
    case .daily: words = "day"
    case .working: words = "working day"
    case .weekly(let weekdays):
      let names = weekdays.map { Self.weekdays[$0 - 1] }
      words = names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
    case .monthly(.day(let day)) where day > 0: words = "month on the \(day)"
    case .monthly(.day): words = "month on the last day"
    case .monthly(.weekday(let weekday, let place)):
      words = "month on the \(Self.word(of: place)) \(Self.weekdays[weekday - 1])"
    case .monthly(.working(let place)): words = "month on the \(Self.word(of: place)) working day"
    case .yearly(let month, let day): words = "year on \(two(month))-\(two(day))"
    }
    return "every \(words) at \(two(hour)):\(two(minute))"
  }

  static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
  private static let places = [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("fifth", 5), ("last", -1)]

  private static func word(of place: Int) -> String { places.first { $0.1 == place }?.0 ?? "\(place)" }
}

/// What happens with times that passed while no engine was at work.
public enum MissedSchedules: String, Hashable, Sendable {
  /// One run stands for all of them.
  case once
  /// Each has a run of its own.
  case each
}

/// From the table that a script gives: `{ every = "month", on = "last working day", at = "17:00" }`.
extension ScheduleRule {
  /// - Throws: what is wrong, and what is expected in its place.
  init(_ given: Value) throws(ValueFault) {
    let example = "{ every = \"monday\", at = \"09:30\" }"
    guard case .object(let fields) = given, !fields.isEmpty else {
      throw ValueFault("expected a table like \(example), found \(given.summary)")
    }
    for field in fields where !["every", "on", "at"].contains(field.name) {
      let hint = Suggestion.nearest(to: field.name, among: ["every", "on", "at"]).map { "; did you mean '\($0)'?" } ?? ""
      throw ValueFault("a schedule has every, on and at, like \(example); found '\(field.name)'\(hint)")
    }
    let (hour, minute) = try Self.time(given["at"] ?? .null)
    self.init(try Self.days(every: given["every"] ?? .null, on: given["on"] ?? .null), hour: hour, minute: minute)
  }

  private static func time(_ given: Value) throws(ValueFault) -> (Int, Int) {
    let expected = "at: expected a time of day in quotes, like \"08:00\""
    guard case .text(let text) = given else {
      throw ValueFault(given.isNull ? "\(expected); it is missing" : "\(expected), found \(given.summary)")
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
      (1...2).contains(parts[0].count), parts[1].count == 2, let hour = Int(parts[0]), let minute = Int(parts[1])
    else { throw ValueFault("\(expected), found \"\(text)\"") }
    guard hour < 24, minute < 60 else { throw ValueFault("\(expected): there is no \"\(text)\"") }
    return (hour, minute)
  }

  private static func days(every given: Value, on: Value) throws(ValueFault) -> Days {
    if case .text("month") = given { return .monthly(try dayOfMonth(on)) }
    if case .text("year") = given { return try dayOfYear(on) }
    guard on.isNull else {
      throw ValueFault("on: goes with every = \"month\" or every = \"year\" only; for a day of the week write every = \"monday\"")
    }
    switch given {
    case .text("day"): return .daily
    case .text("working day"): return .working
    case .text(let word): return .weekly([try weekday(word)])
    case .list(let words) where !words.isEmpty:
      var found: Set<Int> = []
      for word in words { found.insert(try weekday(word.isNull ? "" : word.plainText)) }
      return .weekly(found.sorted())
    case .null: throw ValueFault("every: it is missing; \(expectedDays)")
    default: throw ValueFault("every: \(expectedDays), found \(given.summary)")
    }
  }

  private static let expectedDays =
    "expected \"day\", \"working day\", a day of the week like \"monday\" or a list of them, \"month\" or \"year\""

  private static func weekday(_ word: String) throws(ValueFault) -> Int {
    if let place = weekdays.firstIndex(of: word.lowercased()) { return place + 1 }
    let known = weekdays + ["day", "working day", "month", "year"]
    let hint = Suggestion.nearest(to: word.lowercased(), among: known).map { "; did you mean \"\($0)\"?" } ?? ""
    throw ValueFault("every: \(expectedDays), found \"\(word)\"\(hint)")
  }

  private static func dayOfMonth(_ given: Value) throws(ValueFault) -> DayOfMonth {
    let expected =
      "on: expected a day of the month like 15, or words like \"last day\", \"first monday\", \"last working day\""
    switch given {
    case .null: throw ValueFault("\(expected); it is missing")
    case .integer(let day):
      if (1...28).contains(day) { return .day(Int(day)) }
      guard (29...31).contains(day) else { throw ValueFault("\(expected), found \(day)") }
      throw ValueFault("on: not every month has a day \(day); write on = \"last day\", or a day up to 28")
    case .text(let text):
      let words = text.lowercased().split(separator: " ", maxSplits: 1).map(String.init)
      guard words.count == 2, let place = places.first(where: { $0.0 == words[0] })?.1 else { throw ValueFault("\(expected), found \"\(text)\"") }
      switch words[1] {
      case "day": return .day(place)
      case "working day": return .working(place: place)
      default: break
      }
      guard let weekday = weekdays.firstIndex(of: words[1]) else {
        let hint = Suggestion.nearest(to: words[1], among: weekdays + ["day", "working day"])
          .map { "; did you mean \"\(words[0]) \($0)\"?" } ?? ""
        throw ValueFault("\(expected), found \"\(text)\"\(hint)")
      }
      guard place != 5 else { throw ValueFault("on: not every month has a fifth \(words[1]); write on = \"last \(words[1])\"") }
      return .weekday(weekday + 1, place: place)
    default: throw ValueFault("\(expected), found \(given.summary)")
    }
  }

  private static func dayOfYear(_ given: Value) throws(ValueFault) -> Days {
    let expected = "on: expected month and day in quotes, like \"12-24\""
    guard case .text(let text) = given else {
      throw ValueFault(given.isNull ? "\(expected); it is missing" : "\(expected), found \(given.summary)")
    }
    // 2025 has no leap day, and neither have most years.
    guard text.utf8.count == 5, let day = try? CalendarDay(parsing: "2025-\(text)") else {
      throw ValueFault(text == "02-29" ? "on: most years have no 29 February; write \"02-28\" or \"03-01\"" : "\(expected), found \"\(text)\"")
    }
    return .yearly(month: day.month, day: day.day)
  }
}
