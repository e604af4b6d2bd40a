/// Values as a French document shows them. The signs are those of French typography, which no line break splits: a
/// narrow blank (U+202F) between thousands, a wide one (U+00A0) before a unit, U+2212 before what is negative.
///
/// Written out instead of asked of the system's locale data: a document's bytes must not depend on the machine.
public struct FrenchFormat: Sendable {
  /// How many seconds the clocks are ahead of UTC at a moment: says on which day it falls.
  public var utcOffset: @Sendable (Instant) -> Int

  /// - Parameter utcOffset: in seconds; without it moments are shown as days in UTC.
  public init(utcOffset: @escaping @Sendable (Instant) -> Int = { _ in 0 }) {
    self.utcOffset = utcOffset
  }

  /// "1 234,50 €", always with cents; another currency by its code, "1 234,50 USD".
  public func money(_ money: Money) -> String {
    let cents = money.cents.magnitude
    let sign = money.currency == .eur ? "€" : money.currency.code
    return Self.minus(money.cents < 0) + Self.grouped(cents / 100) + "," + padded(Int(cents % 100), 2)
      + Self.blank + sign
  }

  /// "3 novembre 2026", "1er mai 2026".
  public func day(_ day: CalendarDay) -> String {
    let (year, month, number) = day.components
    return "\(number)\(number == 1 ? "er" : "") \(Self.months[month - 1]) \(year)"
  }

  /// The day of a moment; outside the years 1 to 9999 there is none, and the moment is shown as it is.
  public func instant(_ instant: Instant) -> String {
    instant.day(utcOffset: utcOffset(instant)).map(day) ?? instant.description
  }

  /// "1 234,5": as many decimals as there are.
  public func decimal(_ number: ExactDecimal) -> String {
    let parts = number.text(minimumPlaces: 0).split(separator: ".")
    let fraction = parts.count == 2 ? "," + parts[1] : ""
    return Self.minus(number.millionths < 0) + Self.grouped(number.millionths.magnitude / 1_000_000) + fraction
  }

  /// "20 %", of the number 20.
  public func percent(_ number: ExactDecimal) -> String { decimal(number) + Self.blank + "%" }

  /// "35 h", "1,5 h".
  public func hours(_ number: ExactDecimal) -> String { decimal(number) + Self.blank + "h" }

  /// "732 829 320 00074": the SIREN in threes, then the establishment. What has not 14 digits stays as it is.
  public func siret(_ text: String) -> String {
    let digits = text.filter { !$0.isWhitespace }
    guard digits.utf8.count == 14, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return text }
    let parts = [digits.prefix(3), digits.dropFirst(3).prefix(3), digits.dropFirst(6).prefix(3), digits.dropFirst(9)]
    return parts.joined(separator: Self.blank)
  }

  /// "60 jours", "2 heures", in the largest unit that leaves no rest.
  public func span(_ span: TimeSpan) -> String {
    let units: [(length: Int64, one: String, many: String)] = [
      (86_400_000, "jour", "jours"), (3_600_000, "heure", "heures"), (60_000, "minute", "minutes"),
      (1000, "seconde", "secondes"),
    ]
    let milliseconds = span.milliseconds
    let unit = units.first { milliseconds % $0.length == 0 } ?? (1, "milliseconde", "millisecondes")
    let count = (milliseconds / unit.length).magnitude
    return Self.minus(milliseconds < 0) + Self.grouped(count) + Self.blank + (count < 2 ? unit.one : unit.many)
  }

  /// A number that is no amount, with a comma.
  public func number(_ number: Double) -> String {
    guard let exact = try? ExactDecimal(shortest: number) else {
      return "\(number)".replacing("-", with: Self.minus(true)).replacing(".", with: ",")
    }
    return decimal(exact)
  }

  /// Any value as text: true and false are "oui" and "non", an address its lines, a list its values with commas
  /// between. Nil for what has no text of its own: nothing, a record, a table.
  public func text(_ value: Value) -> String? {
    switch value {
    case .null, .record, .object: nil
    case .boolean(let flag): flag ? "oui" : "non"
    case .integer(let number): Self.minus(number < 0) + Self.grouped(number.magnitude)
    case .number(let number): self.number(number)
    case .decimal(let number): decimal(number)
    case .text(let text): text
    case .money(let money): self.money(money)
    case .day(let day): self.day(day)
    case .instant(let instant): self.instant(instant)
    case .span(let span): self.span(span)
    case .address(let address): address.text
    case .list(let values): values.compactMap(text).joined(separator: ", ")
    }
  }

  // MARK: Parts

  private static let blank = "\u{A0}"
  private static let months = [
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
  ]

  private static func minus(_ isNegative: Bool) -> String { isNegative ? "\u{2212}" : "" }

  private static func grouped(_ number: UInt64) -> String {
    var text = ""
    let digits = Array(String(number))
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text += "\u{202F}" }
      text.append(digit)
    }
    return text
  }
}
