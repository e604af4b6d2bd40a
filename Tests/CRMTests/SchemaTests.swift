import CRM
import Testing

@Suite("Fields")
struct SchemaTests {
  private static let start = FieldDefinition(
    key: "start_date", label: "Date de début de mission", type: .day)

  private func schema(_ fields: FieldDefinition..., of kind: RecordKind = .deal) throws
    -> RecordSchema
  {
    try RecordSchema(custom: [kind: fields])
  }

  private func check(_ value: Value, _ type: FieldType) throws -> Value {
    let field = FieldDefinition(key: "f", label: "Champ", type: type)
    return try RecordSchema.builtIn.check(value, for: field, of: .deal)
  }

  @Test("custom fields follow the built-in ones in the order declared")
  func order() throws {
    let schema = try schema(
      FieldDefinition(key: "zeta", label: "Z", type: .text), Self.start,
      FieldDefinition(key: "alpha", label: "A", type: .text))
    #expect(schema.customFields(of: .deal).map(\.key) == ["zeta", "start_date", "alpha"])
    #expect(schema.fields(of: .deal).prefix(3).map(\.key) == ["id", "key", "title"])
    #expect(schema.fields(of: .deal).suffix(3).map(\.key) == ["zeta", "start_date", "alpha"])
    #expect(schema.field(.deal, "start_date") == Self.start)
    #expect(schema.field(.person, "start_date") == nil)
    #expect(schema.index(.deal, "title") == 2)
  }

  @Test("every kind has an id; lines have no key of the importer's")
  func builtIn() {
    for kind in RecordKind.allCases {
      let fields = RecordSchema.builtIn.fields(of: kind)
      #expect(fields.allSatisfy { $0.isBuiltIn })
      #expect(Set(fields.map(\.key)).count == fields.count)
      #expect(fields.first?.key == "id" && fields.first?.isWritable == false)
      #expect((RecordSchema.builtIn.field(kind, "key") == nil) == kind.isLine)
    }
  }

  @Test(
    "keys that are misspelt, taken or repeated are refused, naming the field",
    arguments: [
      ("Start", "lower-case"), ("1st", "lower-case"), ("", "lower-case"), ("a-b", "lower-case"),
      ("é", "lower-case"), ("_a", "lower-case"), ("a b", "lower-case"),
      ("title", "already"), ("id", "already"), ("key", "already"), ("lines", "already"),
      ("start_date", "already"),
    ])
  func badKeys(key: String, hint: String) {
    let text = message {
      try schema(Self.start, FieldDefinition(key: key, label: "Mon champ", type: .text))
    }
    #expect(text.contains(hint) && text.contains("« Mon champ »"))
  }

  @Test("labels may repeat; look-up by label gives all of them, by alias the one meant (ALT-27)")
  func labels() throws {
    let schema = try schema(
      FieldDefinition(
        key: "a", label: "Objectifs pédagogiques", type: .longText,
        aliases: ["Objectifs pédagogique", "goals"]),
      FieldDefinition(key: "b", label: "Public", type: .text),
      FieldDefinition(key: "c", label: "public", type: .text), of: .product)
    #expect(schema.fields(labelled: "OBJECTIFS PEDAGOGIQUE", of: .product).map(\.key) == ["a"])
    #expect(schema.fields(labelled: "PUBLIC", of: .product).map(\.key) == ["b", "c"])
    #expect(schema.field(.product, "goals")?.key == "a")
    #expect(try schema.resolve("objectifs pédagogiques", of: .product).key == "a")
    #expect(message { try schema.resolve("Public", of: .product) }.contains("b, c"))
    #expect(
      message {
        try self.schema(
          Self.start, FieldDefinition(key: "x", label: "X", type: .text, aliases: ["title"]))
      }.contains("alias"))
  }

  @Test("types that can't be stored and empty choices are refused")
  func badTypes() {
    for type in [
      FieldType.records(.deal), .objects, .discount, .record(.dealLine), .choice([]),
      .choice(["Oui", "oui"]),
    ] {
      #expect(throws: ValueFault.self) {
        try schema(FieldDefinition(key: "x", label: "X", type: type))
      }
    }
    #expect(throws: ValueFault.self) {
      try schema(FieldDefinition(key: "x", label: " ", type: .text))
    }
    for type in FieldType.named { #expect((try? FieldType(word: type.word)) == type) }
    #expect(message { try FieldType(word: "long_txt") }.contains("did you mean \"long_text\"?"))
  }

  @Test("a mistyped field suggests the right one (ALT-01)")
  func suggestions() throws {
    let schema = try schema(Self.start)
    #expect(schema.suggestion(for: "titel", in: .deal) == "title")
    #expect(schema.suggestion(for: "Date de debut de mision", in: .deal) == "start_date")
    #expect(schema.suggestion(for: "qwertyuiop", in: .deal) == nil)
    #expect(
      message { try schema.resolve("titel", of: .deal) }
        == "deal has no field 'titel'; did you mean 'title'?")
  }

  @Test("an error names the French label, the key, what was expected and what was found (ALT-09)")
  func errorText() throws {
    let schema = try schema(Self.start)
    #expect(
      message { try schema.check(.text("30/02/2026"), for: Self.start, of: .deal) }
        == "« Date de début de mission » (start_date): expected a date like 2026-11-03, found \"30/02/2026\""
    )
    let title = try #require(schema.field(.deal, "title"))
    for empty in [Value.null, .text("")] {
      #expect(
        message { try schema.check(empty, for: title, of: .deal) }.hasPrefix("« Titre » (title): "))
    }
  }

  @Test("values are brought to the field's type")
  func normalizing() throws {
    let day = try CalendarDay(parsing: "2026-11-03")
    let cases: [(Value, FieldType, Value)] = [
      (.text("2026-11-03"), .day, .day(day)), (.day(day), .day, .day(day)),
      (.text(" 2026-11-03 "), .day, .day(day)),
      (.text("3.5"), .hours, .decimal(try d("3.5"))),
      (.number(3.5), .hours, .decimal(try d("3.5"))), (.integer(3), .decimal, .decimal(try d("3"))),
      (.text("20 %"), .percent, .decimal(try d("20"))),
      (.text("12.50"), .money, .money(try eur("12.5"))),
      (.text("5.00 USD"), .money, .money(try Money(parsing: "5.00 USD"))),
      (.integer(1800), .money, .money(try eur("1800"))),
      (.decimal(try d("0.5")), .money, .money(try eur("0.5"))),
      (.text("10 %"), .discount, .text("10%")),
      (.money(try eur("150")), .discount, .text("150.00")),
      (.number(3), .integer, .integer(3)), (.text("42"), .integer, .integer(42)),
      (.text("oui"), .boolean, .boolean(true)), (.boolean(false), .boolean, .boolean(false)),
      (.text("732 829 320 00074"), .siret, .text("73282932000074")),
      (.text("fr 44 732829320"), .vatNumber, .text("FR44732829320")),
      (.text(" nom@exemple.fr "), .email, .text("nom@exemple.fr")),
      (.text("https://exemple.fr/a?b=c"), .url, .text("https://exemple.fr/a?b=c")),
      (.text("file:///tmp/a.pdf"), .url, .text("file:///tmp/a.pdf")),
      (.text("/quotes/D-1"), .url, .text("/quotes/D-1")),
      (.text("À SIGNER"), .choice(["à signer", "signé"]), .text("à signer")),
      (.integer(3), .record(.user), .record(RecordRef(.user, 3))),
      (.text("a"), .texts, .list([.text("a")])),
      (.list([.text("a"), .text("b")]), .texts, .list([.text("a"), .text("b")])),
      (.object([ValueField("city", .text("Lyon"))]), .address, .address(Address(city: "Lyon"))),
      (.address(Address()), .address, .null),
      (.text(""), .text, .null), (.text(" "), .day, .null), (.text(" "), .text, .text(" ")),
      (.integer(5), .text, .text("5")), (.null, .money, .null),
      (.text("1970-01-01T00:00:00Z"), .instant, .instant(Instant(milliseconds: 0))),
    ]
    for (value, type, expected) in cases { #expect(try check(value, type) == expected) }
    // What is normal stays as it is.
    for (_, type, expected) in cases { #expect(try check(expected, type) == expected) }
  }

  @Test(
    "values of the wrong kind are refused",
    arguments: [
      (.text("abc"), .integer), (.number(1.5), .integer), (.number(1e300), .integer),
      (.number(.nan), .integer), (.number(.nan), .decimal),
      (.number(12.5), .money), (.text("12,50"), .money), (.boolean(true), .money),
      (.text("1.001"), .money), (.decimal(ExactDecimal(millionths: 1)), .money),
      (.text("-1"), .hours), (.text("101"), .percent), (.text("-1"), .percent),
      (.integer(.max), .decimal), (.integer(.max), .money),
      (.integer(20_260_101), .day), (.text("demain"), .instant), (.integer(1), .boolean),
      (.text("peut-être"), .boolean),
      (.text("73282932000075"), .siret), (.integer(73_282_932_000_074), .siret),
      (.text("FR45732829320"), .vatNumber),
      (.text("nom"), .email), (.text("a@b"), .email), (.text("a@b@c.fr"), .email),
      (.text("a b@c.fr"), .email), (.text("a@c.fr\nBcc: x@y.fr"), .email),
      (.text("<a@c.fr>"), .email),
      (.text("@c.fr"), .email), (.text("a@.fr"), .email), (.text("exemple.fr"), .url),
      (.text("javascript:alert(1)"), .url), (.text("JavaScript:alert(1)"), .url),
      (.text("data:text/html,x"), .url), (.text("//evil.example"), .url), (.text("http:"), .url),
      (.text("https://"), .url), (.text("https:x"), .url), (.text("https://a b"), .url),
      (.text(":x"), .url),
      (.text("autre"), .choice(["oui", "non"])), (.record(RecordRef(.deal, 1)), .record(.user)),
      (.text("x"), .record(.user)), (.integer(0), .record(.user)),
      (.list([.integer(1)]), .texts), (.text("Lyon"), .address),
      (.object([ValueField("zip", .text("1"))]), .address), (.list([]), .text),
      (.text("a\0b"), .text),
      (.list([.record(RecordRef(.user, 1))]), .records(.deal)), (.integer(10), .discount),
      (.text("110%"), .discount), (.boolean(true), .text),
    ] as [(Value, FieldType)])
  func refusing(value: Value, type: FieldType) {
    #expect(message { try check(value, type) }.hasPrefix("« Champ » (f): "))
  }

  @Test(
    "fields that follow from what was done can't be written, and the error says what to do instead")
  func writable() throws {
    let schema = RecordSchema.builtIn
    func attempt(_ kind: RecordKind, _ key: String) throws {
      try schema.checkWritable(try schema.resolve(key, of: kind), of: kind)
    }
    #expect(throws: Never.self) { try attempt(.deal, "title") }
    #expect(message { try attempt(.deal, "stage") }.contains("« Étape » (stage)"))
    #expect(message { try attempt(.deal, "stage") }.contains("move the deal"))
    #expect(message { try attempt(.deal, "status") }.contains("win, lose or reopen"))
    #expect(message { try attempt(.person, "name") }.contains("first_name"))
    #expect(message { try attempt(.quote, "total") }.contains("can't be written"))
  }

  @Test(
    "company numbers are checked",
    arguments: [
      ("73282932000074", true), ("732 829 320 00074", true), ("73282932000075", false),
      ("7328293200007", false), ("732829320000744", false),
      ("7328293200007A", false), ("00000000000000", false), ("٧٣٢٨٢٩٣٢٠٠٠٠٧٤", false),
      // La Poste: its head office passes Luhn's check, an office passes by the sum of its digits (here 20), another doesn't.
      ("35600000000048", true), ("35600000000006", true), ("35600000000007", false),
      // The same digit sum helps nobody else.
      ("73282932000083", false),
    ])
  func siret(text: String, valid: Bool) {
    #expect(((try? CompanyNumber.siret(text)) != nil) == valid)
  }

  @Test(
    "VAT numbers are checked",
    arguments: [
      ("FR44732829320", true), ("fr 44 732 829 320", true), ("FR45732829320", false),
      ("FR44732829321", false), ("FR4473282932", false), ("FR447328293200", false),
      ("FRK7399859412", true), ("DE123456789", true), ("BE0123456789", true), ("XX123456", false),
      ("D", false), ("", false), ("DE", false), ("DE1234567890123", false), ("DE12-45", false),
      ("FRÀ0732829320", false),
    ])
  func vatNumber(text: String, valid: Bool) {
    #expect(((try? CompanyNumber.vatNumber(text)) != nil) == valid)
  }
}
