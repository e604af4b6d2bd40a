import CRM
import Services
import Store
import Testing

@Suite("Local board")
struct BoardTests {
  private let deal = Value.record(Shop.deal)

  private func card(_ title: String = "EDLC", list: String? = nil, text: String? = "Le brief\n\n  ligne 2 ") -> Value {
    var fields = [ValueField("title", .text(title))]
    if let text { fields.append(ValueField("text", .text(text))) }
    if let list { fields.append(ValueField("list", .text(list))) }
    return .object(fields)
  }

  private func desk(_ declaration: WorkspaceDeclaration = Shop.declaration) throws -> Desk {
    try Desk({ LocalBoard($0) }, declaration: declaration)
  }

  private func cards(_ desk: Desk) throws -> [CardRow] { try desk.store.read { try $0.cards(of: nil) } }

  @Test("ALT-140, ALT-141, ALT-142: a card keeps its text unchanged and has an id and an address to write back")
  func create() throws {
    let desk = try desk()
    let answer = try desk.ask("create_card", [deal, card()])
    #expect(answer["id"] == .text("C1"))
    #expect(answer["url"] == .text("coulisse://cards/C1"))
    #expect(answer["list"] == .text("À faire"), "the first list by default")
    #expect(try cards(desk).map(\.text) == ["Le brief\n\n  ligne 2 "])
    #expect(try cards(desk).map(\.dealID) == [1])
    #expect(try desk.ask("card", [.text("C1")]) == answer)
    #expect(try desk.ask("card", [.text("C2")]) == .null)
  }

  @Test("ALT-143: a deal has one card; won again, it is the same one, whatever the run says now")
  func oneCard() throws {
    let desk = try desk()
    let first = try desk.ask("create_card", [deal, card()])
    let second = try desk.ask("create_card", [deal, card("Other", list: "En cours", text: "other")], step: 5)
    #expect(second == first)
    #expect(try cards(desk).count == 1)
  }

  @Test("ALT-04: a list is found whatever its accents and case; an unknown one is refused and the known ones named")
  func list() throws {
    let desk = try desk()
    #expect(try desk.ask("lists") == .list([.text("À faire"), .text("En cours")]))
    let failure = try #require(try desk.failure("create_card", [deal, card(list: "Fini")]))
    #expect(!failure.isTransient)
    #expect(failure.message.contains("\"À faire\", \"En cours\""))
    #expect(try cards(desk).isEmpty)
    #expect(try desk.ask("create_card", [deal, card(list: "en  COURS")])["list"] == .text("En cours"))
  }

  @Test("Bad input: no title, a misspelt field, a text that is too long, a text with NUL, no table")
  func wrongArguments() throws {
    let desk = try desk()
    let cases: [(Value, String)] = [
      (card("  "), "title"), (.object([ValueField("text", .text("x"))]), "title"), (.list([]), "title"),
      (.object([ValueField("titel", .text("x"))]), "did you mean 'title'?"),
      (card(text: String(repeating: "é", count: 100_001)), "at most 100000 characters"),
      (card(text: "a\u{0}b"), "NUL"), (.text("EDLC"), "expected a table"),
    ]
    for (argument, part) in cases {
      let failure = try #require(try desk.failure("create_card", [deal, argument]))
      #expect(failure.message.contains(part), "\(failure.message)")
      #expect(!failure.isTransient)
    }
    #expect(try cards(desk).isEmpty)
    try desk.ask("create_card", [deal, card(text: String(repeating: "é", count: 100_000))])
  }

  @Test("A dry run checks the list and makes no card")
  func preview() throws {
    let desk = try desk()
    #expect(try desk.preview("create_card", [deal, card()])["id"] == .text("C????"))
    #expect(throws: ServiceFailure.self) { try desk.preview("create_card", [deal, card(list: "Fini")]) }
    #expect(try cards(desk).isEmpty)
    let real = try desk.ask("create_card", [deal, card()])
    #expect(real["id"] == .text("C1"))
    #expect(try desk.preview("create_card", [deal, card()]) == real)
  }

  @Test(
    "Bad input: lists that are no list, are empty or repeat are said by the first call and by the check",
    arguments: [
      Value.object([ValueField("lists", .text("À faire"))]), .object([ValueField("lists", .list([]))]),
      .object([ValueField("lists", .list([.text("À faire"), .text("a faire")]))]),
      .object([ValueField("lists", .list([.integer(1)]))]), .object([ValueField("list", .text("x"))]), .text("x"),
    ])
  func wrongSettings(settings: Value) throws {
    var declaration = Shop.declaration
    declaration.services["board"] = settings
    let failure = try #require(try desk(declaration).failure("create_card", [deal, card()]))
    #expect(failure.message.contains("services.board"))
    #expect(ServiceRegistry.faults(in: declaration).count == 1)
  }
}
