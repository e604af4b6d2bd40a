import CRM
import Foundation
import TestSupport
import Testing

@Suite("deals by hand")
struct DealsTests {
  @Test("list --json has stable keys, and filters by stage, owner and status")
  func list() throws {
    let workspace = try Workspace(.altitude)
    let all = try workspace.json("deals", "list")
    #expect(all[0].keys == ["id", "key", "title", "stage", "status", "archived", "owner", "total"])
    #expect(
      all[1]
        == (try JSON(
          parsing: #"""
            {"id": 2, "key": "groupe", "title": "EDLC pour ACME", "stage": "Proposition", "status": "open", "archived": false,
             "owner": "Floriane Baillon", "total": "4860.00"}
            """#)))
    let some = try workspace.json("deals", "list", "--stage", "creer documents", "--owner", "hugo")
    #expect(some.all("key") == ["boreal-equipe"])
    #expect(
      try workspace.json("deals", "list", "--stage", "creer documents", "--owner", "hugo@altitude.example") == some)
    #expect(try workspace.json("deals", "list", "--status", "won") == .array([]))
    let none = try workspace.run("deals", "list", "--status", "won")
    #expect(none.status == 0 && none.out.isEmpty && none.errors == "no deals\n")
    #expect(try workspace.run("deals", "list", "--owner", "nelly").errors.contains("the users are floriane@altitude"))
    #expect(
      try workspace.run("deals", "list", "--status", "closed").errors.contains("open (ouvert), won (conclu, gagné)"))
  }

  @Test("show --json is what was imported, in its shape, with what the scripts made beside it")
  func show() throws {
    let workspace = try Workspace(.altitude)
    let data = try JSON(parsing: try workspace.read("data.json"))
    let added = [
      "id", "status", "archived", "quotes", "documents", "signatures", "emails", "cards", "messages", "runs",
    ]
    for imported in data["deals"]?.arrayValue ?? [] {
      guard case .object(let shown) = try workspace.deal(imported.text("key") ?? "") else { continue }
      let same = shown.filter { !added.contains($0.name) }
      #expect(Set(same.map(\.name)) == Set(imported.keys))
      for member in same {
        #expect(imported[member.name] == member.value, "\(imported.text("key") ?? "").\(member.name)")
      }
      #expect(added.allSatisfy { name in shown.contains { $0.name == name } })
    }
  }

  @Test("ALT-20, ALT-144: show gives quotes with lines and totals by rate, cards, messages and runs after the scripts")
  func showAll() throws {
    let workspace = try Workspace(.altitude)
    for stage in ["Créer documents", "Envoyer en signature", "Confirmé"] {
      try workspace.did("deals", "move", "groupe", stage)
    }
    try workspace.did("deals", "win", "groupe")
    let deal = try workspace.deal("groupe")
    let quote = try #require(deal["quotes"]?[0])
    #expect(quote.text("number")?.hasSuffix("-0001") == true && quote.text("total") == "4860.00")
    #expect(quote["lines"]?[0].text("product") == "edlc" && quote["lines"]?[0].text("total") == "4860.00")
    #expect(quote["totals"]?[0].keys == ["rate", "base", "tax"])
    #expect(deal["cards"]?[0].keys == ["id", "list", "title", "text", "url"])
    #expect(deal["messages"]?[0].keys == ["to", "recipient", "text"])
    #expect(deal["messages"]?[0].text("to") == "floriane@altitude.example")
    #expect(
      deal["runs"]?.all("automation") == [
        "create_documents", "send_for_signature", "pin_brief", "end_of_training_documents", "thank_referrer", "won_card",
      ])
    let words = try workspace.did("deals", "show", "groupe").out
    for part in [
      "EDLC pour ACME\n  Confirmé, won, archived", "Quotes\n", "Cards\n", "Messages\n", "Runs\n", "(pinned)",
    ] {
      #expect(words.contains(part), "\(words)")
    }
  }

  @Test("a deal is named by id or key; a key that looks like another deal's id is the key")
  func names() throws {
    let workspace = try Workspace()
    _ = try workspace.did(
      "import", "-",
      input: #"""
        {"deals": [{"key": "2", "title": "first", "stage": "Qualifié"}, {"key": "x", "title": "second", "stage": "Qualifié"},
                   {"key": "été à 7", "title": "third", "stage": "Qualifié"}]}
        """#)
    let ambiguous = try workspace.run("deals", "show", "2", "--json")
    #expect(ambiguous.json.text("title") == "first" && ambiguous.errors.contains("#2"), "\(ambiguous)")
    #expect(try workspace.deal("#2").text("title") == "second")
    #expect(try workspace.deal("1").text("title") == "first")
    #expect(try workspace.deal("x").text("title") == "second")
    #expect(try workspace.deal("3").text("title") == "third")
    #expect(try workspace.deal("été à 7").text("title") == "third")
    try workspace.did("deals", "move", "2", "Proposition")
    try workspace.did("deals", "note", "2", "note")
    try workspace.did("deals", "set", "2", "email=a@b.example")
    #expect(try workspace.deal("1").text("stage") == "Proposition" && workspace.deal("1").text("email") != nil)
    #expect(try workspace.deal("x").text("stage") == "Qualifié" && workspace.deal("x")["notes"] == nil)
    for arguments in [
      ["show", "9"], ["move", "9", "Confirmé"], ["set", "9", "email="], ["note", "9", "x"], ["win", "9"],
    ] {
      let outcome = try workspace.run(["deals"] + arguments)
      #expect(
        outcome.status == 1 && outcome.errors == "error: there is no deal \"9\"; list them with: coulisse deals list\n")
    }
  }

  @Test("create gives the deal back, in the first stage unless told otherwise")
  func create() throws {
    let workspace = try Workspace(.altitude)
    let made = try workspace.json(
      "deals", "create", "--title", "Bilan de Zoé 🧗", "--key", "zoe", "--owner", "hugo", "--organization", "acme",
      "--person", "jeremy", "--email", "zoe@altitude.example", "--stage", "documents prets", "hours_total=24",
      "Date de début de mission=2026-11-03")
    #expect(made.text("stage") == "Documents prêts" && made.text("owner") == "hugo" && made.text("hours_total") == "24")
    #expect(made.text("start_date") == "2026-11-03" && made.text("title") == "Bilan de Zoé 🧗")
    #expect(try workspace.deal("zoe") == made)
    #expect(try workspace.json("deals", "create", "--title", "x").text("stage") == "Qualifié")
  }

  @Test(
    "Bad input: nothing is created or changed, and the message names the field, what was expected and found",
    arguments: [
      (["create", "--title", ""], "« Titre » (title): a deal can't be without it"),
      (["create", "--title", "x", "--key", "groupe"], "deal 2 has the key \"groupe\" already"),
      (["create", "--title", "x", "--key", " "], "a key can't be blank"),
      (
        ["create", "--title", "x", "--owner", "nelly"],
        "there is no user \"nelly\"; the users are floriane@altitude.example"
      ),
      (
        ["create", "--title", "x", "--organization", "acmee"],
        "there is no organization \"acmee\"; list them with: coulisse organizations list"
      ),
      (["create", "--title", "x", "--stage", "Nowhere"], "there is no stage \"Nowhere\"; the stages are \"Qualifié\""),
      (["create", "--title", "x", "titel=y"], "deal has no field 'titel'; did you mean 'title'?"),
      (["create", "--title", "x", "place"], "expected field=value, found \"place\""),
      (["set", "groupe", "place=Lyon", "start_date=2026-02-30"], "« Date de début de mission » (start_date)"),
      (["set", "groupe", "start_date=3/11/2026"], "\"3/11/2026\""),
      (["set", "groupe", "hours_total=1,5"], "write it with a point"),
      (["set", "groupe", "hours_total=-1"], "expected hours, 0 or more"),
      (["set", "groupe", "hours_total=99999999999999999999"], "too large"),
      (["set", "groupe", "opca_siret=73282932000075"], "its check digit is wrong"),
      (["set", "groupe", "opca_address=Grenoble"], "expected JSON like {\"street\""),
      (["set", "groupe", "email=nope"], "expected an e-mail address"),
      (["set", "groupe", "key=coaching"], "deal 1 has the key \"coaching\" already"),
      (["set", "groupe", "stage=Confirmé"], "move the deal instead"),
      (["set", "groupe", "status=won"], "win, lose or reopen the deal instead"),
      (["set", "groupe", "title="], "a deal can't be without it"),
      (["note", "groupe", ""], "a note needs a text"),
    ] as [([String], String)])
  func badInput(arguments: [String], message: String) throws {
    let workspace = try Workspace(.altitude)
    let before = try workspace.export()
    let outcome = try workspace.run(["deals"] + arguments)
    #expect(outcome.status == 1 && outcome.out.isEmpty && outcome.errors.contains(message), "\(outcome)")
    #expect(!outcome.errors.contains("SQLite") && !outcome.errors.contains("UNIQUE"))
    #expect(try workspace.export() == before)
  }

  @Test("set by key or French label, emptied by nothing behind the sign; note, pinned or with a dash in front")
  func set() throws {
    let workspace = try Workspace(.altitude)
    #expect(
      try workspace.did("deals", "set", "groupe", "Promo=[X_1]", "place=").out == "deal groupe: changed: promo, place\n"
    )
    #expect(try workspace.did("deals", "set", "groupe", "promo=[X_1]").out == "deal groupe: nothing to change\n")
    let deal = try workspace.json("deals", "set", "groupe", "title=a=b")
    #expect(deal.text("promo") == "[X_1]" && deal["place"] == nil && deal.text("title") == "a=b")
    let note = try workspace.json("deals", "note", "groupe", "--pinned", "un\ndeux")
    try workspace.did("deals", "note", "groupe", "--", "- trois")
    #expect(note.keys == ["id", "deal", "text", "pinned"] && note["deal"] == .integer(2))
    let notes = try #require(try workspace.deal("groupe")["notes"]?.arrayValue)
    #expect(notes.suffix(2).map { $0.text("text") } == ["un\ndeux", "- trois"])
    #expect(notes.suffix(2).map { $0["pinned"] } == [.bool(true), .bool(false)])
  }
}

@Suite("persons, organizations, products")
struct RecordsTests {
  @Test(
    "list, show and set, with the keys of an import",
    arguments: [
      ("persons", "jeremy", "referrer", "Zoé"), ("organizations", "acme", "name", "ACME SAS"),
      ("products", "edlc", "price", "1900.00"),
    ])
  func family(command: String, key: String, field: String, value: String) throws {
    let workspace = try Workspace(.altitude)
    let data = try JSON(parsing: try workspace.read("data.json"))
    let list = try workspace.json(command, "list")
    #expect(list.all("key") == data[command]?.all("key"))
    let imported = try #require(data[command]?.arrayValue?.first { $0.text("key") == key })
    let shown = try workspace.json(command, "show", key)
    #expect(shown.keys.first == "id" && Set(shown.keys.dropFirst()) == Set(imported.keys))
    #expect(try workspace.did(command, "show", key).out.contains(key))
    #expect(try workspace.did(command, "list").lines[0].hasPrefix("id  key"))
    #expect(try workspace.json(command, "set", key, "\(field)=\(value)").text(field) == value)
    #expect(try workspace.json(command, "show", key).text(field) == value)
    let unknown = try workspace.run(command, "show", "nobody")
    #expect(unknown.status == 1 && unknown.errors.hasSuffix("list them with: coulisse \(command) list\n"))
  }

  @Test(
    "Bad input is refused in the words of the field",
    arguments: [
      (["products", "set", "edlc", "price=1800,00"], "write it with a point, like 1800.00"),
      (["products", "set", "edlc", "price=1e400"], "without an exponent"),
      (["products", "set", "edlc", "price=1000000000000"], "too large"),
      (["products", "set", "edlc", "vat_rate=200"], "expected a percentage from 0 to 100"),
      (["organizations", "set", "acme", "siret=73282932000075"], "its check digit is wrong"),
      (["organizations", "set", "acme", "siret=732829320"], "expected a SIRET of 14 digits"),
      (["organizations", "set", "acme", "key=boreal"], "organization 2 has the key \"boreal\" already"),
      (["persons", "set", "jeremy", "organization=nowhere"], "there is no organization \"nowhere\""),
      (["persons", "set", "jeremy", "name=X"], "set first_name and last_name instead"),
    ] as [([String], String)])
  func badInput(arguments: [String], message: String) throws {
    let workspace = try Workspace(.altitude)
    let before = try workspace.export()
    let outcome = try workspace.run(arguments)
    #expect(outcome.status == 1 && outcome.out.isEmpty && outcome.errors.contains(message), "\(outcome)")
    #expect(try workspace.export() == before)
  }
}
