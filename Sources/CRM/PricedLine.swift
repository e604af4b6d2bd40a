/// What a line of a deal or quote costs.
public struct PricedLine: Hashable, Sendable {
  /// Above 0 (ALT-29).
  public var quantity: ExactDecimal
  /// Without tax; not negative (ALT-29).
  public var unitPrice: Money
  public var discount: Discount?
  /// In percent, from 0 to 100.
  public var vatRate: ExactDecimal

  public init(
    quantity: ExactDecimal, unitPrice: Money, discount: Discount? = nil, vatRate: ExactDecimal
  ) {
    self.quantity = quantity
    self.unitPrice = unitPrice
    self.discount = discount
    self.vatRate = vatRate
  }

  /// The line's total without tax, after the discount, rounded once, half up to the cent. Throws for a quantity,
  /// price or discount outside its bounds, for a discount above the line's total, and beyond the bound of amounts.
  public func total() throws(ValueFault) -> Money {
    guard quantity > .zero else {
      throw ValueFault("expected a quantity above 0, found \(quantity)")
    }
    guard unitPrice.cents >= 0 else {
      throw ValueFault("expected a price of 0 or more, found \(unitPrice)")
    }
    // In cents times a million, so that nothing is rounded before the end.
    let gross = Int128(unitPrice.cents) * Int128(quantity.millionths)
    guard gross < Money.limit * 1_000_000 else {
      throw ValueFault(
        "\(quantity) times \(unitPrice) is too large: amounts go up to 999999999999.99")
    }
    switch discount {
    case nil:
      return try Money(wide: roundedQuotient(gross, 1_000_000), currency: unitPrice.currency)
    case .percent(let percent):
      guard percent >= .zero, percent <= .hundred else {
        throw ValueFault("expected a discount from 0% to 100%, found \(percent)%")
      }
      let rest = gross * Int128(ExactDecimal.hundred.millionths - percent.millionths)
      return try Money(
        wide: roundedQuotient(rest, 100_000_000_000_000), currency: unitPrice.currency)
    case .amount(let amount):
      guard amount.currency == unitPrice.currency else {
        throw ValueFault(
          "the discount \(amount) is in another currency than the price \(unitPrice)")
      }
      guard amount.cents >= 0 else {
        throw ValueFault("a discount can't be negative, found \(amount)")
      }
      let total = try Money(wide: roundedQuotient(gross, 1_000_000), currency: unitPrice.currency)
      guard amount.cents <= total.cents else {
        throw ValueFault("the discount \(amount) is above the line's total \(total)")
      }
      return try total.subtracting(amount)
    }
  }

  /// The tax on `total()`, rounded half up to the cent.
  public func tax() throws(ValueFault) -> Money {
    guard vatRate >= .zero, vatRate <= .hundred else {
      throw ValueFault("expected a VAT rate from 0 to 100 percent, found \(vatRate)")
    }
    return try total().percent(vatRate)
  }
}

/// The totals of a quote. VAT is computed and rounded line by line to the cent, half up, then summed by rate.
public struct QuoteTotals: Hashable, Sendable {
  /// The lines of one VAT rate together.
  public struct RateTotal: Hashable, Sendable {
    /// In percent.
    public var rate: ExactDecimal
    /// The lines' totals without tax.
    public var base: Money
    public var tax: Money

    public init(rate: ExactDecimal, base: Money, tax: Money) {
      self.rate = rate
      self.base = base
      self.tax = tax
    }
  }

  /// One entry a rate, ascending.
  public let perRate: [RateTotal]
  public let totalWithoutTax: Money
  public let totalTax: Money
  /// With tax.
  public let total: Money

  /// `currency` is that of a quote without lines; lines of another currency than the first line's are refused.
  public init(lines: [PricedLine], currency: Currency = .eur) throws(ValueFault) {
    let currency = lines.first?.unitPrice.currency ?? currency
    var rates: [RateTotal] = []
    var withoutTax = Money.zero(currency)
    var tax = Money.zero(currency)
    for line in lines {
      let (lineTotal, lineTax) = (try line.total(), try line.tax())
      withoutTax = try withoutTax.adding(lineTotal)
      tax = try tax.adding(lineTax)
      if let index = rates.firstIndex(where: { $0.rate == line.vatRate }) {
        rates[index].base = try rates[index].base.adding(lineTotal)
        rates[index].tax = try rates[index].tax.adding(lineTax)
      } else {
        rates.append(RateTotal(rate: line.vatRate, base: lineTotal, tax: lineTax))
      }
    }
    perRate = rates.sorted { $0.rate < $1.rate }
    totalWithoutTax = withoutTax
    totalTax = tax
    total = try withoutTax.adding(tax)
  }
}
