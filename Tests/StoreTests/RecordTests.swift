import CRM
import Foundation
import Testing

@testable import Store

@Suite("Records")
struct RecordTests {
  private func note(_ office: Office, _ tx: any StoreTransaction) throws -> RecordRef {
    try office.add(
      .note,
      [
        "deal": .record(office.deal), "text": .text("x"), "created_at": .instant(Office.now),
        "author": .text("user:test"),
      ], tx)
  }

  // MARK: Every field

  @Test("each stored field of each kind comes back as it was set, and empty again, also after reopening")
  func everyField() throws {
    let office = try Office()
    let address = Address(street: "1 rue X\nbât. B", postalCode: "75001", city: "Paris", country: "BE")
    let (memo, quote): (RecordRef, RecordRef) = try office.store.write { tx in
      _ = try office.add(.organization, ["name": .text("Other")], tx)
      _ = try tx.insert(office.quote("D-1"))
      _ = try tx.insert(
        CardRow(key: "k", cardID: "c", dealID: 1, list: "l", title: "t", text: "t", url: "u", createdAt: Office.now))
      _ = try tx.insert(MessageRow(key: "k", recipientID: 1, dealID: 1, text: "t", createdAt: Office.now))
      for number in 1...2 {
        _ = try tx.insert(office.folder("\(number)"))
        _ = try tx.insert(office.document("\(number)"))
      }
      _ = try tx.insert(office.request("k"))
      _ = try tx.insert(
        EmailRow(key: "k", dealID: 1, recipients: ["a@b.c"], subject: "s", text: "t", path: "p", createdAt: Office.now))
      return (try note(office, tx), RecordRef(.quote, 1))
    }
    let refs: [RecordKind: RecordRef] = [
      .user: office.user, .organization: office.organization, .person: office.person, .product: office.product,
      .pipeline: RecordRef(.pipeline, 1), .stage: RecordRef(.stage, 2), .deal: office.deal,
      .dealLine: RecordRef(kind: .dealLine, id: 1, part: 2), .note: memo, .quote: quote,
      .quoteLine: RecordRef(kind: .quoteLine, id: 1, part: 3), .card: RecordRef(.card, 1),
      .message: RecordRef(.message, 1), .folder: RecordRef(.folder, 1), .document: RecordRef(.document, 1),
      .signatureRequest: RecordRef(.signatureRequest, 1), .email: RecordRef(.email, 1),
    ]
    // What rules of the schema tie together, or what is part of the row's identity.
    let tied: Set<String> = ["total_without_tax", "total_tax", "total", "position", "quote", "state", "closed_at", "signed_document"]
    func sample(_ field: String, _ codec: RecordTable.Codec, _ kind: RecordKind) -> Value? {
      switch codec {
      case .text where field == "status": kind == .deal ? .text("won") : .text("sent")
      case .text where field == "siret": .text("73282932000074")
      case .text where field == "sha256": .text(String(repeating: "f", count: 64))
      case .text where tied.contains(field), .instant where tied.contains(field) && kind == .signatureRequest: nil
      case .text where field == "discount": .text("150.00")
      case .text: .text("\(field) é")
      case .boolean: .boolean(true)
      case .integer: tied.contains(field) && kind.isLine ? nil : .integer(7)
      case .cents: tied.contains(field) && kind == .quote ? nil : .money(Money(cents: 123_45, currency: .eur))
      case .millionths: .decimal(ExactDecimal(millionths: 5_500_000))
      case .instant: .instant(Instant(milliseconds: -62_000_000_000_001))
      case .address: .address(address)
      case .texts: .list([.text("x@y.z"), .text("é")])
      case .record(let target):
        tied.contains(field) || field == "quote" || (field == "deal" && kind == .dealLine) ? nil : .record(RecordRef(target, 2))
      }
    }
    try office.store.write { tx throws in
      _ = try office.addDeal("d2", tx)
      _ = try office.add(.user, ["name": .text("x"), "email": .text("x@y.z")], tx)
      _ = try office.add(.person, ["first_name": .text("x")], tx)
    }
    var written: [(RecordRef, String, Value)] = []
    for kind in RecordKind.allCases {
      let ref = try #require(refs[kind])
      let table = try #require(RecordTable.of(kind))
      for column in table.columns {
        guard let value = sample(column.field, column.codec, kind) else { continue }
        try office.set(column.field, value, of: ref)
        written.append((ref, column.field, value))
      }
    }
    #expect(written.count > 60)
    try office.store.close()
    office.store = try Store(path: office.path)
    for (ref, field, value) in written { #expect(try office.value(field, of: ref) == value, "\(ref).\(field)") }
    for (ref, field) in [
      (office.deal, "email"), (office.deal, "owner"), (office.deal, "closed_at"), (office.organization, "address"),
      (office.product, "price"), (office.product, "vat_rate"), (RecordRef(kind: .dealLine, id: 1, part: 2), "discount"),
    ] {
      try office.set(field, .null, of: ref)
      #expect(try office.value(field, of: ref) == .null, "\(ref).\(field)")
    }
  }

  @Test("every built-in field of every kind can be read; none is left out of store and schema")
  func schemaFields() throws {
    let office = try Office()
    _ = try office.store.write { try $0.insert(office.quote("D-1")) }
    let missing = try office.store.raw { tx throws in
      var missing: [String] = []
      for kind in RecordKind.allCases {
        let table = try #require(RecordTable.of(kind))
        let blank = Record(
          ref: RecordRef(kind: kind, id: 1, part: kind.isLine ? 1 : 0), columns: table.columns.map { _ in .null },
          custom: [:])
        for field in RecordSchema.builtIn.fields(of: kind)
        where table.index[field.key] == nil && field.key != "key" {
          if try tx.computed(blank, field.key) == nil { missing.append("\(kind).\(field.key)") }
        }
      }
      return missing
    }
    #expect(missing == [])
  }

  @Test(
    "a custom field of each type comes back exactly: lists, dates, decimals, amounts, links, tables",
    arguments: [
      Value.text("x"), .boolean(false), .integer(.min), .number(0.1), .decimal(ExactDecimal(millionths: -1)),
      .money(Money(cents: 1, currency: .eur)), .list([.text("a"), .text("")]), .list([]), .list([.list([.integer(1)])]),
      .instant(Office.now), .span(TimeSpan(milliseconds: 5)), .address(Address(city: "Lyon")),
      .record(RecordRef(.person, 1)), .object([ValueField("a", .null), ValueField("a", .integer(1))]),
    ])
  func customFields(value: Value) throws {
    let office = try Office()
    let day = Value.day(try CalendarDay(parsing: "2026-02-28"))
    try office.set("start", day)
    try office.set("own", value)
    #expect(try office.value("own") == value)
    #expect(try office.value("start") == day)
    #expect(try office.store.read { try $0.find(.deal, [ValueField("own", value)], limit: nil) } == [office.deal])
    #expect(try office.history().last?.changes.map(\.new) == [value])
    try office.set("own", .null)
    #expect(try office.value("own") == .null)
    #expect(try office.value("start") == day)
  }

  @Test(
    "texts survive whatever they hold: emoji, right to left, quotes, line breaks, SQL, a megabyte",
    arguments: [
      "👩🏽‍🚀 fusée", "שלום مرحبا \u{202E}abc", "e\u{301}", "\u{FFFF}\u{10FFFF}\u{FEFF}", "a\r\n\t\"b'c\\d",
      "'; DROP TABLE deal; --",
      "\u{1}\u{7F}", "{\"$money\":\"1 EUR\"}", "%_?1:a@b$c", String(repeating: "é", count: 500_000),
    ])
  func texts(text: String) throws {
    let office = try Office()
    for field in ["title", "own"] {
      try office.set(field, .text(text))
      // By bytes: Swift takes e + accent and é for equal.
      #expect(try office.value(field).map { Array($0.plainText.utf8) } == Array(text.utf8))
      #expect(
        try office.store.read { try $0.find(.deal, [ValueField(field, .text(text))], limit: nil) } == [office.deal])
    }
    try office.set("key", .text(text))
    #expect(try office.store.read { try $0.find(.deal, key: text) } == office.deal)
  }

  @Test("NUL is refused where SQLite would cut the text short, and kept where it would not")
  func nul() throws {
    let office = try Office()
    #expect(fault { try office.set("title", .text("a\0b")) }?.message == "title: text can't hold the character NUL")
    #expect(try office.value("title") == .text("d1"))
    try office.set("own", .text("a\0b"))
    #expect(try office.value("own") == .text("a\0b"))
    try office.store.read { tx throws in
      #expect(try tx.find(.deal, key: "d1\0x") == nil)
      #expect(try tx.user(email: "floriane@altitude.example\0x") == nil)
    }
    var card = CardRow(
      key: "k", cardID: "c", dealID: 1, list: "l", title: "a\0b", text: "t", url: "u", createdAt: Office.now)
    #expect(fault { try office.store.write { _ = try $0.insert(card) } }?.kind == .constraint)
    (card.title, card.text) = ("t", "a\0b")
    #expect(fault { try office.store.write { _ = try $0.insert(card) } }?.kind == .constraint)
    let message = MessageRow(key: "k", recipientID: 1, dealID: nil, text: "a\0b", createdAt: Office.now)
    #expect(fault { try office.store.write { _ = try $0.insert(message) } }?.kind == .constraint)
    var quote = try office.quote("D-1")
    quote.customerName = "a\0b"
    #expect(fault { try office.store.write { _ = try $0.insert(quote) } }?.kind == .constraint)
  }

  // MARK: Set

  @Test(
    "a value of another type is refused at the assignment, with the field's name",
    arguments: [
      ("title", Value.integer(1)), ("archived", .text("yes")), ("created_at", .text("2026-01-01")),
      ("owner", .record(RecordRef(.person, 1))), ("owner", .text("floriane")), ("title", .list([])),
    ])
  func wrongType(field: String, value: Value) throws {
    let office = try Office()
    try office.store.write { tx throws in
      let error = fault { try tx.set(office.deal, field, value, author: Office.author, at: Office.now) }
      #expect(error?.kind == .constraint)
      #expect(error?.message.contains(field) == true)
    }
    #expect(try office.history().count == 2)
  }

  @Test("amounts of another currency are refused; a store counts in the one that it was opened with")
  func currency() throws {
    let office = try Office()
    let dollars = Value.money(Money(cents: 500, currency: try Currency(code: "USD")))
    #expect(fault { try office.set("price", dollars, of: office.product) }?.message.contains("counts in EUR") == true)
    office.store = try Store(path: office.path, currency: Currency(code: "USD"))
    try office.set("price", dollars, of: office.product)
    #expect(try office.value("price", of: office.product) == dollars)
  }

  @Test("what is not there can't be set, and has no value")
  func missing() throws {
    let office = try Office()
    #expect(fault { try office.set("title", .text("x"), of: RecordRef(.deal, 9)) }?.kind == .notFound)
    #expect(try office.value("title", of: RecordRef(.deal, 9)) == nil)
    #expect(try office.value("quantity", of: RecordRef(kind: .dealLine, id: 1, part: 3)) == nil)
    #expect(try office.value("never_heard_of") == .null)
    #expect(fault { try office.set("colour", .text("x"), of: office.user) }?.kind == .constraint)
    #expect(fault { try office.add(.user, ["name": .text("x"), "colour": .text("x")]) }?.kind == .constraint)
    #expect(fault { try office.add(.dealLine, [:]) }?.kind == .constraint)
    #expect(
      fault { try office.add(.organization, ["name": .text("a"), "own": .text("b"), "own": .text("c")]) }?.message
        .contains("twice") == true)
    #expect(throws: StoreError.self) {
      try office.store.write {
        try $0.move(RecordRef(.deal, 9), to: $0.stages()[0], author: Office.author, request: nil, at: Office.now)
      }
    }
  }

  @Test("a line of a deal is set like a record; its deal's history and total tell of it")
  func setLine() throws {
    let office = try Office()
    let line = RecordRef(kind: .dealLine, id: 1, part: 2)
    try office.set("quantity", .decimal(ExactDecimal(5)), of: line)
    try office.set("price", .money(.euros(10)), of: line)
    #expect(try office.value("quantity", of: line) == .decimal(ExactDecimal(5)))
    #expect(try office.value("quantity", of: RecordRef(kind: .dealLine, id: 1, part: 1)) == .decimal(ExactDecimal(2)))
    #expect(try office.value("total") == .money(.euros(3240 + 50)))
    #expect(try office.changes().suffix(2) == ["lines.2.quantity: 3 -> 5", "lines.2.price: nothing -> 10.00 EUR"])
  }

  // MARK: History

  @Test("an equal value writes nothing; so does one that is set back in the same transaction")
  func equal() throws {
    let office = try Office()
    try office.set("own", .list([.text("a")]))
    let before = try office.history().count
    try office.set("title", .text("d1"))
    try office.set("own", .list([.text("a")]))
    try office.set("email", .null)
    try office.store.write { tx throws in
      try tx.set(office.deal, "title", .text("other"), author: Office.author, at: Office.now)
      try tx.set(office.deal, "title", .text("d1"), author: Office.author, at: Office.now)
    }
    #expect(try office.history().count == before)
  }

  @Test("several fields set in one transaction are one line of history, with old and new values, first to last")
  func oneLine() throws {
    let office = try Office()
    try office.store.write { tx throws in
      for (field, value) in [("title", "a"), ("promo", "P1"), ("title", "b"), ("email", "x@y.z")] {
        try tx.set(office.deal, field, .text(value), author: Office.author, at: Office.now)
      }
    }
    #expect(
      try office.changes().last == #"title: "d1" -> "b", promo: nothing -> "P1", email: nothing -> "x@y.z""#)
  }

  @Test("the history says who, in which run, and when; two authors in one transaction are two lines")
  func authors() throws {
    let office = try Office()
    let script = Author(actor: "automation:pin_brief", runID: 7)
    let later = Instant(milliseconds: Office.now.milliseconds + 1)
    try office.store.write { tx throws in
      try tx.set(office.deal, "title", .text("a"), author: Office.author, at: Office.now)
      try tx.set(office.deal, "title", .text("b"), author: script, at: Office.now)
      try tx.set(office.deal, "title", .text("c"), author: script, at: later)
    }
    let entries = try office.history().suffix(3)
    #expect(entries.map(\.author) == [Office.author, script, script])
    #expect(entries.map(\.at) == [Office.now, Office.now, later])
    #expect(try office.changes().suffix(3) == [#"title: "d1" -> "a""#, #"title: "a" -> "b""#, #"title: "b" -> "c""#])
  }

  @Test("an insertion is the first line of a record's history, with its fields")
  func insertion() throws {
    let office = try Office()
    let entry = try #require(try office.history(of: office.person).first)
    #expect(entry.changes.map(\.field) == ["first_name", "last_name", "organization"])
    #expect(entry.changes.allSatisfy { $0.old.isNull })
    #expect(entry.author == Office.author && entry.stageFrom == nil)
    #expect(try office.history(of: office.user).count == 1)
  }

  @Test("a move is in the history with both stages, and is known by its command's id")
  func stageHistory() throws {
    let office = try Office()
    try office.store.write { tx throws in
      let stage = try #require(try tx.stages().first { $0.name == "Terminé" })
      try tx.move(office.deal, to: stage, author: Office.author, request: "r1", at: Office.now)
      #expect(try tx.handled(request: "r1", of: office.deal) != nil)
      #expect(try tx.handled(request: "r2", of: office.deal) == nil)
      #expect(try tx.handled(request: "r1", of: RecordRef(.deal, 2)) == nil)
    }
    let entry = try #require(try office.history().last)
    #expect(entry.stageFrom == 1 && entry.stageTo == 5)
    #expect(try office.value("stage") == .record(RecordRef(.stage, 5)))
    #expect(try office.value("pipeline") == .record(RecordRef(.pipeline, 2)))
    // One commit with what was set before, one line.
    #expect(entry.changes.map(\.field) == ["stage", "pipeline"])
  }

  @Test("ALT-03: won is a status with its moment, lost likewise; open again has none")
  func closing() throws {
    let office = try Office()
    func close(_ status: DealStatus, archived: Bool, _ request: String) throws {
      try office.store.write {
        try $0.close(office.deal, status, archived: archived, author: Office.author, request: request, at: Office.now)
      }
    }
    try close(.won, archived: true, "r1")
    #expect(try office.value("status") == .text("won"))
    #expect(try office.value("archived") == .boolean(true))
    #expect(try office.value("closed_at") == .instant(Office.now))
    #expect(try office.store.read { try $0.handled(request: "r1", of: office.deal) } != nil)
    // Nothing changes, but the command is known.
    try close(.won, archived: true, "r2")
    #expect(try office.store.read { try $0.handled(request: "r2", of: office.deal) } != nil)
    try close(.open, archived: false, "r3")
    #expect(try office.value("closed_at") == .null)
    #expect(
      try office.changes().last
        == #"status: "won" -> "open", archived: true -> false, closed_at: \#(Office.now) -> nothing"#)
  }

  // MARK: Lists

  @Test("lines are replaced whole; the same lines again are no change, however they are written")
  func lines() throws {
    let office = try Office()
    let before = try office.history().count
    func replace(_ lines: [[ValueField]]) throws {
      try office.store.write { try $0.replaceLines(of: office.deal, lines, author: Office.author, at: Office.now) }
    }
    try replace([
      [
        ValueField("quantity", .integer(2)), ValueField("discount", .text("10%")), ValueField("price", .null),
        ValueField("product", .record(office.product)),
      ],
      [ValueField("quantity", .integer(3)), ValueField("product", .record(RecordRef(.product, 2)))],
    ])
    #expect(try office.history().count == before)
    try replace([[ValueField("product", .record(office.product)), ValueField("quantity", .integer(1))]])
    #expect(try office.value("lines") == .list([.record(RecordRef(kind: .dealLine, id: 1, part: 1))]))
    let change = try #require(try office.history().last?.changes.first)
    #expect(change.field == "lines")
    guard case .list(let old) = change.old, case .list(let new) = change.new else { throw Broken() }
    #expect(old.count == 2 && old.first?["discount"] == .text("10%"))
    #expect(new.count == 1 && new.first?["quantity"] == .decimal(.one))
    #expect(fault { try replace([[ValueField("quantity", .integer(1))]]) }?.kind == .constraint)
    #expect(fault { try replace([[ValueField("colour", .text("x"))]]) }?.kind == .constraint)
    #expect(try office.value("lines") == .list([.record(RecordRef(kind: .dealLine, id: 1, part: 1))]))
  }

  @Test("a line read before the lines were replaced is read anew after")
  func staleLine() throws {
    let office = try Office()
    try office.store.write { tx throws in
      let line = RecordRef(kind: .dealLine, id: 1, part: 1)
      #expect(try tx.value(line, "discount") == .text("10%"))
      try tx.replaceLines(
        of: office.deal, [[ValueField("product", .record(office.product)), ValueField("quantity", .integer(9))]],
        author: Office.author, at: Office.now)
      #expect(try tx.value(line, "discount") == .null)
      #expect(try tx.value(line, "quantity") == .decimal(ExactDecimal(9)))
    }
  }

  @Test("participants are replaced whole, in order, and the same again is no change")
  func participants() throws {
    let office = try Office()
    let other = try office.add(.person, ["first_name": .text("Léa")])
    for _ in 0..<2 {
      try office.store.write {
        try $0.replaceParticipants(of: office.deal, [other, office.person], author: Office.author, at: Office.now)
      }
    }
    #expect(try office.value("participants") == .list([.record(other), .record(office.person)]))
    #expect(try office.changes().suffix(1) == ["participants: a list of 0 values -> a list of 2 values"])
    #expect(try office.history().count == 3)
  }

  // MARK: Finding

  @Test("a search by a custom field tells 1, \"1\", 1.0, true, a list and nothing apart")
  func customSearch() throws {
    let office = try Office()
    let values: [Value] = [
      .integer(1), .text("1"), .decimal(.one), .boolean(true), .list([.integer(1)]), .number(1), .null, .text("null"),
      .text(""),
    ]
    for (index, value) in values.enumerated() {
      try office.add(.organization, ["name": .text("o\(index)"), "own": value])
    }
    for (index, value) in values.enumerated() {
      let found = try office.store.read { try $0.find(.organization, [ValueField("own", value)], limit: nil) }
      #expect(found.contains(RecordRef(.organization, Int64(index) + 2)))
      #expect(found.count == (value.isNull ? 2 : 1), "\(value)")
    }
  }

  @Test("ALT-84: a search for a promo code is exact: case, blanks and beginnings count")
  func promo() throws {
    let office = try Office()
    for (index, code) in ["PROMO", "promo", " PROMO", "PROMO2", "PROM"].enumerated() {
      try office.store.write { tx throws in
        try tx.set(office.addDeal("x\(index)", tx), "promo", .text(code), author: Office.author, at: Office.now)
        // Found before the commit, too.
        #expect(try tx.find(.deal, [ValueField("promo", .text(code))], limit: nil).count == 1)
      }
    }
    #expect(
      try office.store.read { try $0.find(.deal, [ValueField("promo", .text("PROMO"))], limit: nil) } == [
        RecordRef(.deal, 2)
      ])
    #expect(try office.store.read { try $0.find(.deal, [ValueField("promo", .text("PROM_"))], limit: nil) } == [])
  }

  @Test("several criteria are all met, by ascending id; a limit bounds what is found")
  func criteria() throws {
    let office = try Office()
    for index in 2...4 { try office.addDeal("d\(index)") }
    try office.set("email", .text("x@y.z"), of: RecordRef(.deal, 3))
    func found(_ criteria: [ValueField], limit: Int? = nil) throws -> [Int64] {
      try office.store.read { try $0.find(.deal, criteria, limit: limit).map(\.id) }
    }
    #expect(try found([]) == [1, 2, 3, 4])
    #expect(try found([], limit: 2) == [1, 2])
    #expect(try found([], limit: 0) == [])
    #expect(try found([], limit: -1) == [])
    #expect(try found([ValueField("email", .null)]) == [1, 2, 4])
    #expect(try found([ValueField("email", .text("x@y.z")), ValueField("status", .text("open"))]) == [3])
    #expect(try found([ValueField("email", .text("x@y.z")), ValueField("key", .text("d2"))]) == [])
    #expect(try found([ValueField("id", .integer(2))]) == [2])
    #expect(try found([ValueField("created_at", .instant(Office.now))]).count == 4)
  }

  @Test("ALT-139: archived deals are not among those of a stage unless asked for")
  func archived() throws {
    let office = try Office()
    try office.addDeal("d2")
    try office.set("archived", .boolean(true))
    func found(_ criteria: [ValueField]) throws -> [Int64] {
      try office.store.read { try $0.find(.deal, criteria, limit: nil).map(\.id) }
    }
    let stage = ValueField("stage", .record(RecordRef(.stage, 1)))
    #expect(try found([stage]) == [2])
    #expect(try found([stage, ValueField("archived", .boolean(true))]) == [1])
    #expect(try found([stage, ValueField("archived", .boolean(false))]) == [2])
    #expect(try found([ValueField("status", .text("open"))]) == [1, 2])
  }

  @Test(
    "names of fields are no way into the SQL",
    arguments: [
      "x' OR '1'='1", "x') --", "a b", "é", "", "a.b", "$", "x\0y", "x\"y", "a\r\nb",
    ])
  func injection(name: String) throws {
    let office = try Office()
    let error = fault { _ = try office.store.read { try $0.find(.deal, [ValueField(name, .text("x"))], limit: nil) } }
    #expect(error?.kind == .constraint)
    #expect(error?.message.contains("can't be searched by") == true)
    #expect(
      fault { try office.add(.user, ["name": .text("x"), "email": .text("y"), "colour' --": .text("x")]) }?.kind
        == .constraint)
    // As a custom field's name it is data.
    if !name.isEmpty {
      try office.set(name, .text("kept"))
      #expect(try office.value(name) == .text("kept"))
    }
  }

  @Test("lines are not searched, nor fields that a kind does not have")
  func unsearchable() throws {
    let office = try Office()
    #expect(fault { _ = try office.store.read { try $0.find(.dealLine, [], limit: nil) } }?.kind == .constraint)
    #expect(
      fault { _ = try office.store.read { try $0.find(.note, [ValueField("colour", .null)], limit: nil) } }?.kind
        == .constraint)
    #expect(
      fault { _ = try office.store.read { try $0.find(.deal, [ValueField("title", .integer(1))], limit: nil) } }?.kind
        == .constraint)
  }

  @Test("a key finds its record, before the commit too; a user's e-mail address does without regard to case")
  func keysAndEmails() throws {
    let office = try Office()
    try office.store.write { tx throws in
      try tx.set(office.deal, "key", .text("new"), author: Office.author, at: Office.now)
      #expect(try tx.find(.deal, key: "new") == office.deal)
      #expect(try tx.find(.deal, key: "d1") == nil)
      #expect(try tx.find(.deal, key: "NEW") == nil)
      #expect(try tx.find(.note, key: "new") == nil)
      #expect(try tx.user(email: "fLORIANE@altitude.EXAMPLE") == office.user)
      try tx.set(office.user, "email", .text("Élodie@Altitude.example"), author: Office.author, at: Office.now)
      #expect(try tx.user(email: "floriane@altitude.example") == nil)
      #expect(try tx.user(email: "éLODIE@altitude.example") == office.user)
    }
    #expect(try office.store.read { try $0.record(office.user)?.key } == "floriane")
    #expect(try office.value("email", of: office.user) == .text("Élodie@Altitude.example"))
  }

  // MARK: Computed fields

  @Test("person.name joins what there is; without either name it is empty")
  func personName() throws {
    let office = try Office()
    #expect(try office.value("name", of: office.person) == .text("Jérémy Brunet"))
    try office.set("first_name", .null, of: office.person)
    #expect(try office.value("name", of: office.person) == .text("Brunet"))
    try office.set("last_name", .null, of: office.person)
    #expect(try office.value("name", of: office.person) == .null)
  }

  @Test("ALT-29: a line costs its own price or its product's, less its discount; the deal is the sum of its lines")
  func totals() throws {
    let office = try Office()
    let first = RecordRef(kind: .dealLine, id: 1, part: 1)
    // 2 x 1800 less 10 %, and 3 x 99.99.
    #expect(try office.value("total", of: first) == .money(.euros(3240)))
    #expect(try office.value("total") == .money(Money(cents: 3240_00 + 299_97, currency: .eur)))
    #expect(try office.value("vat_rate", of: first) == .decimal(ExactDecimal(20)))
    try office.set("discount", .text("150.00"), of: first)
    #expect(try office.value("total", of: first) == .money(.euros(3450)))
    // A product without a price: the line has no total, and counts nothing.
    try office.set("price", .null, of: office.product)
    #expect(try office.value("total", of: first) == .null)
    #expect(try office.value("total") == .money(Money(cents: 299_97, currency: .eur)))
    try office.store.write { tx throws in
      try tx.replaceLines(of: office.deal, [], author: Office.author, at: Office.now)
      #expect(try tx.value(office.deal, "total") == .money(.euros(0)))
    }
  }

  @Test("ALT-32: a quote's totals by rate are sums of its lines, by ascending rate")
  func quoteTotals() throws {
    let office = try Office()
    _ = try office.store.write { try $0.insert(office.quote("D-1")) }
    func rate(_ rate: String, base: Int64, tax: Int64) throws -> Value {
      .object([
        ValueField("rate", .decimal(try ExactDecimal(parsing: rate))),
        ValueField("base", .money(Money(cents: base, currency: .eur))),
        ValueField("tax", .money(Money(cents: tax, currency: .eur))),
      ])
    }
    #expect(
      try office.value("totals", of: RecordRef(.quote, 1))
        == .list([rate("5.5", base: 10_00, tax: 55), rate("20", base: 20_00, tax: 4_00)]))
  }

  @Test("a deal's lists are its own records, oldest first; a record knows its id")
  func links() throws {
    let office = try Office()
    let (own, foreign) = try office.store.write { tx throws in
      let other = try office.addDeal("d2", tx)
      let foreign = try office.add(
        .note, ["deal": .record(other), "text": .text("x"), "created_at": .instant(Office.now), "author": .text("x")],
        tx)
      return ([try note(office, tx), try note(office, tx)], foreign)
    }
    #expect(try office.value("notes") == .list(own.map { .record($0) }))
    #expect(try office.value("notes", of: RecordRef(.deal, 2)) == .list([.record(foreign)]))
    for list in ["quotes", "cards", "messages", "participants"] { #expect(try office.value(list) == .list([])) }
    #expect(try office.value("id") == .integer(1))
    _ = try office.store.write { try $0.insert(office.quote("D-1")) }
    #expect(try office.value("quotes") == .list([.record(RecordRef(.quote, 1))]))
    #expect(
      try office.value("lines", of: RecordRef(.quote, 1))
        == .list((1...3).map { .record(RecordRef(kind: .quoteLine, id: 1, part: $0)) }))
  }
}
