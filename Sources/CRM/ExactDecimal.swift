/// An exact decimal number in fixed point: six decimals, kept as a count of millionths.
///
/// What parsing and arithmetic give lies strictly between -10¹² and 10¹²; anything beyond is a thrown
/// `ValueFault`, never a trap and never a silent wrap. Results that need more than six decimals are rounded
/// half away from zero, which is what "half up" means for amounts of either sign.
public struct ExactDecimal: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The number times 1,000,000.
  public let millionths: Int64

  /// The bound of `|x|`, exclusive, in millionths.
  static let limit: Int128 = 1_000_000_000_000_000_000

  public static let zero = ExactDecimal(millionths: 0)
  public static let one = ExactDecimal(millionths: 1_000_000)
  public static let hundred = ExactDecimal(millionths: 100_000_000)

  /// The number of so many millionths, as kept in a row or in a Lua object. Not checked against the bound:
  /// every operation checks its own result, so that a number out of bounds can't spread.
  public init(millionths: Int64) {
    self.millionths = millionths
  }

  /// The whole number `value`. Throws when it lies beyond ±10¹².
  public init(_ value: Int64) throws(ValueFault) {
    try self.init(wide: Int128(value) * 1_000_000)
  }

  init(wide: Int128) throws(ValueFault) {
    guard wide > -Self.limit, wide < Self.limit else {
      throw ValueFault("the number is too large: numbers go up to 999999999999.999999")
    }
    millionths = Int64(wide)
  }

  /// Reads "1800", "1800.00" or "-2.5": digits, at most one decimal point, at most six decimals.
  /// A decimal comma, blanks, an exponent and "NaN" are refused with a message that says how to write it.
  public init(parsing text: String) throws(ValueFault) {
    var rest = text.utf8[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest = rest.dropFirst() }
    var total: Int128 = 0
    var whole = 0
    var decimals: Int?
    for byte in rest {
      if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        if let seen = decimals {
          guard seen < 6 else {
            throw ValueFault("expected at most six decimals, found \(quoted(text))")
          }
          decimals = seen + 1
        } else {
          whole += 1
        }
        total = total * 10 + Int128(byte - UInt8(ascii: "0"))
        guard total < Self.limit else {
          throw ValueFault(
            "the number \(quoted(text)) is too large: numbers go up to 999999999999.999999")
        }
      } else if byte == UInt8(ascii: "."), decimals == nil, whole > 0 {
        decimals = 0
      } else {
        throw Self.misspelt(text)
      }
    }
    guard whole > 0, decimals != 0 else { throw Self.misspelt(text) }
    for _ in (decimals ?? 0)..<6 { total *= 10 }
    do {
      try self.init(wide: isNegative ? -total : total)
    } catch {
      throw ValueFault(
        "the number \(quoted(text)) is too large: numbers go up to 999999999999.999999")
    }
  }

  /// The number that `value` prints as, when that has at most six decimals; for the numbers of a script's
  /// source text, such as 3.5 hours. Never for amounts.
  public init(shortest value: Double) throws(ValueFault) {
    guard value.isFinite else { throw ValueFault("expected a number, found \(value)") }
    guard abs(value) < 1e12 else {
      throw ValueFault("the number \(value) is too large: numbers go up to 999999999999.999999")
    }
    let candidate = ExactDecimal(millionths: Int64(value * 1_000_000 + (value < 0 ? -0.5 : 0.5)))
    guard Double(candidate.description) == value else {
      throw ValueFault("expected at most six decimals, found \(value)")
    }
    try self.init(wide: Int128(candidate.millionths))
  }

  private static func misspelt(_ text: String) -> ValueFault {
    var hint = "write it like 1800.00"
    if text.contains(",") {
      hint = "write it with a point, like 1800.00"
    } else if text.unicodeScalars.contains(where: { $0.properties.isWhitespace }) {
      hint = "write it without blanks, like 1800.00"
    } else if text.utf8.contains(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }) {
      hint = "write it without an exponent, like 1800.00"
    }
    return ValueFault("expected a number, found \(quoted(text)); \(hint)")
  }

  // MARK: Arithmetic

  /// The sum. Throws when it lies beyond the bound.
  public func plus(_ other: ExactDecimal) throws(ValueFault) -> ExactDecimal {
    try ExactDecimal(wide: Int128(millionths) + Int128(other.millionths))
  }

  /// The difference. Throws when it lies beyond the bound.
  public func minus(_ other: ExactDecimal) throws(ValueFault) -> ExactDecimal {
    try ExactDecimal(wide: Int128(millionths) - Int128(other.millionths))
  }

  /// The product, rounded half away from zero to six decimals. Throws when it lies beyond the bound.
  public func times(_ other: ExactDecimal) throws(ValueFault) -> ExactDecimal {
    try ExactDecimal(
      wide: roundedQuotient(Int128(millionths) * Int128(other.millionths), 1_000_000))
  }

  /// The quotient, rounded half away from zero to six decimals. Throws for a zero divisor and beyond the bound.
  public func divided(by other: ExactDecimal) throws(ValueFault) -> ExactDecimal {
    guard other.millionths != 0 else { throw ValueFault("can't divide \(self) by zero") }
    return try ExactDecimal(
      wide: roundedQuotient(Int128(millionths) * 1_000_000, Int128(other.millionths)))
  }

  /// The number with its sign turned. Throws only for a number that was out of bounds already.
  public func negated() throws(ValueFault) -> ExactDecimal {
    try ExactDecimal(wide: -Int128(millionths))
  }

  /// The number rounded half away from zero to `places` decimals (0 to 6; more leaves it as it is).
  /// Throws when rounding reaches the bound or for negative places.
  public func rounded(places: Int) throws(ValueFault) -> ExactDecimal {
    guard places >= 0 else {
      throw ValueFault("expected 0 to 6 decimals to round to, found \(places)")
    }
    guard places < 6 else { return self }
    var unit: Int128 = 1
    for _ in places..<6 { unit *= 10 }
    return try ExactDecimal(wide: roundedQuotient(Int128(millionths), unit) * unit)
  }

  public static func < (a: ExactDecimal, b: ExactDecimal) -> Bool { a.millionths < b.millionths }

  /// The whole number this is, or nil when it has decimals.
  public var wholeNumber: Int64? { millionths % 1_000_000 == 0 ? millionths / 1_000_000 : nil }

  // MARK: Text

  /// The shortest exact text: "1800", "-2.5", "0.000001". `init(parsing:)` reads it back.
  public var description: String { text(minimumPlaces: 0) }

  /// The exact text with at least `minimumPlaces` decimals: 1.5 with 2 is "1.50".
  public func text(minimumPlaces: Int) -> String {
    let magnitude = millionths.magnitude
    var text = millionths < 0 ? "-" : ""
    text += String(magnitude / 1_000_000)
    var fraction = magnitude % 1_000_000
    var places = 6
    while places > max(0, minimumPlaces), fraction % 10 == 0 {
      fraction /= 10
      places -= 1
    }
    guard places > 0 else { return text }
    let digits = String(fraction)
    return text + "." + String(repeating: "0", count: places - digits.utf8.count) + digits
  }
}

/// `numerator / denominator`, rounded half away from zero. The denominator is not zero, and neither is so near
/// the ends of Int128 that doubling a remainder overflows: callers multiply an Int64 by at most another Int64.
func roundedQuotient(_ numerator: Int128, _ denominator: Int128) -> Int128 {
  let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
  guard remainder.magnitude * 2 >= denominator.magnitude else { return quotient }
  return (numerator < 0) == (denominator < 0) ? quotient + 1 : quotient - 1
}
