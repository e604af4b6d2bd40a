import CRM
import Foundation
import TestSupport
import Testing

/// Workspaces whose papers are on their way: what it takes is done once.
enum SentPapers {
  private static let made = Result {
    let workspace = try Workspace(.altitude)
    try workspace.did("deals", "move", "groupe", "Créer documents")
    try workspace.did("deals", "move", "groupe", "Envoyer en signature")
    return workspace
  }

  /// The deal `groupe` with documents 1 to 5 and the open request 1.
  static func workspace() throws -> Workspace { try Workspace(copying: try made.get()) }
}

@Suite("documents")
struct DocumentsTests {
  @Test("list and show have stable keys, an address and the file; show tells what was corrected by hand")
  func listAndShow() throws {
    let workspace = try SentPapers.workspace()
    let list = try workspace.json("documents", "list", "--deal", "groupe")
    #expect(try workspace.json("documents", "list") == list && list.arrayValue?.count == 5)
    let keys = ["id", "title", "name", "template", "url", "path", "created_at", "deal", "content_type"]
    #expect(list[0].keys == keys && list[0].text("template") == "convention" && list[0].text("deal") == "groupe")
    #expect(try workspace.json("documents", "list", "--deal", "coaching") == .array([]))
    for name in ["1", "#1", "coulisse://documents/1"] {
      let shown = try workspace.json("documents", "show", name)
      #expect(shown.keys == keys + ["file", "size", "sha256", "corrected", "fault"])
      #expect(shown["corrected"] == .bool(false) && shown["fault"] == .null)
    }
    let path = "drive/" + (list[0].text("path") ?? "")
    try workspace.edit(path) { $0.replacingOccurrences(of: "ACME", with: "Acmé") }
    #expect(try workspace.did("documents", "show", "1").out.contains("corrected by hand"))
    try workspace.remove(path)
    #expect(try workspace.json("documents", "show", "1")["fault"] != .null)
    #expect(try workspace.run("documents", "open", "1").errors.contains("is not there any more"))
  }

  @Test(
    "a name that is none: what was expected, exit code 1",
    arguments: [
      ("99", "there is no document \"99\"; list them with: coulisse documents list"),
      ("-1", "there is no document"), ("x", "expected a document like 12, #12 or coulisse://documents/12, found \"x\""),
      ("coulisse://signatures/1", "found the address of a signature request"), ("coulisse://documents/01", "expected"),
      ("99999999999999999999", "expected a document"), ("", "expected a document"),
    ])
  func badNames(name: String, message: String) throws {
    let workspace = try SentPapers.workspace()
    for command in ["show", "open", "pdf"] {
      let outcome = try workspace.run("documents", command, "--", name)
      #expect(outcome.status == 1 && outcome.out.isEmpty && outcome.errors.contains(message), "\(outcome)")
    }
  }

  @Test("open prints the file; a PDF of the present state is made once, and anew after a correction")
  func open() throws {
    let workspace = try SentPapers.workspace()
    let file = try workspace.did("documents", "open", "2").lines.joined()
    #expect(file.hasPrefix("/") && FileManager.default.fileExists(atPath: file))
    let first = try workspace.json("documents", "open", "2", "--pdf").text("path") ?? ""
    let facts = try FileManager.default.attributesOfItem(atPath: first)
    #expect(first.hasSuffix(".pdf") && first.contains("/drive/.papers/"))
    #expect(try workspace.json("documents", "open", "2", "--pdf").text("path") == first)
    let later = try FileManager.default.attributesOfItem(atPath: first)
    #expect(later[.systemFileNumber] as? Int == facts[.systemFileNumber] as? Int, "made twice")
    try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(of: "ACME", with: "Acmé")
      .appending("<!-- corrected -->").write(toFile: file, atomically: false, encoding: .utf8)
    #expect(try workspace.json("documents", "open", "2", "--pdf").text("path") != first)
    #expect(try workspace.json("documents", "list").arrayValue?.count == 5, "no record is made of it")
    // A PDF is its own PDF.
    #expect(try workspace.json("documents", "open", "3", "--pdf") == workspace.json("documents", "open", "3"))
  }

  @Test("pdf --deal makes all that lie in folders under their names, twice the same, and overwrites no foreign file")
  func pdf() throws {
    let workspace = try SentPapers.workspace()
    let made = try workspace.json("documents", "pdf", "--deal", "groupe")
    #expect(made.arrayValue?.count == 3 && workspace.exists("documents-groupe/Programme de formation – EDLC.pdf"))
    // The quote on its way into its folder and the papers on their way to the signer are asked for by name.
    #expect(try workspace.json("documents", "pdf", "1", "2", "3", "4", "5", "--to", "all").arrayValue?.count == 5)
    let names = try FileManager.default.contentsOfDirectory(atPath: workspace.path("documents-groupe")).sorted()
    #expect(try workspace.json("documents", "pdf", "--deal", "groupe") == made)
    #expect(try FileManager.default.contentsOfDirectory(atPath: workspace.path("documents-groupe")).sorted() == names)
    try workspace.write("elsewhere/Programme de formation – EDLC.pdf", "mine")
    let other = try workspace.did("documents", "pdf", "coulisse://documents/2", "--to", "elsewhere").out
    #expect(other.hasSuffix("/elsewhere/Programme de formation – EDLC (2).pdf\n"), "\(other)")
    #expect(try workspace.read("elsewhere/Programme de formation – EDLC.pdf") == "mine")
    #expect(try workspace.run("documents", "pdf").status == 2)
  }

  @Test("one that is broken is told, the others are made, exit code 1")
  func brokenOne() throws {
    let workspace = try SentPapers.workspace()
    let path = try workspace.json("documents", "show", "1").text("path") ?? ""
    try workspace.write("drive/\(path)", "<html><p>cut o")
    let outcome = try workspace.run("documents", "pdf", "1", "2", "--json")
    #expect(outcome.status == 1 && outcome.json.arrayValue?.count == 1, "\(outcome)")
    #expect(outcome.errors.contains("document 1: ") && outcome.errors.contains("no </html>"))
  }
}

@Suite("signatures")
struct SignaturesTests {
  private func papers(_ workspace: Workspace) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: workspace.path("drive/.papers")).sorted()
  }

  @Test("list filters by deal and state; an unknown state is wrong usage; show has the same keys")
  func listAndShow() throws {
    let workspace = try SentPapers.workspace()
    let list = try workspace.json("signatures", "list", "--state", "sent", "--state", "viewed")
    #expect(
      list[0].keys == [
        "id", "title", "state", "signer", "url", "sent_at", "closed_at", "reason", "signed_document", "deal",
        "signer_email", "viewed_at", "document",
      ])
    #expect(list[0].text("deal") == "groupe" && list[0].text("state") == "sent")
    #expect(try workspace.json("signatures", "list", "--state", "signed") == .array([]))
    #expect(try workspace.json("signatures", "list", "--deal", "coaching") == .array([]))
    #expect(try workspace.json("signatures", "show", "coulisse://signatures/1") == list[0])
    let unknown = try workspace.run("signatures", "list", "--state", "lost")
    #expect(unknown.status == 2 && unknown.errors.contains("declined"))
    for command in [["show", "9"], ["sign", "9"], ["view", "coulisse://documents/1"], ["cancel", "x"]] {
      let outcome = try workspace.run(["signatures"] + command)
      #expect(outcome.status == 1 && outcome.errors.contains("signature request"), "\(outcome)")
    }
    for reason in [["--reason", " "], []] {
      #expect(try workspace.run(["signatures", "decline", "1"] + reason).status == 2)
    }
  }

  @Test("sign wakes the run that waits and tells it; a second time it is signed already, and nothing happens twice")
  func sign() throws {
    let workspace = try SentPapers.workspace()
    #expect(try workspace.json("signatures", "view", "1").text("state") == "viewed")
    let signed = try workspace.json("signatures", "sign", "1")
    #expect(signed["changed"] == .bool(true) && signed.text("stage") == "Confirmé")
    #expect(signed["runs"]?.all("status") == ["succeeded", "succeeded"] && signed.text("signed_document") != nil)
    let before = try papers(workspace)
    let deal = try workspace.deal("groupe")
    let again = try workspace.did("signatures", "sign", "1")
    #expect(again.out.hasPrefix("signature request 1: already signed, since "), "\(again)")
    #expect(try papers(workspace) == before && workspace.deal("groupe") == deal)
    #expect(deal["signatures"]?[0].text("signed_document") == signed.text("signed_document"))
    #expect(deal["documents"]?.arrayValue?.count == 7 && deal["emails"]?[0]["to"]?.texts.count == 1)
    let words = try workspace.did("deals", "show", "groupe").out
    for title in ["Documents\n", "Signatures\n", "E-mails\n"] { #expect(words.contains("\n" + title)) }
  }

  @Test("two who sign at the same moment: one signature, one paper", arguments: [false, true])
  func together(withEngine: Bool) throws {
    let workspace = try SentPapers.workspace()
    let engine = withEngine ? try workspace.start("work") : nil
    let signers = try (0..<2).map { _ in try workspace.start("signatures", "sign", "1", "--json") }
    let outcomes = signers.map { $0.wait() }
    for outcome in outcomes { #expect(outcome.status == 0, "\(outcome)") }
    #expect(outcomes.filter { $0.json["changed"] == .bool(true) }.count == 1)
    #expect(try papers(workspace).filter { $0.contains("✓") }.count == 1)
    #expect(try workspace.deal("groupe")["signed_urls"]?.arrayValue?.count == 1)
    #expect(engine?.hasEnded != true)
  }

  @Test("after a decline nobody can sign: exit code 1, the state and since when, and nothing is changed")
  func declined() throws {
    let workspace = try SentPapers.workspace()
    let declined = try workspace.json("signatures", "decline", "1", "--reason", "Les dates ne vont pas")
    #expect(declined["changed"] == .bool(true) && declined["runs"]?.all("status") == ["succeeded"])
    let before = (try papers(workspace), try workspace.deal("groupe"))
    let notes = before.1["notes"]?.all("text").compactMap { $0 } ?? []
    #expect(notes.contains { $0.contains("Les dates ne vont pas") })
    let outcome = try workspace.run("signatures", "sign", "1")
    #expect(outcome.status == 1 && outcome.errors.contains("signature request 1 is declined since 20"), "\(outcome)")
    #expect(try papers(workspace) == before.0 && workspace.deal("groupe") == before.1)
    #expect(try workspace.did("signatures", "view", "1").out.contains("already declined"))
  }

  @Test("cancel is noted under who did it, wakes the run, and is done once")
  func cancelled() throws {
    let workspace = try SentPapers.workspace()
    try workspace.did("signatures", "cancel", "1", "--reason", "nouveau devis", "--as", "floriane@altitude.example")
    let shown = try workspace.json("signatures", "show", "1")
    #expect(shown.text("state") == "cancelled" && shown.text("reason") == "nouveau devis")
    #expect(try workspace.did("signatures", "cancel", "1").out.contains("already cancelled"))
    #expect(try workspace.run("signatures", "sign", "1").status == 1)
  }
}

@Suite("runs show, doctor, service")
struct PapersLookTests {
  @Test("runs show tells every step: arguments, key, answer and times")
  func steps() throws {
    let workspace = try SentPapers.workspace()
    let text = try workspace.did("runs", "show", "2").out
    for part in [
      "signature.send: answered\n", "    arguments {\"deal\":", "    key       run:2/signature.send/",
      "    answer    signature_request:1\n", "    begun     20",
    ] {
      #expect(text.contains(part), "\(part)\n\(text)")
    }
    let first = try workspace.did("runs", "show", "1").out
    #expect(first.contains("accounting.create_quote: answered, in the run's own commit"))
    let steps = try workspace.json("runs", "show", "1")["steps"]?.arrayValue ?? []
    let operations = steps.flatMap { $0["operations"]?.arrayValue ?? [] }
    #expect(operations.contains { $0.text("name") == "documents.generate" })
    #expect(
      operations.first?.keys == [
        "name", "key", "state", "arguments", "answer", "failure", "attempts", "begun_at", "answered_at",
      ])
  }

  @Test("doctor says whether PDFs can be made, and what to do")
  func doctor() throws {
    let workspace = try SentPapers.workspace()
    let sound = try workspace.did("doctor").out
    #expect(sound.contains("pdf: can be made\ndrive: can be written\noutbox: can be written\n"))
    let outcome = try workspace.run(["doctor"], environment: ["COULISSE_PYTHON": "/nowhere/python3"])
    #expect(outcome.status == 1 && outcome.out.contains("pdf: can't be made") && outcome.out.contains("make setup"))
    try workspace.remove("outbox")
    try workspace.write("outbox", "a file")
    #expect(try workspace.run("doctor").out.contains("outbox: can't be written"))
  }

  @Test("doctor tells a request for a signature that has been open for more than 30 days")
  func oldRequest() throws {
    let workspace = try SentPapers.workspace()
    #expect(try workspace.did("doctor").out.contains("signatures: 1 open\n"))
    let aged = try workspace.shell(
      "python3 -c 'import sqlite3; db = sqlite3.connect(\"coulisse.db\"); "
        + "db.execute(\"UPDATE signature_request SET sent_at = sent_at - 31 * 86400000\"); db.commit()'")
    try #require(aged.status == 0, "\(aged)")
    let outcome = try workspace.run("doctor")
    #expect(outcome.status == 1)
    #expect(outcome.out.contains("signature request 1 (EDLC pour ACME) has been open for 31 days"))
    #expect(outcome.out.contains("coulisse signatures cancel 1"))
  }

  @Test("the folder with the systemd units is no example of a workspace")
  func service() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(["init", "shop", "--example", "service"], in: folder.url)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("there is no example \"service\"; the examples are altitude"))
  }
}
