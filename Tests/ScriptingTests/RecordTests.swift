import CRM
import Testing

@testable import Scripting

@Suite("Records in scripts")
struct RecordTests {
  let deal = RecordRef(.deal, 42)

  @Test("Fields are read by name, links are navigated, lists are sequences")
  func reading() throws {
    let logs = try printed(
      """
      print(deal.title, deal.organization.name, deal.promo)
      print(#deal.lines, deal.organization.address.city, deal.total)
      for _, line in ipairs(deal.lines) do print(line.quantity, line.price, line.quantity * line.price) end
      print(deal, deal.lines[1], deal.owner == deal.owner, deal.owner == deal)
      """)
    #expect(
      logs == [
        "Coaching\tCirrus\tnil", "1\tParis\t250.00 EUR", "2.5\t100.00 EUR\t250.00 EUR",
        "deal 42\tdeal line 42.1\ttrue\tfalse",
      ])
  }

  @Test(
    "ALT-01: a name that is no field is an error that suggests the right one",
    arguments: [
      ("print(deal.titel)", "scripts/t.lua:2: deal has no field 'titel'; did you mean 'title'?"),
      ("deal.titel = 'x'", "scripts/t.lua:2: deal has no field 'titel'; did you mean 'title'?"),
      ("print(deal.organization.nam)", "organization has no field 'nam'; did you mean 'name'?"),
      ("deal:mov_to('Confirmé')", "deal has no field 'mov_to'; did you mean 'deal:move_to(…)'?"),
      ("deal.notes[1]:upin()", "note has no field 'upin'; did you mean 'note:pin(…)'?"),
      ("print(deal.zzzzzz)", "deal has no field 'zzzzzz'"),
    ])
  func unknownField(_ body: String, _ message: String) throws {
    #expect(try complaint(body).contains(message))
  }

  @Test("A value is stored as its field's type")
  func assigning() throws {
    let host = MemoryHost()
    try printed(
      """
      deal.title = "Parcours"
      deal.start_date = "2026-11-03"
      deal.hours = 3.5
      deal.budget = money("1800") * 2
      deal.signed_urls = { "https://a.example", "https://b.example" }
      deal.organization = nil
      """, host: host)
    #expect(host.records[deal]?["title"] == .text("Parcours"))
    #expect(host.records[deal]?["start_date"] == .day(try CalendarDay(parsing: "2026-11-03")))
    #expect(host.records[deal]?["hours"] == .decimal(try ExactDecimal(parsing: "3.5")))
    #expect(host.records[deal]?["budget"] == .money(Money(cents: 360_000, currency: .eur)))
    #expect(host.records[deal]?["signed_urls"] == .list([.text("https://a.example"), .text("https://b.example")]))
    #expect(host.records[deal]?["organization"] == .null)
  }

  @Test(
    "A wrong value is refused before the host sees it, by the field's French label",
    arguments: [
      ("deal.start_date = '30/02/2026'", "« Date de début de mission » (start_date)"),
      ("deal.start_date = 12", "« Date de début de mission » (start_date): expected a date like 2026-11-03, found 12"),
      ("deal.budget = 12.5", "« Budget » (budget): an amount can't be a floating-point number, found 12.5"),
      ("deal.hours = -1", "« Nombre d'heures total » (hours): expected hours, 0 or more, found -1"),
      ("deal.owner = deal.organization", "« Référent commercial » (owner): expected a user, found organization:7"),
      ("deal.stage = 'Confirmé'", "« Étape » (stage): this field of deal can't be written; move the deal instead"),
      ("deal.total = money('1')", "it follows from the lines"),
      ("deal.title = nil", "« Titre » (title): a deal can't be without it"),
      ("deal.title = print", "a value expected, got a function"),
      ("deal.title = '\\xff'", "text in UTF-8 expected"),
    ])
  func wrongValue(_ body: String, _ message: String) throws {
    let host = MemoryHost()
    let found = try complaint(body, host: host)
    #expect(found.contains(message), "\(found)")
    #expect(found.hasPrefix("scripts/t.lua:2: "), "\(found)")
    #expect(host.actions.isEmpty)
  }

  @Test("A field once read is asked again only after something may have changed it")
  func cache() throws {
    let host = MemoryHost()
    func reads() -> Int { host.calls.count { $0 == .get(deal, field: "title") } }
    try printed("for i = 1, 10 do local t = deal.title end", host: host)
    #expect(reads() == 1)

    host.calls = []
    try printed(
      """
      local t = deal.title
      deal.promo = "x"; t = deal.title
      deal:add_note("y"); t = deal.title
      deal:move_to("Confirmé"); t = deal.title
      deal:win(); t = deal.title
      """, host: host)
    #expect(reads() == 5)
  }

  @Test("A read after a change shows the change")
  func ownChanges() throws {
    #expect(try printed("local d = deal.title; deal.title = 'B'; print(deal.title)") == ["B"])
  }

  @Test("A deal's methods are calls to the host, in order")
  func dealMethods() throws {
    let host = MemoryHost()
    let logs = try printed(
      """
      print(deal:move_to("Confirmé", { from = "Documents prêts" }))
      print(deal:win(), deal:lose(), deal:reopen())
      local note = deal:add_note("## Brief commercial", { pinned = true })
      note:unpin()
      note:pin()
      deal:append("signed_urls", "https://a.example")
      deal:append("signed_urls", "https://b.example")
      """, host: host)
    #expect(logs == ["true", "true\ttrue\ttrue"])
    let note = RecordRef(.note, 1001)
    #expect(
      host.actions == [
        .move(deal, stage: "Confirmé", from: "Documents prêts"), .close(deal, .won), .close(deal, .lost),
        .close(deal, .open),
        .create(
          .note,
          [
            ValueField("deal", .record(deal)), ValueField("text", .text("## Brief commercial")),
            ValueField("pinned", .boolean(true)),
          ]), .set(note, field: "pinned", value: .boolean(false)), .set(note, field: "pinned", value: .boolean(true)),
        .set(deal, field: "signed_urls", value: .list([.text("https://a.example")])),
        .set(deal, field: "signed_urls", value: .list([.text("https://a.example"), .text("https://b.example")])),
      ])
  }

  @Test(
    "Wrong arguments of methods are said at the call",
    arguments: [
      ("deal:move_to()", "bad argument #1 to 'deal:move_to' (string expected, got no value)"),
      ("deal:move_to('Confirmé', { form = 'x' })", "deal:move_to has the options from; found 'form'"),
      ("deal:append('titel', 'x')", "deal has no field 'titel'; did you mean 'title'?"),
      ("deal:append('title', 'x')", "« Titre » (title) holds one value; assign it: deal.title = …"),
      ("deal:add_note('x', { pinned = 'yes' })", "the option pinned is true or false"),
      ("deal.move_to('Confirmé')", "a method is called with ':'"),
      ("deal:becomes('eaten')", "there is no status \"eaten\""),
      ("deal:reaches('Nulle part')", "there is no stage \"Nulle part\"; the stages are"),
    ])
  func wrongArguments(_ body: String, _ message: String) throws {
    let host = MemoryHost()
    let found = try complaint(body, host: host)
    #expect(found.contains(message), "\(found)")
    #expect(host.actions.isEmpty)
  }

  @Test("crm finds by id, by key and by fields")
  func finding() throws {
    let host = MemoryHost()
    let logs = try printed(
      """
      print(crm.deal(42), crm.deal("d1"), crm.deal(deal.id) == deal)
      print(#crm.deals { status = "Ouverte", owner = deal.owner }, #crm.deals { title = "other" }, #crm.users())
      print(crm.organization(7).name, crm.user(1).email, #crm.persons {}, #crm.products {}, #crm.quotes {})
      """, host: host)
    #expect(logs == ["deal 42\tdeal 42\ttrue", "1\t0\t1", "Cirrus\tfloriane@altitude.example\t0\t0\t0"])

    try printed("crm.deals { stage = 'confirme', start_date = '2026-11-03' }", host: host)
    #expect(
      host.actions.last
        == .find(
          .deal,
          [
            ValueField("stage", .text("Confirmé")), ValueField("start_date", .day(try CalendarDay(parsing: "2026-11-03"))),
          ]))
  }

  @Test(
    "A search that can't be meant is an error",
    arguments: [
      ("crm.deal(43)", "there is no deal 43"), ("crm.deal('d9')", "there is no deal \"d9\""),
      ("crm.deal(nil)", "deal's id or key expected, got nil"),
      ("crm.deals { stag = 'x' }", "deal has no field 'stag'; did you mean 'stage'?"),
      ("crm.deals { stage = 'Nulle part' }", "there is no stage \"Nulle part\"; the stages are"),
      ("crm.deals { notes = 'x' }", "is a list; records can't be looked up by it"),
      ("crm.deals { 'Confirmé' }", "fields by name expected"),
      ("crm.dael(42)", "crm has no 'dael'; did you mean 'deal'?"),
    ])
  func badSearch(_ body: String, _ message: String) throws {
    let found = try complaint(body)
    #expect(found.contains(message), "\(found)")
    #expect(found.hasPrefix("scripts/t.lua:2: "), "\(found)")
  }

  @Test("What the host refuses is raised at the call, can be caught, and comes up with its cause")
  func refusal() throws {
    let host = MemoryHost()
    host.onMove = { _, _ in throw HostFailure(.rejected, "Promo is missing", reasons: ["Promo is missing"]) }
    #expect(
      try printed("print(pcall(function () deal:move_to('Confirmé') end))", host: host)
        == ["false\tscripts/t.lua:2: Promo is missing"])
    let execution = try Workshop(body: "deal:move_to('Confirmé')").execution(host: host)
    let failure = try #require(throws: ScriptFailure.self) { try execution.begin() }
    #expect(failure.hostFailure?.kind == .rejected)
    #expect(failure.hostFailure?.reasons == ["Promo is missing"])
    #expect(failure.sourceLine == "deal:move_to('Confirmé')")
    #expect(failure.line == 2)
    #expect(failure.script == "scripts/t.lua")
    #expect(!failure.traceback.isEmpty)
  }
}
