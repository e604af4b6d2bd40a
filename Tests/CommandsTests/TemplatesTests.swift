import CRM
import Foundation
import TestSupport
import Testing

@Suite("templates, and what check finds in them")
struct TemplatesTests {
  @Test("list has every template with its fields, and one that can't be read beside the others")
  func list() throws {
    let workspace = try Workspace(.altitude)
    try workspace.write("templates/open.html", "<p>\n{{#deal}}")
    try workspace.write("templates/latin.html", [0x3C, 0xE9, 0x3E])
    let list = try workspace.json("templates", "list")
    #expect(list[0].keys == ["name", "path", "readable", "fields", "problem"])
    let byName = Dictionary(uniqueKeysWithValues: (list.arrayValue ?? []).map { ($0.text("name") ?? "", $0) })
    #expect(byName["devis"]?["fields"]?.texts.contains("quote.number") == true)
    #expect(byName["devis"]?["readable"] == .bool(true))
    #expect(
      byName["open"]?.text("problem")
        == "templates/open.html:2: {{#deal}} is not closed; write {{/deal}} where it ends")
    #expect(byName["latin"]?.text("problem")?.contains("not UTF-8") == true)
  }

  @Test("preview fills every shipped template with what scripts give, and changes nothing else")
  func preview() throws {
    let workspace = try Workspace(.altitude)
    let before = try workspace.export()
    for name in try workspace.json("templates", "list").all("name").compactMap({ $0 }) {
      let outcome = try workspace.json("templates", "preview", name, "--deal", "groupe", "--to", "out.pdf")
      #expect(outcome["problems"] == .array([]) && outcome["warnings"] == .array([]), "\(name)")
    }
    #expect(FileManager.default.contents(atPath: workspace.path("out.pdf"))?.starts(with: Array("%PDF".utf8)) == true)
    #expect(try workspace.export() == before && workspace.deal("groupe")["quotes"] == .array([]))
    #expect(!workspace.exists("drive") && !workspace.exists("outbox"))
    let unknown = try workspace.run("templates", "preview", "devi", "--deal", "groupe")
    #expect(unknown.status == 1 && unknown.errors.contains("did you mean \"devis\"?") && unknown.out.isEmpty)
    #expect(try workspace.run("templates", "preview", "devis", "--deal", "nobody").status == 1)
  }

  @Test("preview tells every hole at once with its line, makes the PDF all the same, and exits with 1")
  func holes() throws {
    let workspace = try Workspace(.altitude)
    try workspace.write(
      "templates/essai.html", "<html>{{deal.title}}\n{{deal.titel}} {{participant.name}}\n{{deal.promo}}</html>")
    try workspace.did("deals", "set", "groupe", "promo=")
    let outcome = try workspace.run("templates", "preview", "essai", "--deal", "groupe")
    #expect(outcome.status == 1 && workspace.exists("essai.pdf"))
    #expect(
      outcome.errors == """
        templates/essai.html:2: {{deal.titel}} is unknown: there is no 'titel'; did you mean 'title'?
        templates/essai.html:3: {{deal.promo}} has no value

        """, "\(outcome)")
  }

  @Test("check finds syntax errors and unknown names in templates, and nothing in the shipped ones")
  func check() throws {
    let workspace = try Workspace(.altitude)
    #expect(try workspace.json("check")["problems"] == .array([]))
    try workspace.write(
      "templates/a.html",
      "{{deal.titel}}\n{{#deal.lines}}{{product.nam}} {{quantity}} {{deal.owner}}{{/deal.lines}}")
    try workspace.write(
      "templates/b.html",
      "\n{{traning.name}} {{training.anything}} {{#deal.person}}{{address.city}}{{/deal.person}}")
    try workspace.write("templates/c.html", "{{#a}}")
    let outcome = try workspace.run("check", "--json")
    let problems = outcome.json["problems"]?.arrayValue ?? []
    #expect(outcome.status == 1 && problems.count == 5, "\(outcome)")
    #expect(
      problems.map { "\($0.text("file") ?? ""):\($0["line"]?.integerValue ?? 0) \($0.text("weight") ?? "")" } == [
        "templates/a.html:1 error", "templates/a.html:2 error", "templates/a.html:2 error",
        "templates/b.html:2 warning",
        "templates/c.html:1 error",
      ])
    #expect(try workspace.run("doctor").out.contains("templates: 5 problems\n"))
  }

  @Test("check warns of a script that generates from a template which is not there, and of a fault in a part once")
  func references() throws {
    let workspace = try Workspace(.altitude)
    try workspace.write(
      "scripts/mine.lua", "on.won(function (deal)\n  documents.generate(\"convenion\", deal, crm.folder)\nend)")
    try workspace.write("templates/parts/pied.html", "\n{{seller.nam}}")
    let outcome = try workspace.run("check")
    let told = outcome.out + outcome.errors
    #expect(told.contains("scripts/mine.lua:2: there is no templates/convenion.html; did you mean \"convention\"?"), "\(outcome)")
    #expect(told.components(separatedBy: "templates/parts/pied.html:2").count == 2, "\(outcome)")
    #expect(outcome.status == 1)
  }
}
