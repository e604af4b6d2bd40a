import CRM
import Testing

@Suite("Lines and quotes")
struct PricedLineTests {
  private func line(
    _ quantity: String, _ price: String, _ discount: String? = nil, vat: String = "20"
  ) throws -> PricedLine {
    try PricedLine(
      quantity: d(quantity), unitPrice: eur(price),
      discount: discount.map { try Discount(parsing: $0, currency: .eur) },
      vatRate: d(vat))
  }

  @Test(
    "a line's total is quantity times price less the discount, rounded once",
    arguments: [
      ("2", "900.00", nil, "1800.00"), ("1.5", "0.01", nil, "0.02"), ("3", "0.05", "10%", "0.14"),
      ("1", "0.05", "50%", "0.03"), ("1", "100.00", "33.333333%", "66.67"),
      ("1", "150.00", "150.00", "0.00"),
      ("1", "1800.00", "150.00", "1650.00"), ("1", "10.00", "100%", "0.00"),
      ("1", "0.00", nil, "0.00"),
      // Rounded before the discount this would be 0.02: 1.5 cents less 10 % is 1.35.
      ("1.5", "0.01", "10%", "0.01"),
    ] as [(String, String, String?, String)])
  func totals(quantity: String, price: String, discount: String?, total: String) throws {
    #expect(try line(quantity, price, discount).total() == eur(total))
  }

  @Test("bad quantities, prices, discounts and rates are refused (ALT-29)")
  func refusing() throws {
    #expect(message { try line("0", "10").total() }.contains("quantity above 0"))
    #expect(message { try line("-1", "10").total() }.contains("quantity above 0"))
    #expect(message { try line("1", "-10").total() }.contains("price of 0 or more"))
    #expect(
      message { try line("1", "100", "100.01").total() }.contains(
        "above the line's total 100.00 EUR"))
    #expect(message { try line("999999999999", "999999999999.99").total() }.contains("too large"))
    #expect(
      message { try line("999999999999", "999999999999.99", "100%").total() }.contains("too large"))
    #expect(message { try line("1", "10", vat: "101").tax() }.contains("0 to 100"))
    #expect(message { try line("1", "10", vat: "-1").tax() }.contains("0 to 100"))
    var foreign = try line("1", "10")
    foreign.discount = .amount(try Money(parsing: "1.00 USD"))
    #expect(message { try foreign.total() }.contains("another currency"))
    foreign.discount = .percent(try d("101"))
    #expect(message { try foreign.total() }.contains("0% to 100%"))
    foreign.discount = .amount(try eur("-1"))
    #expect(message { try foreign.total() }.contains("negative"))
    foreign = PricedLine(
      quantity: ExactDecimal(millionths: .max), unitPrice: Money(cents: .max, currency: .eur),
      discount: .percent(.zero), vatRate: .zero)
    #expect(message { try foreign.total() }.contains("too large"))
  }

  @Test("VAT is rounded line by line: three lines of 0.05 at 20 % bear 0.01 each")
  func taxPerLine() throws {
    let totals = try QuoteTotals(lines: Array(repeating: line("1", "0.05"), count: 3))
    #expect(totals.totalTax == (try eur("0.03")))
    #expect(totals.totalWithoutTax == (try eur("0.15")))
    #expect(totals.total == (try eur("0.18")))
    // Where the two ways differ: 0.02 at 20 % is 0.004, so each line bears nothing; the sum 0.06 would bear 0.01.
    #expect(
      try QuoteTotals(lines: Array(repeating: line("1", "0.02"), count: 3)).totalTax == eur("0.00"))
    // 0.025 of tax rounds up: half up at exactly half a cent.
    #expect(try line("1", "0.50", vat: "5").tax() == eur("0.03"))
  }

  @Test("totals by rate ascend and add up")
  func byRate() throws {
    let totals = try QuoteTotals(lines: [
      line("2", "900"), line("1", "100", vat: "5.5"), line("1", "50", "10%"),
      line("1", "40", vat: "0"),
    ])
    #expect(totals.perRate.map(\.rate.description) == ["0", "5.5", "20"])
    #expect(try totals.perRate.map(\.base) == [eur("40"), eur("100"), eur("1845")])
    #expect(try totals.perRate.map(\.tax) == [eur("0"), eur("5.50"), eur("369")])
    #expect(totals.total == (try eur("2359.50")))
  }

  @Test("a quote without lines is worth nothing; lines of two currencies are refused")
  func edges() throws {
    #expect(try QuoteTotals(lines: []).total == eur("0"))
    var foreign = try line("1", "10")
    foreign.unitPrice = try Money(parsing: "10.00 USD")
    #expect(
      message { try QuoteTotals(lines: [line("1", "10"), foreign]) }.contains("two currencies"))
    #expect(
      message { try QuoteTotals(lines: [line("1", "999999999999.99")]) }.contains("too large"))
  }

  @Test(
    "discounts keep the form they were entered in (ALT-29)",
    arguments: [
      ("10%", "10%"), ("10 %", "10%"), ("12.50%", "12.5%"), ("0%", "0%"), ("100%", "100%"),
      ("150.00", "150.00"), ("150", "150.00"),
      ("10\u{A0}%", "10%"),
    ])
  func discounts(text: String, shown: String) throws {
    let discount = try Discount(parsing: text, currency: .eur)
    #expect(discount.description == shown)
    #expect(try Discount(parsing: shown, currency: .eur) == discount)
  }

  @Test(
    "what is no discount is refused",
    arguments: ["", "%", "101%", "-1%", "-5", "10,5%", "10%%", "abc", "1.005"])
  func badDiscounts(text: String) {
    #expect(message { try Discount(parsing: text, currency: .eur) }.contains("discount"))
  }

  @Test("the parts of a quote add up whatever its lines")
  func properties() throws {
    var random = Seeded("QuoteTotals")
    for _ in 0..<300 {
      let rates = try ["0", "2.1", "5.5", "10", "20"].map(d)
      let lines = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        PricedLine(
          quantity: ExactDecimal(millionths: .random(in: 1...50_000_000, using: &random)),
          unitPrice: Money(cents: .random(in: 0...1_000_000, using: &random), currency: .eur),
          discount: Bool.random(using: &random)
            ? .percent(ExactDecimal(millionths: .random(in: 0...100_000_000, using: &random)))
            : nil,
          vatRate: rates[Int.random(in: 0..<rates.count, using: &random)])
      }
      let totals = try QuoteTotals(lines: lines)
      #expect(totals.totalWithoutTax.cents == totals.perRate.reduce(0) { $0 + $1.base.cents })
      #expect(totals.totalTax.cents == totals.perRate.reduce(0) { $0 + $1.tax.cents })
      #expect(totals.total.cents == totals.totalWithoutTax.cents + totals.totalTax.cents)
      #expect(try totals.totalTax.cents == lines.reduce(0) { $0 + (try $1.tax().cents) })
    }
  }
}
