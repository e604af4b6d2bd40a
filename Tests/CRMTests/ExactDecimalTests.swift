import CRM
import Testing

@Suite("Exact decimals")
struct ExactDecimalTests {
  @Test(
    "plain numbers are read and written back in their shortest form",
    arguments: [
      ("1800.00", "1800"), ("-2.5", "-2.5"), ("0", "0"), ("-0", "0"), ("0.000001", "0.000001"),
      ("007", "7"),
      ("999999999999.999999", "999999999999.999999"),
      ("-999999999999.999999", "-999999999999.999999"),
      ("10.10", "10.1"),
    ])
  func reading(text: String, shown: String) throws {
    #expect(try d(text).description == shown)
  }

  @Test(
    "what is no plain number is refused with the way to write it",
    arguments: [
      ("12,50", "with a point"), ("1 800", "without blanks"), ("1\u{A0}800", "without blanks"),
      (" 1", "without blanks"),
      ("1e3", "without an exponent"), ("NaN", "write it like"), ("", "write it like"),
      ("-", "write it like"),
      (".5", "write it like"), ("5.", "write it like"), ("+5", "write it like"),
      ("1.2.3", "write it like"),
      ("--1", "write it like"), ("0x10", "write it like"), ("٣", "write it like"),
      ("1.0000000", "six decimals"),
      ("1000000000000", "too large"), ("-1000000000000", "too large"),
      ("99999999999999999999999999999999999999999999", "too large"),
      ("999999999999.9999999", "six decimals"),
    ])
  func refusing(text: String, hint: String) {
    #expect(message { try d(text) }.contains(hint))
  }

  @Test(
    "halves are rounded away from zero, on both sides of it",
    arguments: [
      ("1.005", 2, "1.01"), ("-1.005", 2, "-1.01"), ("1.004999", 2, "1"), ("-1.004999", 2, "-1"),
      ("0.5", 0, "1"),
      ("-0.5", 0, "-1"), ("0.499999", 0, "0"), ("2.5", 0, "3"), ("-2.5", 0, "-3"),
      ("1.234567", 6, "1.234567"),
      ("1.234567", 9, "1.234567"), ("0.000005", 5, "0.00001"), ("-0.000004", 5, "0"),
    ])
  func rounding(text: String, places: Int, result: String) throws {
    #expect(try d(text).rounded(places: places).description == result)
  }

  @Test("products and quotients keep six decimals, rounded half away from zero")
  func productsAndQuotients() throws {
    #expect(try d("0.001").times(d("0.0005")).description == "0.000001")
    #expect(try d("-0.001").times(d("0.0005")).description == "-0.000001")
    #expect(try d("0.001").times(d("0.0004")).description == "0")
    #expect(try d("1").divided(by: d("3")).description == "0.333333")
    #expect(try d("2").divided(by: d("3")).description == "0.666667")
    #expect(try d("-2").divided(by: d("3")).description == "-0.666667")
    #expect(try d("2").divided(by: d("-3")).description == "-0.666667")
    #expect(try d("0.000001").divided(by: d("2")).description == "0.000001")
    #expect(try d("-0.000001").divided(by: d("2")).description == "-0.000001")
    #expect(message { try ExactDecimal.one.divided(by: .zero) } == "can't divide 1 by zero")
  }

  @Test("a result beyond the bound is an error, never a trap")
  func bounds() throws {
    let greatest = try d("999999999999.999999")
    let least = try d("-999999999999.999999")
    let step = ExactDecimal(millionths: 1)
    #expect(try greatest.minus(step).plus(step) == greatest)
    #expect(message { try greatest.plus(step) }.contains("too large"))
    #expect(message { try least.minus(step) }.contains("too large"))
    #expect(message { try greatest.times(greatest) }.contains("too large"))
    #expect(message { try greatest.divided(by: step) }.contains("too large"))
    #expect(message { try greatest.rounded(places: 0) }.contains("too large"))
    #expect(message { try ExactDecimal(1_000_000_000_000) }.contains("too large"))
    #expect(message { try ExactDecimal(Int64.min) }.contains("too large"))
    #expect(try ExactDecimal(-999_999_999_999).wholeNumber == -999_999_999_999)
    for wild in [ExactDecimal(millionths: .max), ExactDecimal(millionths: .min)] {
      #expect(message { try wild.times(wild) }.contains("too large"))
      #expect(message { try wild.plus(wild) }.contains("too large"))
      #expect(message { try wild.negated() }.contains("too large"))
      #expect(message { try wild.divided(by: step) }.contains("too large"))
      #expect(!wild.description.isEmpty)
    }
  }

  @Test("the numbers of a script's source text are taken exactly or not at all")
  func floatingPoint() throws {
    #expect(try ExactDecimal(shortest: 3.5).description == "3.5")
    #expect(try ExactDecimal(shortest: 0.1).description == "0.1")
    #expect(try ExactDecimal(shortest: -1234567.891).description == "-1234567.891")
    #expect(message { try ExactDecimal(shortest: 0.1 + 0.2) }.contains("six decimals"))
    #expect(message { try ExactDecimal(shortest: .nan) }.contains("expected a number"))
    #expect(message { try ExactDecimal(shortest: .infinity) }.contains("expected a number"))
    #expect(message { try ExactDecimal(shortest: 1e12) }.contains("too large"))
    #expect(message { try ExactDecimal(shortest: 1e300) }.contains("too large"))
  }

  @Test("order, text with fixed decimals, whole numbers")
  func views() throws {
    #expect(try d("-2") < d("-1.5") && d("-1.5") < d("0.1"))
    #expect(try d("1.5").text(minimumPlaces: 2) == "1.50")
    #expect(try d("-0.05").text(minimumPlaces: 2) == "-0.05")
    #expect(try d("1.234").text(minimumPlaces: 2) == "1.234")
    #expect(try d("1.5").text(minimumPlaces: 40) == "1.500000")
    #expect(try d("1.5").wholeNumber == nil)
  }

  @Test(
    "text and number round trip; a sum taken apart gives its parts; products agree with the other order"
  )
  func properties() throws {
    var random = Seeded("ExactDecimal")
    for _ in 0..<20_000 {
      let a = ExactDecimal(millionths: random.magnitude() / 20)
      let b = ExactDecimal(millionths: random.magnitude() / 20)
      #expect(try ExactDecimal(parsing: a.description) == a)
      #expect(try ExactDecimal(parsing: a.text(minimumPlaces: 6)) == a)
      #expect(try a.plus(b).minus(b) == a)
      let product = try? a.times(b)
      #expect(product == (try? b.times(a)))
      if let product {
        // Rounding moves a product by half a millionth at most.
        let exact = Int128(a.millionths) * Int128(b.millionths)
        #expect((Int128(product.millionths) * 1_000_000 - exact).magnitude <= 500_000)
      }
    }
  }
}
