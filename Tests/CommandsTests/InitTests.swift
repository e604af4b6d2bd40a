import CRM
import Foundation
import TestSupport
import Testing

@Suite("init and demo")
struct InitTests {
  @Test("a new workspace checks clean, and its first automation does what it says")
  func starter() throws {
    let workspace = try Workspace()
    #expect(try workspace.did("check").errors == "no problems\n")
    #expect(try workspace.did("doctor").out.hasSuffix("nothing to mend\n"))
    try workspace.did("deals", "create", "--title", "My first deal", "--key", "first")
    try workspace.did("deals", "move", "first", "confirme")
    #expect(try workspace.deal("first")["notes"]?[0].text("text")?.hasPrefix("Confirmé le ") == true)
  }

  @Test("the example: at least 30 deals over all stages, one copy of each script, and its own tests")
  func altitude() throws {
    let workspace = try Workspace(.altitude)
    let deals = try workspace.json("deals", "list")
    #expect((deals.arrayValue?.count ?? 0) >= 30)
    #expect(
      Set(deals.all("stage")) == [
        "Qualifié", "Proposition", "Créer documents", "Documents prêts", "Envoyer en signature", "Confirmé",
      ])
    for script in ["validate_promo", "create_documents", "pin_brief", "won_card", "thank_referrer"] {
      #expect(workspace.exists("scripts/\(script).lua") && workspace.exists("scripts/\(script)_test.lua"))
    }
    #expect(try workspace.did("check").errors == "no problems\n")
  }

  @Test("a folder that is not empty, a file, an unknown example, a place that can't be: refused, nothing left behind")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try folder.write("full/mine.txt", "mine")
    try folder.write("file", "mine")
    func refused(_ arguments: String..., because: String) throws {
      let outcome = try Program.run(["init"] + arguments, in: folder.url)
      #expect(outcome.status == 1 && outcome.out.isEmpty && outcome.errors.contains(because), "\(outcome)")
    }
    try refused("full", because: "is not empty (it holds mine.txt); name a new or empty folder")
    try refused("file", because: "is a file; name a new or empty folder")
    try refused("new", "--example", "altitud", because: "there is no example \"altitud\"; the examples are altitude")
    try refused("file/new", because: "file/new")
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
    #expect(Set(left) == ["full", "full/mine.txt", "file"])
  }

  @Test("a folder whose name has blanks, quotes and accents is shown as a shell takes it")
  func names() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(["init", "l'été à moi"], in: folder.url)
    #expect(outcome.status == 0 && outcome.out.contains("  cd 'l'\\''été à moi'\n"), "\(outcome)")
    #expect(try Program.run(["deals", "list", "--workspace", "l'été à moi"], in: folder.url).status == 0)
  }

  @Test("demo tells the three deals and exits with 0; the workspace that it names is there to go on")
  func demo() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(["demo"], in: folder.url, environment: ["TMPDIR": folder.url.path])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    for said in [
      "1. A coaching", "2. A group training", "3. A deal with a bad promo and missing texts", "-0001 for Boréal Énergies",
      "rejected: ", "coulisse deals set produit-incomplet", "leaves the pipe", "15 attendance sheets", "32 papers",
    ] { #expect(outcome.out.contains(said), "\(said) is not in: \(outcome.out)") }
    let made = try #require(FileManager.default.contentsOfDirectory(atPath: folder.url.path).first)
    let runs = try Program.run(["runs", "list", "--json", "--workspace", made], in: folder.url)
    #expect(runs.json.arrayValue?.isEmpty == false)
    #expect(Set(runs.json.all("status")) == ["succeeded"])
    let papers = folder.url.appendingPathComponent("\(made)/papers")
    let names = try FileManager.default.contentsOfDirectory(atPath: papers.path)
    #expect(names.count == 32)
    for name in names {
      let bytes = try Data(contentsOf: papers.appendingPathComponent(name))
      #expect(bytes.starts(with: Array("%PDF-".utf8)), "\(name)")
    }
  }
}
