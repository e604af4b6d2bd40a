import CRM
import Foundation
import TestSupport
import Testing

@Suite("import and export")
struct ImportTests {
  /// The shape of the issue, all of it.
  static let whole = #"""
    {"users": [{"key": "floriane", "name": "Floriane Baillon", "email": "floriane@altitude.example"}],
     "organizations": [{"key": "acme", "name": "ACME", "siret": "73282932000074", "vat_number": "FR44732829320",
        "address": {"street": "1 rue X", "postal_code": "75001", "city": "Paris", "country": "FR"}}],
     "persons": [{"key": "jeremy", "first_name": "Jérémy", "last_name": "Brunet", "email": "j.brunet@acme.example",
        "job_title": "DRH", "organization": "acme", "referrer": "Nelly"}],
     "products": [{"key": "edlc", "name": "EDLC", "description": "Parcours certifiant", "price": "1800.00", "vat_rate": "20",
        "sales_category": "prestation de services", "category": "Formation", "class": "Formation",
        "objectives": "…", "programme": "…", "prerequisites": "…", "audience": "…", "assessment": "…"}],
     "deals": [{"key": "d1", "title": "EDLC pour ACME", "stage": "Qualifié", "owner": "floriane", "organization": "acme",
        "person": "jeremy", "email": "deal-d1@altitude.example", "participants": ["jeremy"],
        "lines": [{"product": "edlc", "quantity": "1", "price": "1800.00", "discount": "10%"}],
        "promo": "[EDLC_001]", "notes": [{"text": "## Brief commercial\n\n\nTexte", "pinned": false}]}]}
    """#

  /// The example's configuration without its records.
  private func empty() throws -> Workspace {
    let workspace = try Workspace(.altitude)
    for name in ["coulisse.db", "coulisse.db-wal", "coulisse.db-shm"] where workspace.exists(name) {
      try workspace.remove(name)
    }
    return workspace
  }

  @Test("the shape of the issue goes in, comes back from deals show and export, and goes in again as nothing new")
  func roundTrip() throws {
    let workspace = try empty()
    try workspace.write("../data.json", Self.whole)
    #expect(
      try workspace.json("import", "../data.json")["deals"]
        == (try JSON(parsing: #"{"created": 1, "updated": 0, "unchanged": 0}"#)))
    let document = try JSON(parsing: Self.whole)
    let shown = try workspace.deal("d1")
    for member in document["deals"]?[0].objectValue ?? [] {
      #expect(shown[member.name] == member.value, "\(member.name)")
    }
    let exported = try JSON(parsing: try workspace.export())
    #expect(exported.keys == ["users", "organizations", "persons", "products", "deals"])
    for section in exported.keys {
      for member in document[section]?[0].objectValue ?? [] {
        #expect(exported[section]?[0][member.name] == member.value, "\(section).\(member.name)")
      }
    }
    let again = try workspace.json("import", "-", input: try workspace.export())
    for section in again.keys { #expect(again[section]?["unchanged"] == .integer(1), "\(section)") }
    #expect(try workspace.did("import", "../data.json").out.contains("deals: 0 created, 0 updated, 1 unchanged\n"))
  }

  @Test("the example exported, imported into a new workspace and exported gives the same; so does a lived-in one")
  func exportImportExport() throws {
    let old = try Workspace(.altitude)
    for stage in ["Créer documents", "Confirmé"] { try old.did("deals", "move", "groupe", stage) }
    try old.did("deals", "win", "groupe")
    try old.did("deals", "lose", "coaching")
    try old.did("deals", "create", "--title", "Without key 🦊", "hours_total=1.5")
    let exported = try old.export()
    let new = try empty()
    try new.did("import", "-", input: exported)
    #expect(try new.export() == exported)
    // The record without a key is known again, by the name that the export gave it.
    #expect(try old.did("import", "-", input: exported).out.contains("deals: 0 created, 1 updated, 41 unchanged"))
    #expect(try old.did("import", "-", input: exported).out.contains("deals: 0 created, 0 updated, 42 unchanged"))
    #expect(try old.export() == exported)
    // Another deal with that id elsewhere is left alone.
    let other = try empty()
    for title in ["a", "b"] { try other.did("deals", "create", "--title", title) }
    let foreign = #"{"deals": [{"key": "deal-2", "title": "c", "stage": "Qualifié"}]}"#
    #expect(try other.did("import", "-", input: foreign).out.contains("deals: 1 created"))
    #expect(try other.json("deals", "list").all("title") == ["a", "b", "c"])
    #expect(
      try new.json("deals", "list", "--archived").arrayValue?.count
        == (try old.json("deals", "list", "--archived")).arrayValue?.count)
  }

  @Test("export into a file, then import it: a pipeline of two programs works too")
  func files() throws {
    let old = try Workspace(.altitude)
    let new = try empty()
    #expect(try old.did("export", "out.json").out.isEmpty)
    let piped = try old.shell("\"$coulisse\" export | \"$coulisse\" import - --workspace '\(new.root.path)'")
    #expect(piped.status == 0, "\(piped)")
    #expect(try new.export() == (try old.read("out.json")))
    let nowhere = try old.run("export", "no/such/place.json")
    #expect(
      nowhere.status == 1
        && nowhere.errors == "error: no/such/place.json can't be written: No such file or directory\n", "\(nowhere)")
  }

  @Test("ALT-15: a product that comes twice is one, and accounting, whose catalogue is the CRM's, can quote it at once")
  func productTwice() throws {
    let workspace = try Workspace(.altitude)
    let document = #"""
      {"products": [{"key": "neuf", "name": "Parcours neuf", "description": "Formation", "price": "500.00", "vat_rate": "20",
                     "sales_category": "prestation de services", "category": "Formation", "class": "Formation",
                     "objectives": "Savoir", "programme": "Un jour"}],
       "deals": [{"key": "neuf", "title": "Parcours neuf", "stage": "Proposition", "owner": "floriane",
                  "organization": "acme", "person": "jeremy", "lines": [{"product": "neuf", "quantity": "1"}]}]}
      """#
    for _ in 0..<2 { try workspace.did("import", "-", input: document) }
    let products = try workspace.json("products", "list").arrayValue ?? []
    #expect(products.filter { $0.text("key") == "neuf" }.count == 1)
    let answer = try workspace.json("deals", "move", "neuf", "Créer documents")
    #expect(answer["runs"]?.all("status") == ["succeeded"], "\(answer)")
    // Bad input: a product that is not there yet is said by name, and nothing is imported.
    let early = try workspace.run(
      "import", "-", input: #"{"deals": [{"key": "x", "title": "x", "stage": "Proposition", "lines": [{"product": "plus-tard", "quantity": "1"}]}]}"#)
    #expect(early.status == 1 && early.errors.contains("plus-tard"), "\(early)")
  }

  @Test("the same keys update: given fields change, others stay, lists are replaced, notes are not doubled")
  func update() throws {
    let workspace = try empty()
    try workspace.did("import", "-", input: Self.whole)
    let change = #"""
      {"deals": [{"key": "d1", "stage": "proposition", "promo": null, "participants": [],
        "lines": [{"product": "edlc", "quantity": "2"}, {"product": "edlc", "quantity": "0.5", "discount": "100.00"}],
        "notes": [{"text": "## Brief commercial\n\n\nTexte", "pinned": true}, {"text": "new"}]}],
       "organizations": [{"key": "acme", "name": "ACME SAS"}]}
      """#
    #expect(try workspace.did("import", "-", input: change).out.contains("deals: 0 created, 1 updated, 0 unchanged"))
    let deal = try workspace.deal("d1")
    #expect(deal.text("stage") == "Proposition" && deal["promo"] == nil && deal["participants"] == nil)
    #expect(deal.text("title") == "EDLC pour ACME" && deal["lines"]?.all("quantity") == ["2", "0.5"])
    #expect(deal["notes"]?.all("text").count == 2 && deal["notes"]?[0]["pinned"] == .bool(true))
    #expect(deal["runs"] == .array([]), "an import is data: no script runs")
    #expect(try workspace.json("organizations", "show", "acme").text("siret") == "73282932000074")
    #expect(try workspace.did("import", "-", input: change).out.contains("deals: 0 created, 0 updated, 1 unchanged"))
    #expect(try workspace.json("deals", "list").arrayValue?.count == 1)
  }

  @Test(
    "Bad input: every fault is told with its path in the file, and nothing at all is imported",
    arguments: [
      (
        #"{"deals": [{}, {}, {}, {"title": "x", "stage": "Qualifié", "lines": [{"product": "p", "qty": "1"}]}]}"#,
        [
          "deals[3].lines[0].qty: deal line has no field 'qty'; a line is given by product, quantity, price and discount",
          "deals[3].lines[0]: a line needs a quantity", "deals[0]: a deal needs a stage, one of \"Qualifié\"",
        ]
      ),
      (
        #"{"deal": []}"#,
        ["deal: unknown key; expected users, organizations, persons, products, deals; did you mean \"deals\"?"]
      ),
      (
        #"{"deals": [{"titel": "x", "stage": "Qualifié"}]}"#,
        ["deals[0].titel: deal has no field 'titel'; did you mean 'title'?"]
      ),
      (#"{"deals": [{"title": "x", "stage": "Qualifie!"}]}"#, ["deals[0].stage: ", "Proposition"]),
      (#"{"deals": [{"title": "x", "stage": "Qualifié", "id": 7}]}"#, ["deals[0].id: "]),
      (
        #"{"deals": [{"key": 7, "title": "x", "stage": "Qualifié"}]}"#,
        ["deals[0].key: expected a name as text, found 7"]
      ),
      (
        #"{"deals": [{"key": " ", "title": "x", "stage": "Qualifié"}]}"#,
        ["deals[0].key: expected a name as text, found \" \""]
      ),
      (
        #"{"deals": [{"key": "a", "title": "x", "stage": "Qualifié"}, {"key": "a", "title": "y", "stage": "Qualifié"}]}"#,
        ["deals[1].key: two deals of this document have the key \"a\""]
      ),
      (
        #"{"deals": [{"title": "x", "stage": "Qualifié", "owner": "nelly", "participants": ["a", 99], "notes": [{"txt": ""}, 3]}]}"#,
        [
          "deals[0].owner: ", "no user has the key \"nelly\"", "deals[0].participants[0]: ",
          "deals[0].participants[1]: ",
          "deals[0].notes[0].txt: unknown key; a note has text and pinned", "deals[0].notes[1]: expected an object",
        ]
      ),
      (#"{"deals": [{"title": "x\u0000", "stage": "Qualifié"}]}"#, ["deals[0].title: ", "NUL"]),
      (
        #"{"deals": [{"title": "x", "stage": "Qualifié", "start_date": "2026-02-30", "end_date": "30/11/2026"}]}"#,
        ["deals[0].start_date: ", "deals[0].end_date: ", "2026-02-30"]
      ),
      (
        #"{"organizations": [{"name": "A", "siret": "73282932000075", "vat_number": "FR00732829320"}]}"#,
        ["organizations[0].siret: ", "its check digit is wrong", "organizations[0].vat_number: "]
      ),
      (
        #"{"products": [{"name": "P", "price": "1800,00", "vat_rate": "20,0"}, {"name": "P", "price": "1 800.00"}, "#
          + #"{"name": "P", "price": 1e400}, {"name": "P", "price": 99999999999999999999}, {"name": "P", "price": "1.005"}]}"#,
        [
          "products[0].price: ", "write it with a point, like 1800.00", "products[0].vat_rate: ", "products[1].price: ",
          "products[2].price: ", "products[3].price: ", "products[4].price: ", "at most two decimals",
        ]
      ),
      (
        #"{"users": [{"key": "a", "name": "A", "email": "a@b.example"}, {"key": "b", "name": "B", "email": "A@b.example"}]}"#,
        ["users[1].email: users[0] has the same address"]
      ),
      (
        #"{"users": [{"key": "ines", "name": "Z", "email": "hugo@altitude.example"}]}"#,
        ["users[0].email: \"Hugo Lacaze\" has this address already"]
      ),
      ("[]", ["expected an object with users, organizations, persons, products, deals, found a list"]),
      ("{\"deals\": {}}", ["deals: expected a list of deals, found an object"]),
    ] as [(String, [String])])
  func badInput(document: String, faults: [String]) throws {
    let workspace = try Workspace(.altitude)
    let before = try workspace.export()
    // A record that is good stands before the others, and must not be there afterwards either.
    let good = #"{"organizations": [{"key": "good", "name": "Good"}], "#
    let mixed = document.hasPrefix("{\"organizations\"") || document == "[]" ? document : good + document.dropFirst()
    let outcome = try workspace.importing(mixed)
    #expect(
      outcome.status == 1 && outcome.out.isEmpty && outcome.errors.hasPrefix("error: nothing was imported:\n"),
      "\(outcome)")
    for fault in faults { #expect(outcome.errors.contains(fault), "\(fault) is not in \(outcome)") }
    #expect(try workspace.export() == before)
  }

  @Test(
    "Bad input: no JSON, or JSON that is cut off, says the place and that nothing was imported",
    arguments: [
      ("", "line 1, column 1: expected a value, found the end of the text"),
      (
        #"{"deals": [{"title": "x", "stage": "Qua"#,
        "line 1, column 36 (in deals[0].stage): the string that begins here has no end"
      ),
      (
        #"{"deals": [{"title": "x", "stage": "Qualifié"}]"#,
        "found the end of the text. Nothing was imported; the file seems to be cut off"
      ),
      ("{\n  \"deals\": [\n    {'title'", "line 3, column 6 (in deals[0]): "),
      (#"{"deals": [{"title": "x", "title": "y"}]}"#, "\"title\" occurs twice"),
      (String(repeating: "[", count: 100_000), "nested deeper than"),
      (#"{"deals": [{"title": "\ud800"}]}"#, "half a surrogate pair"),
      (#"{"deals": []} {}"#, "expected the end of the text"),
    ])
  func truncated(document: String, message: String) throws {
    let workspace = try Workspace()
    let outcome = try workspace.importing(document)
    #expect(outcome.status == 1 && outcome.out.isEmpty)
    #expect(
      outcome.errors.hasPrefix("error: standard input: ") && outcome.errors.contains("Nothing was imported"),
      "\(outcome)")
    #expect(outcome.errors.contains(message), "\(outcome)")
  }

  @Test("Bad input: a file that is not there, a folder, bytes that are no UTF-8")
  func badFiles() throws {
    let workspace = try Workspace()
    #expect(try workspace.run("import", "no.json").errors == "error: no.json can't be read: there is no such file\n")
    #expect(try workspace.run("import", "scripts").errors == "error: scripts can't be read: it is a folder\n")
    try workspace.write("latin.json", Array("{\"users\": [{\"name\": \"Z".utf8) + [0xE9] + Array("\"}]}".utf8))
    let outcome = try workspace.run("import", "latin.json")
    #expect(
      outcome.status == 1 && outcome.errors.contains("latin.json: line 1") && outcome.errors.contains("UTF-8"),
      "\(outcome)")
  }

  @Test("emoji, right-to-left and combining characters in names go in and come out as they were")
  func names() throws {
    let workspace = try Workspace()
    let names = [
      "👩‍👩‍👧 Zoé 🇫🇷", "عمر الخيام", "שלום \u{200F}\u{200D}", "Cafe\u{301}", "数学 한국어", "a\tb\nc", "\u{FEFF}x", "\\\"'",
    ]
    let persons = names.enumerated().map {
      JSON.object([JSONMember("key", .string("p\($0)")), JSONMember("first_name", .string($1))])
    }
    try workspace.did("import", "-", input: JSON.object([JSONMember("persons", .array(persons))]).text(pretty: false))
    #expect(try workspace.json("persons", "list").all("first_name") == names)
  }

  @Test("thousands of records: one commit, no progress unless a terminal watches, and every one is there")
  func many() throws {
    let workspace = try Workspace()
    let deals = (1...3000).map {
      #"{"key": "d\#($0)", "title": "Deal \#($0)", "stage": "Qualifié", "notes": [{"text": "n"}]}"#
    }
    try workspace.write("many.json", "{\"deals\": [\(deals.joined(separator: ","))]}")
    let outcome = try workspace.did("import", "many.json")
    #expect(outcome.errors.isEmpty && outcome.out == "deals: 3000 created, 0 updated, 0 unchanged\n")
    #expect(try workspace.json("deals", "list").arrayValue?.count == 3000)
    // The last one is wrong: nothing of the 3,000 before it stays.
    let other = try Workspace()
    try other.write("many.json", "{\"deals\": [\(deals.joined(separator: ",")), {\"title\": \"x\", \"stage\": \"y\"}]}")
    #expect(try other.run("import", "many.json").errors.contains("deals[3000].stage: "))
    #expect(try other.json("deals", "list") == .array([]))
  }
}
