/// An amount of money, exact to the cent. What parsing and arithmetic give lies strictly between -10¹² and
/// 10¹² units; beyond that they throw. Amounts of two currencies never mix.
public struct Money: Hashable, Sendable, CustomStringConvertible {
  /// Hundredths of the currency's unit.
  public var cents: Int64
  public var currency: Currency

  /// The bound of the amount, exclusive, in cents.
  static let limit: Int128 = 100_000_000_000_000

  /// An amount as kept in a row or a Lua object; operations check their own results against the bound.
  public init(cents: Int64, currency: Currency) {
    self.cents = cents
    self.currency = currency
  }

  init(wide: Int128, currency: Currency) throws(ValueFault) {
    guard wide > -Self.limit, wide < Self.limit else {
      throw ValueFault("the amount is too large: amounts go up to 999999999999.99 \(currency)")
    }
    self.init(cents: Int64(wide), currency: currency)
  }

  public static func zero(_ currency: Currency) -> Money { Money(cents: 0, currency: currency) }

  /// Reads "1800", "1800.5" or "1800.00": at most two decimals, a point, no blanks.
  public init(parsing text: String, currency: Currency) throws(ValueFault) {
    let decimal: ExactDecimal
    do {
      decimal = try ExactDecimal(parsing: text)
    } catch {
      throw ValueFault(error.message.replacingPrefix("expected a number", by: "expected an amount"))
    }
    if let point = text.utf8.firstIndex(of: UInt8(ascii: ".")),
      text.utf8.distance(from: point, to: text.utf8.endIndex) > 3
    {
      throw ValueFault(
        "expected an amount with at most two decimals like 1800.00, found \(quoted(text))")
    }
    try self.init(exactly: decimal, currency: currency)
  }

  /// Reads an amount with its currency, "1800.00 EUR", as `description` writes it.
  public init(parsing text: String) throws(ValueFault) {
    guard let blank = text.utf8.firstIndex(of: UInt8(ascii: " ")) else {
      throw ValueFault(
        "expected an amount with its currency like 1800.00 EUR, found \(quoted(text))")
    }
    let currency = try Currency(code: String(text[text.utf8.index(after: blank)...]))
    try self.init(parsing: String(text[..<blank]), currency: currency)
  }

  /// The amount that `decimal` is, when it has at most two decimals.
  public init(exactly decimal: ExactDecimal, currency: Currency) throws(ValueFault) {
    guard decimal.millionths % 10_000 == 0 else {
      throw ValueFault(
        "expected an amount with at most two decimals like 1800.00, found \(decimal)")
    }
    try self.init(wide: Int128(decimal.millionths / 10_000), currency: currency)
  }

  /// `decimal` rounded half up (away from zero) to the cent.
  public init(rounding decimal: ExactDecimal, currency: Currency) throws(ValueFault) {
    try self.init(wide: roundedQuotient(Int128(decimal.millionths), 10_000), currency: currency)
  }

  // MARK: Arithmetic

  /// The sum. Throws for another currency and beyond the bound.
  public func adding(_ other: Money) throws(ValueFault) -> Money {
    try requireSameCurrency(as: other, to: "add")
    return try Money(wide: Int128(cents) + Int128(other.cents), currency: currency)
  }

  /// The difference. Throws for another currency and beyond the bound.
  public func subtracting(_ other: Money) throws(ValueFault) -> Money {
    try requireSameCurrency(as: other, to: "subtract")
    return try Money(wide: Int128(cents) - Int128(other.cents), currency: currency)
  }

  /// The amount times `factor`, rounded half up (away from zero) to the cent.
  public func times(_ factor: ExactDecimal) throws(ValueFault) -> Money {
    let product = Int128(cents) * Int128(factor.millionths)
    return try Money(wide: roundedQuotient(product, 1_000_000), currency: currency)
  }

  /// `rate` percent of the amount, rounded half up (away from zero) to the cent.
  public func percent(_ rate: ExactDecimal) throws(ValueFault) -> Money {
    let product = Int128(cents) * Int128(rate.millionths)
    return try Money(wide: roundedQuotient(product, 100_000_000), currency: currency)
  }

  /// The amount with its sign turned.
  public func negated() throws(ValueFault) -> Money {
    try Money(wide: -Int128(cents), currency: currency)
  }

  /// How many times `other` goes into this amount, to six decimals. Throws for another currency and for zero.
  public func divided(by other: Money) throws(ValueFault) -> ExactDecimal {
    try requireSameCurrency(as: other, to: "divide")
    guard other.cents != 0 else { throw ValueFault("can't divide \(self) by zero") }
    return try ExactDecimal(wide: roundedQuotient(Int128(cents) * 1_000_000, Int128(other.cents)))
  }

  /// -1, 0 or 1 as this amount is below, equal to or above `other`. Throws for another currency.
  public func compared(to other: Money) throws(ValueFault) -> Int {
    try requireSameCurrency(as: other, to: "compare")
    return cents < other.cents ? -1 : cents == other.cents ? 0 : 1
  }

  /// Whether this amount is below `other`. Throws for another currency.
  public func isLess(than other: Money) throws(ValueFault) -> Bool {
    try compared(to: other) < 0
  }

  private func requireSameCurrency(as other: Money, to verb: String) throws(ValueFault) {
    guard currency == other.currency else {
      throw ValueFault("can't \(verb) amounts of two currencies, \(self) and \(other)")
    }
  }

  // MARK: Text

  /// The amount as a number: 1800.00 EUR is 1800. Throws beyond the bound.
  public func decimal() throws(ValueFault) -> ExactDecimal {
    try ExactDecimal(wide: Int128(cents) * 10_000)
  }

  /// The amount without its currency, always with two decimals: "1800.00".
  public var amountText: String {
    let magnitude = cents.magnitude
    let fraction = magnitude % 100
    return "\(cents < 0 ? "-" : "")\(magnitude / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }

  /// "1800.00 EUR"; `init(parsing:)` reads it back.
  public var description: String { "\(amountText) \(currency.code)" }
}

extension String {
  func replacingPrefix(_ prefix: String, by other: String) -> String {
    hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
  }
}
