import CRM
import Testing

@Suite("Money")
struct MoneyTests {
  private func usd() throws -> Currency { try Currency(code: "usd") }

  @Test(
    "amounts have at most two decimals and say how to be written",
    arguments: [
      ("1800.001", "two decimals"), ("1800.000", "two decimals"), ("12,50", "with a point"),
      ("", "expected an amount"),
      ("1000000000000", "too large"), ("1 800.00", "without blanks"),
    ])
  func refusing(text: String, hint: String) {
    #expect(message { try eur(text) }.contains(hint))
  }

  @Test(
    "amounts are read and written",
    arguments: [
      ("1800.00", "1800.00"), ("1800", "1800.00"), ("0.5", "0.50"), ("-0.05", "-0.05"),
      ("-12.30", "-12.30"),
      ("999999999999.99", "999999999999.99"),
    ])
  func reading(text: String, shown: String) throws {
    let money = try eur(text)
    #expect(money.amountText == shown)
    #expect(money.description == "\(shown) EUR")
    #expect(try Money(parsing: money.description) == money)
  }

  @Test("two currencies never mix, and the error names both amounts")
  func currencies() throws {
    let (euro, dollar) = (try eur("10"), try Money(parsing: "5.00 USD"))
    for text in [
      message { try euro.adding(dollar) }, message { try euro.subtracting(dollar) },
      message { try euro.compared(to: dollar) }, message { try euro.divided(by: dollar) },
    ] {
      #expect(text.contains("10.00 EUR") && text.contains("5.00 USD"))
    }
    #expect(euro != dollar)
    #expect(try eur("1").isLess(than: eur("1.01")))
    #expect(try eur("-1").compared(to: eur("-1.01")) == 1)
  }

  @Test("currency codes are three letters, packed into one number and back")
  func codes() throws {
    #expect(try Currency(code: "eur") == .eur)
    #expect(Currency.eur.code == "EUR")
    for code in ["EUR", "USD", "CHF", "AAA", "ZZZ"] {
      let currency = try Currency(code: code)
      #expect(currency.code == code)
      #expect(Currency(packed: currency.packed) == currency)
    }
    for bad in ["", "EU", "EURO", "E R", "€€€", "E1R", "éur", "\u{1}\u{2}\u{3}", "[[["] {
      #expect(message { try Currency(code: bad) }.contains("three letters"))
    }
    for bad: Int64 in [0, -1, .max, .min, 0x45_55, 0x45_55_52_00, 0x65_75_72] {
      #expect(Currency(packed: bad) == nil)
    }
  }

  @Test(
    "products are rounded half up to the cent, away from zero for negative amounts",
    arguments: [
      ("0.05", "0.5", "0.03"), ("-0.05", "0.5", "-0.03"), ("0.01", "0.5", "0.01"),
      ("0.01", "0.499999", "0.00"),
      ("-0.01", "0.499999", "0.00"), ("10.00", "1.005", "10.05"), ("19.99", "3", "59.97"),
      ("0.01", "-0.5", "-0.01"),
    ])
  func products(amount: String, factor: String, result: String) throws {
    #expect(try eur(amount).times(d(factor)) == eur(result))
  }

  @Test("a result beyond the bound is an error, never a trap")
  func bounds() throws {
    let greatest = try eur("999999999999.99")
    #expect(message { try greatest.adding(eur("0.01")) }.contains("too large"))
    #expect(message { try greatest.negated().subtracting(eur("0.01")) }.contains("too large"))
    #expect(message { try greatest.times(d("1.1")) }.contains("too large"))
    #expect(try greatest.decimal().description == "999999999999.99")
    for cents in [Int64.max, .min] {
      let wild = Money(cents: cents, currency: .eur)
      #expect(message { try wild.adding(wild) }.contains("too large"))
      #expect(message { try wild.times(ExactDecimal(millionths: cents)) }.contains("too large"))
      #expect(message { try wild.decimal() }.contains("too large"))
      #expect(message { try wild.negated() }.contains("too large"))
      #expect(wild.amountText.contains("."))
    }
  }

  @Test("decimals become amounts exactly or by rounding, as asked")
  func decimals() throws {
    #expect(try Money(exactly: d("12.5"), currency: .eur) == eur("12.50"))
    #expect(message { try Money(exactly: d("12.505"), currency: .eur) }.contains("two decimals"))
    #expect(try Money(rounding: d("12.505"), currency: .eur) == eur("12.51"))
    #expect(try Money(rounding: d("-12.505"), currency: .eur) == eur("-12.51"))
    #expect(try eur("10").divided(by: eur("4")).description == "2.5")
  }

  @Test("sums don't depend on their order, and equal the sum of the cents")
  func sums() throws {
    var random = Seeded("Money sums")
    for _ in 0..<500 {
      let cents = (0..<20).map { _ in random.magnitude() / 10_000_000 }
      func sum(_ cents: [Int64]) throws -> Money {
        var total = Money.zero(.eur)
        for amount in cents { total = try total.adding(Money(cents: amount, currency: .eur)) }
        return total
      }
      #expect(try sum(cents) == sum(cents.shuffled(using: &random)))
      #expect(try sum(cents).cents == cents.reduce(0, +))
      #expect(try Money(parsing: sum(cents).description) == sum(cents))
    }
  }
}
