import CRM
import Testing

@Suite("Values as a French document shows them")
struct FrenchFormatTests {
  let french = FrenchFormat()

  @Test(
    "amounts have a narrow blank between thousands, a comma, cents, and the currency behind a blank",
    arguments: [
      ("1234.50 EUR", "1\u{202F}234,50\u{A0}€"), ("0.00 EUR", "0,00\u{A0}€"), ("0.05 EUR", "0,05\u{A0}€"),
      ("999.90 EUR", "999,90\u{A0}€"), ("1234567.89 USD", "1\u{202F}234\u{202F}567,89\u{A0}USD"),
      ("-1234.50 EUR", "\u{2212}1\u{202F}234,50\u{A0}€"), ("-0.05 CHF", "\u{2212}0,05\u{A0}CHF"),
    ])
  func amounts(amount: String, shown: String) throws {
    #expect(try french.money(Money(parsing: amount)) == shown)
    #expect(try french.text(.money(Money(parsing: amount))) == shown)
  }

  @Test(
    "days have the month's name, and the first of a month its \"er\"",
    arguments: [
      ("2026-11-03", "3 novembre 2026"), ("2026-05-01", "1er mai 2026"), ("2027-02-28", "28 février 2027"),
      ("2026-08-21", "21 août 2026"), ("2026-12-31", "31 décembre 2026"), ("0001-01-01", "1er janvier 1"),
    ])
  func days(day: String, shown: String) throws {
    #expect(try french.day(CalendarDay(parsing: day)) == shown)
  }

  @Test("a moment is the day that it falls on where the workspace is")
  func moments() throws {
    let lateEvening = try Instant(parsing: "2026-04-30T22:30:00Z")
    #expect(french.instant(lateEvening) == "30 avril 2026")
    #expect(FrenchFormat { _ in 7200 }.text(.instant(lateEvening)) == "1er mai 2026")
    #expect(!FrenchFormat { _ in .max }.instant(Instant(milliseconds: .max)).isEmpty)
  }

  @Test(
    "numbers have a comma, and as many decimals as there are",
    arguments: [
      ("1234.5", "1\u{202F}234,5"), ("20", "20"), ("-2.5", "\u{2212}2,5"), ("0.000001", "0,000001"),
      ("999999999999.999999", "999\u{202F}999\u{202F}999\u{202F}999,999999"),
    ])
  func numbers(number: String, shown: String) throws {
    let exact = try ExactDecimal(parsing: number)
    #expect(french.decimal(exact) == shown)
    #expect(french.percent(exact) == shown + "\u{A0}%")
    #expect(french.hours(exact) == shown + "\u{A0}h")
  }

  @Test("a SIRET is grouped; what is none stays as it is")
  func companyNumbers() {
    #expect(french.siret("73282932000074") == "732\u{A0}829\u{A0}320\u{A0}00074")
    #expect(french.siret("732 829 320 00074") == "732\u{A0}829\u{A0}320\u{A0}00074")
    #expect(french.siret("en cours") == "en cours")
  }

  @Test("every kind of value has its text, or none")
  func values() {
    let address = Address(street: "12 rue des Cimes\nBât. B", postalCode: "38000", city: "Grenoble")
    for (value, shown) in [
      (Value.boolean(true), "oui"), (.boolean(false), "non"), (.integer(-12_345), "\u{2212}12\u{202F}345"),
      (.integer(.min), "\u{2212}9\u{202F}223\u{202F}372\u{202F}036\u{202F}854\u{202F}775\u{202F}808"),
      (.number(1.5), "1,5"), (.number(-1e30), "\u{2212}1e+30"), (.text("<é>"), "<é>"),
      (.address(address), "12 rue des Cimes\nBât. B\n38000 Grenoble"), (.span(.days(60)), "60\u{A0}jours"),
      (.span(.hours(1)), "1\u{A0}heure"),
      (.list([.text("a"), .integer(2), .null]), "a, 2"), (.null, nil), (.object([]), nil),
      (.record(RecordRef(.deal, 1)), nil),
    ] as [(Value, String?)] {
      #expect(french.text(value) == shown)
    }
    #expect(french.span(TimeSpan(milliseconds: .min)).hasPrefix("\u{2212}"))
  }
}
