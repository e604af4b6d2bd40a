/// A discount on a line: a percentage or an amount, kept as it was entered (ALT-29).
public enum Discount: Hashable, Sendable, CustomStringConvertible {
  /// From 0 to 100.
  case percent(ExactDecimal)
  /// Off the line's total, without tax.
  case amount(Money)

  /// Reads "10%", "10 %", "12.5%" or an amount like "150.00". Throws for a percentage outside 0 to 100 and for a
  /// negative amount.
  public init(parsing text: String, currency: Currency) throws(ValueFault) {
    guard text.hasSuffix("%") else {
      let amount: Money
      do {
        amount = try Money(parsing: text, currency: currency)
      } catch {
        throw ValueFault(
          "expected a discount like 10% or 150.00, found \(quoted(text)): \(error.message)")
      }
      guard amount.cents >= 0 else {
        throw ValueFault("a discount can't be negative, found \(quoted(text))")
      }
      self = .amount(amount)
      return
    }
    var number = text.unicodeScalars.dropLast()
    while let last = number.last, last.properties.isWhitespace { number = number.dropLast() }
    let percent: ExactDecimal
    do {
      percent = try ExactDecimal(parsing: String(number))
    } catch {
      throw ValueFault(
        "expected a discount like 10% or 150.00, found \(quoted(text)): \(error.message)")
    }
    guard percent >= .zero, percent <= .hundred else {
      throw ValueFault("expected a discount from 0% to 100%, found \(quoted(text))")
    }
    self = .percent(percent)
  }

  /// "10%" or "150.00"; `init(parsing:currency:)` reads it back.
  public var description: String {
    switch self {
    case .percent(let percent): "\(percent)%"
    case .amount(let amount): amount.amountText
    }
  }
}
