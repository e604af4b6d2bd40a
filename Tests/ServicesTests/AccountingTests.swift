import CRM
import Services
import Store
import Testing

@Suite("Local accounting")
struct AccountingTests {
  private let deal = Value.record(Shop.deal)

  private func money(_ text: String) throws -> Value { .money(try Money(parsing: text, currency: .eur)) }

  private func desk(_ declaration: WorkspaceDeclaration = Shop.declaration) throws -> Desk {
    try Desk({ LocalAccounting($0) }, declaration: declaration)
  }

  private func quotes(_ desk: Desk) throws -> [QuoteRow] { try desk.store.read { try $0.quotes(of: 1) } }

  @Test("ALT-31, ALT-32: a quote has a number, an address, each line as in the deal, and totals by rate")
  func quote() throws {
    let desk = try desk()
    let answer = try desk.ask("create_quote", [deal])
    #expect(answer["number"] == .text("D-2026-0001"))
    #expect(answer["url"] == .text("coulisse://quotes/D-2026-0001"))
    #expect(answer["status"] == .text("draft"))
    // 2 x 1500.00 less 10 % is 2700.00, VAT 540.00; 3 x 99.99 is 299.97, VAT at 5.5 % 16.49835, so 16.50.
    #expect(answer["total_without_tax"] == (try money("2999.97")))
    #expect(answer["total"] == (try money("3556.47")))
    guard case .list(let totals)? = answer["totals"] else {
      Issue.record("no totals in \(answer)")
      return
    }
    #expect(
      totals.map { $0["rate"] } == [
        .decimal(try ExactDecimal(parsing: "5.5")), .decimal(try ExactDecimal(20)),
      ])
    #expect(totals.map { $0["base"] } == [try money("299.97"), try money("2700.00")])
    #expect(totals.map { $0["tax"] } == [try money("16.50"), try money("540.00")])

    let row = try #require(try quotes(desk).first)
    #expect(row.lines.map(\.productID) == [1, 2])
    #expect(row.lines.map(\.description) == ["EDLC", "Livret"])
    #expect(row.lines.map(\.quantity.description) == ["2", "3"])
    #expect(row.lines.map(\.price.amountText) == ["1500.00", "99.99"])
    #expect(row.lines.map(\.discount) == ["10%", nil])
    let total = try desk.store.read { try $0.value(Shop.deal, "total") }
    #expect(total == .money(row.totalWithoutTax), "the quote's total is the deal's (ALT-32)")
  }

  @Test("ALT-29: a discount may be an amount, and is kept as it was entered")
  func amountDiscount() throws {
    let desk = try desk()
    try desk.setLines([try Shop.line(1, "1", discount: "150.00")])
    #expect(try desk.ask("create_quote", [deal])["total_without_tax"] == (try money("1650.00")))
    #expect(try quotes(desk).first?.lines.first?.discount == "150.00")
  }

  @Test("ALT-10: the same content is the same quote, whichever run asks for it, and later too")
  func sameContent() throws {
    let desk = try desk()
    let first = try desk.ask("create_quote", [deal])
    let later = try desk.ask(
      "create_quote", [deal], step: 7, now: Instant(milliseconds: Shop.now.milliseconds + 40_000_000_000))
    #expect(later == first)
    #expect(try quotes(desk).count == 1)
  }

  @Test("ALT-10: other content replaces a draft, so one quote is live, and numbers have no gaps")
  func otherContent() throws {
    let desk = try desk()
    try desk.ask("create_quote", [deal])
    try desk.setLines([try Shop.line(1)])
    let second = try desk.ask("create_quote", [deal])
    #expect(second["number"] == .text("D-2026-0002"))
    #expect(try quotes(desk).map(\.status.rawValue) == ["replaced", "draft"])
    #expect(try desk.ask("quote", [.text("D-2026-0001")])["status"] == .text("replaced"))
  }

  @Test("ALT-10: a sent quote is replaced likewise; going back to earlier content makes a new number")
  func sentQuote() throws {
    let desk = try desk()
    try desk.ask("create_quote", [deal])
    try desk.store.write { try $0.setStatus(.sent, ofQuote: 1) }
    let lines = [try Shop.line(1, "2", price: "1500.00", discount: "10%"), try Shop.line(2, "3")]
    try desk.setLines([try Shop.line(1)])
    try desk.ask("create_quote", [deal])
    try desk.setLines(lines)
    #expect(try desk.ask("create_quote", [deal])["number"] == .text("D-2026-0003"))
    #expect(try quotes(desk).map(\.status.rawValue) == ["replaced", "replaced", "draft"])
  }

  @Test("An accepted quote stays: the same content answers it, other content fails and says what to do")
  func acceptedQuote() throws {
    let desk = try desk()
    let first = try desk.ask("create_quote", [deal])
    try desk.store.write { try $0.setStatus(.accepted, ofQuote: 1) }
    let again = try desk.ask("create_quote", [deal])
    #expect(again["number"] == first["number"])
    #expect(again["status"] == .text("accepted"))
    #expect(again["totals"] == first["totals"])
    try desk.setLines([try Shop.line(1)])
    let failure = try #require(try desk.failure("create_quote", [deal]))
    #expect(!failure.isTransient)
    #expect(failure.message.contains("D-2026-0001"))
    #expect(failure.message.contains("cancel the quote"))
    #expect(try quotes(desk).map(\.status.rawValue) == ["accepted"])
  }

  @Test("A refused quote makes room for a new one")
  func refusedQuote() throws {
    let desk = try desk()
    try desk.ask("create_quote", [deal])
    try desk.store.write { try $0.setStatus(.refused, ofQuote: 1) }
    #expect(try desk.ask("create_quote", [deal])["number"] == .text("D-2026-0002"))
  }

  @Test("Each part of the content counts: quantity, price, discount, rate, name, customer")
  func content() throws {
    let changes: [(String, (Desk) throws -> Void)] = [
      (
        "quantity",
        { try $0.setLines([try Shop.line(1, "3", price: "1500.00", discount: "10%"), try Shop.line(2, "3")]) }
      ),
      (
        "price", { try $0.setLines([try Shop.line(1, "2", price: "1500.01", discount: "10%"), try Shop.line(2, "3")]) }
      ),
      (
        "discount",
        { try $0.setLines([try Shop.line(1, "2", price: "1500.00", discount: "300.00"), try Shop.line(2, "3")]) }
      ),
      (
        "order", { try $0.setLines([try Shop.line(2, "3"), try Shop.line(1, "2", price: "1500.00", discount: "10%")]) }
      ),
      ("rate", { try $0.set(RecordRef(.product, 1), "vat_rate", .decimal(try ExactDecimal(10))) }),
      ("product name", { try $0.set(RecordRef(.product, 1), "name", .text("EDLD")) }),
      ("customer", { try $0.set(RecordRef(.organization, 1), "name", .text("ACMF")) }),
      ("siret", { try $0.set(RecordRef(.organization, 1), "siret", .null) }),
      (
        "address",
        {
          try $0.set(
            RecordRef(.organization, 1), "address",
            .address(Address(street: "1 rue X", postalCode: "75001", city: "Pari")))
        }
      ),
    ]
    for (what, change) in changes {
      let desk = try desk()
      try desk.ask("create_quote", [deal])
      try change(desk)
      #expect(try desk.ask("create_quote", [deal])["number"] == .text("D-2026-0002"), "\(what)")
    }
  }

  @Test("ALT-33: the organization is billed; when the OPCA's fields are filled, the OPCA is")
  func customer() throws {
    let desk = try desk()
    try desk.ask("create_quote", [deal])
    var row = try #require(try quotes(desk).last)
    #expect(row.customerName == "ACME")
    #expect(row.customerSiret == "73282932000074")
    #expect(row.customerAddress?.city == "Paris")
    try desk.set(Shop.deal, "opca_contact", .text("Paul Martin"))
    try desk.set(Shop.deal, "opca_name", .text("OPCO Mobilités"))
    try desk.set(
      Shop.deal, "opca_address",
      .address(Address(street: "43 bis route de Vaugirard", postalCode: "92190", city: "Meudon")))
    try desk.set(Shop.deal, "opca_siret", .text("73282932000074"))
    try desk.ask("create_quote", [deal])
    row = try #require(try quotes(desk).last)
    #expect(row.customerName == "OPCO Mobilités")
    #expect(row.customerAddress?.city == "Meudon")
  }

  @Test("ALT-45: an OPCA filled in part is refused with the labels of the empty fields")
  func partialPayer() throws {
    let desk = try desk()
    try desk.set(Shop.deal, "opca_name", .text("OPCO Mobilités"))
    let failure = try #require(try desk.failure("create_quote", [deal]))
    for label in ["Prénom et nom OPCA", "Adresse de facturation OPCA", "SIRET OPCA"] {
      #expect(failure.message.contains(label))
    }
    #expect(!failure.message.contains("OPCA ou autre organisme"))
    #expect(try quotes(desk).isEmpty)
  }

  @Test("ALT-43: a private client's organization needs no address and no SIRET")
  func privateClient() throws {
    let desk = try desk()
    try desk.set(RecordRef(.organization, 1), "siret", .null)
    try desk.set(RecordRef(.organization, 1), "address", .null)
    try desk.ask("create_quote", [deal])
    #expect(try quotes(desk).first?.customerSiret == nil)
  }

  @Test("ALT-09, ALT-28, ALT-42: everything that is missing is said at once, with the French labels; nothing is made")
  func incompleteDeal() throws {
    let desk = try desk()
    try desk.set(Shop.deal, "organization", .null)
    try desk.set(Shop.deal, "person", .null)
    try desk.setLines([])
    let failure = try #require(try desk.failure("create_quote", [deal]))
    #expect(!failure.isTransient)
    for part in ["deal 1", "EDLC pour ACME", "Organisation", "Contact", "Produits"] {
      #expect(failure.message.contains(part), "\(part) in \(failure.message)")
    }
    #expect(try quotes(desk).isEmpty)
  }

  @Test(
    "ALT-14, ALT-32, ALT-37: a product without one of its fields is refused by name and label; no shorter quote is made",
    arguments: [
      ("description", "Description"), ("price", "Prix de vente"), ("vat_rate", "Taux de TVA"),
      ("sales_category", "Catégorie de vente"), ("category", "Catégorie"), ("class", "Classe"),
    ])
  func incompleteProduct(field: String, label: String) throws {
    let desk = try desk()
    try desk.set(RecordRef(.product, 2), field, .null)
    let failure = try #require(try desk.failure("create_quote", [deal]))
    #expect(failure.message.contains("\"Livret\" lacks « \(label) » (\(field))"), "\(failure.message)")
    #expect(!failure.message.contains("\"EDLC\" lacks"))
    #expect(try quotes(desk).isEmpty)
  }

  @Test("Bad input: blanks are no description, and a discount above the line's total is refused with its line")
  func nonsense() throws {
    let desk = try desk()
    try desk.set(RecordRef(.product, 1), "description", .text(" \n\u{A0}"))
    #expect(try desk.failure("create_quote", [deal])?.message.contains("Description") == true)
    try desk.set(RecordRef(.product, 1), "description", .text("Parcours"))
    try desk.setLines([try Shop.line(2), try Shop.line(2, "1", discount: "100.00")])
    let failure = try #require(try desk.failure("create_quote", [deal]))
    #expect(failure.message.contains("line 2"))
    #expect(failure.message.contains("100.00"))
    #expect(try quotes(desk).isEmpty)
  }

  @Test("Bad input: amounts beyond the bound are an error, not a trap")
  func hugeAmounts() throws {
    let desk = try desk()
    try desk.setLines([
      try Shop.line(1, "900000000000", price: "900000000000.00"), try Shop.line(2, "1", price: "999999999999.99"),
    ])
    let failure = try #require(try desk.failure("create_quote", [deal]))
    #expect(failure.message.contains("too large"))
    try desk.setLines([
      try Shop.line(1, "1", price: "999999999999.99"), try Shop.line(2, "1", price: "999999999999.99"),
    ])
    #expect(try desk.failure("create_quote", [deal])?.message.contains("too large") == true)
  }

  @Test("A number that is rolled back is given again: no gaps")
  func noGaps() throws {
    struct Stop: Error {}
    let desk = try desk()
    let resolved = try desk.resolve("create_quote", [deal])
    let call = OperationCall(
      service: "accounting", operation: "create_quote", arguments: resolved.arguments, key: resolved.purpose ?? "",
      dealID: 1, author: Shop.author, now: Shop.now)
    #expect(throws: Stop.self) {
      try desk.store.write { transaction in
        _ = try desk.service.perform(call, in: transaction)
        throw Stop()
      }
    }
    #expect(try desk.ask("create_quote", [deal])["number"] == .text("D-2026-0001"))
  }

  @Test("The year is that of the workspace's time zone, and each year begins at 0001")
  func years() throws {
    // 2026-12-31 23:30 UTC is 2027 in Paris.
    let newYear = try Instant(parsing: "2026-12-31T23:30:00Z")
    let eve = try Instant(parsing: "2026-12-31T22:59:59Z")
    let desk = try desk()
    #expect(try desk.ask("create_quote", [deal], now: eve)["number"] == .text("D-2026-0001"))
    try desk.setLines([try Shop.line(1)])
    #expect(try desk.ask("create_quote", [deal], now: newYear)["number"] == .text("D-2027-0001"))
    try desk.setLines([try Shop.line(2)])
    #expect(try desk.ask("create_quote", [deal], now: eve)["number"] == .text("D-2026-0002"))
    var elsewhere = Shop.declaration
    elsewhere.timeZone = "America/New_York"
    #expect(try self.desk(elsewhere).ask("create_quote", [deal], now: newYear)["number"] == .text("D-2026-0001"))
  }

  @Test("The ten thousandth quote of a year has five digits")
  func manyQuotes() throws {
    let desk = try desk()
    try desk.store.write { transaction in
      for _ in 0..<9_999 { _ = try transaction.next(counter: "quote-2026") }
    }
    #expect(try desk.ask("create_quote", [deal])["number"] == .text("D-2026-10000"))
  }

  @Test(
    "The prefix is a setting; a wrong one is said and no quote made",
    arguments: [
      (Value.text("DEV"), true), (.text(""), false), (.text("D/"), false), (.integer(3), false),
      (.text("TOOLONGPREFIX"), false),
    ])
  func prefix(value: Value, isValid: Bool) throws {
    var declaration = Shop.declaration
    declaration.services["accounting"] = .object([ValueField("quote_prefix", value)])
    let desk = try desk(declaration)
    if isValid {
      #expect(try desk.ask("create_quote", [deal])["number"] == .text("DEV-2026-0001"))
      #expect(ServiceRegistry.faults(in: declaration).isEmpty)
    } else {
      #expect(try desk.failure("create_quote", [deal])?.message.contains("quote_prefix") == true)
      #expect(ServiceRegistry.faults(in: declaration).map(\.message).joined().contains("quote_prefix"))
    }
  }

  @Test("A dry run shows an unknown number, takes none, and the live quote where that would be the answer")
  func preview() throws {
    let desk = try desk()
    let preview = try desk.preview("create_quote", [deal])
    #expect(preview["number"] == .text("D-2026-????"))
    #expect(preview["total"] == (try money("3556.47")))
    #expect(try quotes(desk).isEmpty)
    let real = try desk.ask("create_quote", [deal])
    #expect(real["number"] == .text("D-2026-0001"))
    #expect(try desk.preview("create_quote", [deal]) == real)
    let url = try Shop.declaration.schema()
    let field = FieldDefinition(key: "quote_url", label: "Devis QBO généré", type: .url)
    #expect(try url.check(preview["url"] ?? .null, for: field, of: .deal) == preview["url"])
  }

  @Test("ALT-14: the catalogue is the CRM's, and says what a product lacks")
  func catalogue() throws {
    let desk = try desk()
    try desk.set(RecordRef(.product, 2), "class", .null)
    guard case .list(let products) = try desk.ask("products") else {
      Issue.record("no list")
      return
    }
    #expect(products.map { $0["name"] } == [.text("EDLC"), .text("Livret")])
    #expect(products.map { $0["missing"] } == [.list([]), .list([.text("class")])])
    let product = try desk.ask("product", [.text("edlc")])
    #expect(product["price"] == (try money("1800.00")))
    #expect(product["vat_rate"] == .decimal(try ExactDecimal(20)))
    #expect(product["sales_category"] == .text("prestation de services"))
    #expect(try desk.ask("product", [.text("Bilan")]) == .null)
  }

  @Test("ALT-12: two products of one name are an error that names both, not a guess")
  func ambiguousProduct() throws {
    let desk = try desk()
    try desk.set(RecordRef(.product, 2), "name", .text("EDLC"))
    let failure = try #require(try desk.failure("product", [.text("EDLC")]))
    #expect(failure.message.contains("product 1, product 2"))
  }

  @Test("Bad input: another record, an unknown deal, an unknown number, a misspelt operation")
  func wrongArguments() throws {
    let desk = try desk()
    #expect(
      try desk.failure("create_quote", [.record(RecordRef(.person, 1))])?.message.contains("expected a deal") == true)
    #expect(try desk.failure("create_quote", [.record(RecordRef(.deal, 99))])?.message.contains("no deal 99") == true)
    #expect(try desk.ask("quote", [.text("D-1999-0001")]) == .null)
    #expect(try desk.failure("create_qoute", [deal])?.message.contains("did you mean 'create_quote'?") == true)
  }
}
