import CRM
import Testing

@Suite("Values in the journal")
struct ValueTests {
  @Test("each kind of value has its shape")
  func shapes() throws {
    let cases: [(Value, String)] = [
      (.null, "null"), (.boolean(true), "true"), (.integer(42), "42"), (.text("é"), "\"é\""),
      (.list([.integer(1), .null]), "[1,null]"),
      (.number(1.5), #"{"$number":"1.5"}"#), (.decimal(try d("1.5")), #"{"$decimal":"1.5"}"#),
      (.money(try eur("1800")), #"{"$money":"1800.00 EUR"}"#),
      (.day(try CalendarDay(parsing: "2026-11-03")), #"{"$day":"2026-11-03"}"#),
      (.instant(Instant(milliseconds: 0)), #"{"$instant":"1970-01-01T00:00:00.000Z"}"#),
      (.span(.seconds(2)), #"{"$span":2000}"#),
      (
        .address(Address(street: "1 rue", postalCode: "75001", city: "Paris")),
        #"{"$address":{"street":"1 rue","postal_code":"75001","city":"Paris","country":"FR"}}"#
      ),
      (.record(RecordRef(.deal, 42)), #"{"$record":"deal:42"}"#),
      (.record(RecordRef(kind: .dealLine, id: 42, part: 1)), #"{"$record":"deal_line:42.1"}"#),
      (
        .object([ValueField("b", .integer(1)), ValueField("$money", .null)]),
        #"{"$object":[["b",1],["$money",null]]}"#
      ), (.object([]), #"{"$object":[]}"#),
    ]
    for (value, text) in cases {
      #expect(value.json.text() == text)
      #expect(try value.journalText() == text)
      #expect(try Value(journalText: text) == value)
    }
  }

  @Test(
    "what isn't of the journal's shape is refused",
    arguments: [
      "1.5", "{}", #"{"a":1}"#, #"{"$money":1}"#, #"{"$money":"1800.00"}"#,
      #"{"$money":"1.001 EUR"}"#, #"{"$day":"2026-02-30"}"#, #"{"$span":"1"}"#,
      #"{"$record":"deal"}"#, #"{"$record":"deal:x"}"#, #"{"$record":"deal:1.2"}"#,
      #"{"$record":"deal_line:1"}"#, #"{"$record":"thing:1"}"#,
      #"{"$object":[["a"]]}"#, #"{"$object":[[1,2]]}"#, #"{"$object":{"a":1}}"#,
      #"{"$number":"abc"}"#, #"{"$day":"2026-11-03","x":1}"#, #"{"$address":{"streets":"x"}}"#, "[",
      "",
    ])
  func refusing(text: String) {
    #expect(throws: ValueFault.self) { try Value(journalText: text) }
  }

  @Test("any value is read back as it was; the direct writer agrees with the tree")
  func roundTrip() throws {
    var random = Seeded("Value")
    func any(_ depth: Int) throws -> Value {
      switch Int.random(in: 0...(depth == 0 ? 11 : 13), using: &random) {
      case 0: return .null
      case 1: return .boolean(.random(using: &random))
      case 2: return .integer(random.magnitude())
      case 3:
        let number = Double(bitPattern: random.next())
        return .number(number.isNaN ? -0.0 : number)
      case 4: return .decimal(ExactDecimal(millionths: random.magnitude() / 20))
      case 5: return .text(random.text())
      case 6:
        return .money(
          Money(cents: random.magnitude() / 100_000, currency: try Currency(code: "CHF")))
      case 7:
        return .day(
          CalendarDay(daysSinceEpoch: .random(in: -719_162...2_932_896, using: &random)) ?? .latest)
      case 8: return .instant(Instant(milliseconds: random.magnitude()))
      case 9: return .span(TimeSpan(milliseconds: random.magnitude()))
      case 10:
        return .address(
          Address(
            street: random.text(), postalCode: random.text(), city: random.text(), country: "BE"))
      case 11:
        let kind = RecordKind.allCases.randomElement(using: &random) ?? .deal
        return .record(
          RecordRef(
            kind: kind, id: random.magnitude(),
            part: kind.isLine ? .random(in: .min ... .max, using: &random) : 0))
      case 12:
        return .list(
          try (0..<Int.random(in: 0...4, using: &random)).map { _ in try any(depth - 1) })
      default:
        return .object(
          try (0..<Int.random(in: 0...4, using: &random)).map { _ in
            ValueField(random.text(), try any(depth - 1))
          })
      }
    }
    for _ in 0..<5000 {
      let value = try any(3)
      let text = try value.journalText()
      #expect(try Value(journalText: text) == value)
      #expect(value.json.text() == text)
      _ = value.plainJSON.text()
    }
  }

  @Test("the deepest value that is written can be read; a deeper one isn't written")
  func depth() throws {
    func nested(_ depth: Int, object: Bool) -> Value {
      var value = Value.integer(1)
      for _ in 0..<depth { value = object ? .object([ValueField("a", value)]) : .list([value]) }
      return value
    }
    for object in [false, true] {
      let deepest = nested(Value.depthLimit, object: object)
      #expect(try Value(journalText: deepest.journalText()) == deepest)
      #expect(
        message { try nested(Value.depthLimit + 1, object: object).journalText() }.contains(
          "deeper than 64"))
    }
  }

  @Test("not a number stays not a number")
  func notANumber() throws {
    guard case .number(let number) = try Value(journalText: Value.number(.nan).journalText()) else {
      Issue.record("no number")
      return
    }
    #expect(number.isNaN)
  }

  @Test("plain JSON is what other programs expect")
  func plain() throws {
    #expect(
      try Value.money(eur("12.5")).plainJSON.text() == #"{"amount":"12.50","currency":"EUR"}"#)
    #expect(
      Value.object([
        ValueField("a", .number(.infinity)), ValueField("r", .record(RecordRef(.deal, 1))),
      ]).plainJSON.text() == #"{"a":null,"r":"deal:1"}"#)
    #expect(
      try Value(plainJSON: JSON(parsing: #"{"a":[1,1.50,1e-9,"x"]}"#))
        == .object([
          ValueField("a", .list([.integer(1), .decimal(d("1.5")), .number(1e-9), .text("x")]))
        ]))
  }

  @Test("records have a text and a code, and back")
  func records() throws {
    for kind in RecordKind.allCases {
      #expect(RecordKind(code: kind.code) == kind)
      let ref = RecordRef(kind: kind, id: 7, part: kind.isLine ? 3 : 0)
      #expect(try RecordRef(parsing: ref.description) == ref)
    }
    #expect(
      RecordKind(code: -1) == nil && RecordKind(code: 17) == nil && RecordKind(code: .max) == nil)
  }

  @Test("addresses print as on an envelope and are read from their parts")
  func addresses() throws {
    let address = Address(street: "12 rue des Lilas\nBât. B", postalCode: "69003", city: "Lyon")
    #expect(address.lines == ["12 rue des Lilas", "Bât. B", "69003 Lyon"])
    #expect(address.oneLine == "12 rue des Lilas, Bât. B, 69003 Lyon")
    #expect(Address(city: "Genève", country: "CH").oneLine == "Genève, CH")
    #expect(
      Address().isEmpty && Address(street: " \u{A0}").isEmpty
        && Address(country: "BE").lines.isEmpty)
    #expect(try Address(json: address.json) == address)
    #expect(
      try Address(fields: [ValueField("city", .text("Lyon")), ValueField("country", .text("be"))])
        .country == "BE")
    #expect(
      message { try Address(fields: [ValueField("zip", .text("1"))]) }.contains("no part \"zip\""))
    #expect(
      message { try Address(fields: [ValueField("country", .text("France"))]) }.contains(
        "two letters"))
    #expect(
      message { try Address(fields: [ValueField("city", .integer(1))]) }.contains("expected text"))
  }
}
