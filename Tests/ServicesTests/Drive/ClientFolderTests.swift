import CRM
import Foundation
import Services
import Store
import TestSupport
import Testing

@Suite("A client's folder (ALT-114 to ALT-121)")
struct ClientFolderTests {
  private let office: Office
  init() throws { office = try Office() }

  @Test("One root holds a folder a client, named after « nom et prénom » by one rule (ALT-114, ALT-115)")
  func place() throws {
    let folder = try office.folder(try office.clientFolder())
    #expect(folder.path == "Clients/Brunet Jérémy")
    #expect(folder.personID == 1)
    #expect(office.paths().filter { $0.hasPrefix("drive") } == [
      "drive/Clients", "drive/Clients/Brunet Jérémy", "drive/Clients/Brunet Jérémy/Documents générés",
      "drive/Clients/Brunet Jérémy/Fin",
    ])
    // Another run, which has another key, finds the same.
    let again = try office.ask("drive.client_folder", [Office.person], key: "run:9/step:1")
    #expect(try office.folder(again) == folder)
  }

  @Test("One name of the two is enough; without any there is no folder, and it is said why")
  func halfNames() throws {
    #expect(try office.folder(try office.clientFolder(try office.person("Noémie", nil))).name == "Noémie")
    #expect(try office.folder(try office.clientFolder(try office.person(nil, "Arc"))).name == "Arc")
    let blank = try office.person(" ", nil)
    #expect(try office.refused("drive.client_folder", [blank]).contains("neither « Prénom » nor « Nom »"))
  }

  @Test("Two clients of one name have two folders, each known by its person (ALT-116)")
  func namesakes() throws {
    let second = try office.person("Jérémy", "Brunet")
    let third = try office.person("JÉRÉMY", "BRUNET")
    let folders = try [Office.person, second, third, second, Office.person].map {
      try office.folder(try office.clientFolder($0))
    }
    #expect(folders.map(\.name) == [
      "Brunet Jérémy", "Brunet Jérémy (2)", "BRUNET JÉRÉMY (3)", "Brunet Jérémy (2)", "Brunet Jérémy",
    ])
    #expect(folders[1] == folders[3] && folders[0] == folders[4])
  }

  @Test("A dry run shows two clients of one name too")
  func namesakesRehearsed() throws {
    let second = try office.person("Jérémy", "Brunet")
    let drive = try #require(office.services["drive"])
    let calls = try [Office.person, second].map { try office.call("drive.client_folder", [$0]) }
    let before = try office.contents()
    let folders = try office.store.rehearse { tx in try calls.map { try drive.preview($0, in: tx) } }
    #expect(folders[0] != folders[1])
    let after = try office.contents()
    #expect(after == before)
    #expect(office.paths() == [])
  }

  @Test("A client renamed between two documents keeps the folder and its links (ALT-116, ALT-121)")
  func renamed() throws {
    let first = try office.document(try office.generate("convention"))
    try office.set(RecordRef(.person, 1), "last_name", .text("Brunet-Arc"))
    let second = try office.document(try office.generate("programme"))
    #expect(first.folderID == second.folderID)
    #expect(try office.text(first.path).contains("Convention de ACME"))
    #expect(second.path.hasPrefix("Clients/Brunet Jérémy/"))
    // A namesake of the old name comes later and gets a folder of their own, for this one is taken.
    let namesake = try office.folder(try office.clientFolder(try office.person("Jérémy", "Brunet")))
    #expect(namesake.name == "Brunet Jérémy (2)")
  }

  @Test("Both subfolders are made again when somebody removed them, and so is the folder (ALT-117)")
  func removed() throws {
    let folder = try office.folder(try office.clientFolder())
    for path in ["\(folder.path)/Fin", folder.path] {
      try FileManager.default.removeItem(at: office.url(path))
      #expect(try office.folder(try office.clientFolder()) == folder)
      #expect(office.paths().contains("drive/\(folder.path)/Fin"))
      #expect(office.paths().contains("drive/\(folder.path)/Documents générés"))
    }
    let child = try office.ask("drive.child", [.record(RecordRef(.folder, folder.id)), .text("Fin")])
    try FileManager.default.removeItem(at: office.url(folder.path))
    #expect(try office.ask("drive.child", [.record(RecordRef(.folder, folder.id)), .text("Fin")]) == child)
    #expect(office.paths().contains("drive/\(folder.path)/Fin"))
  }

  @Test("A folder that is there and nobody's is used, with what is in it (ALT-115)")
  func existing() throws {
    try FileManager.default.createDirectory(
      at: office.url("Clients/brunet jérémy/Fin"), withIntermediateDirectories: true)
    try Data("notes".utf8).write(to: office.url("Clients/brunet jérémy/notes.txt"))
    let folder = try office.folder(try office.clientFolder())
    #expect(folder.name == "brunet jérémy")
    #expect(office.files() == ["drive/Clients/brunet jérémy/notes.txt"])
    #expect(office.paths().contains("drive/Clients/brunet jérémy/Documents générés"))
  }

  @Test("One subfolder has one row, however its name is written: case and accents don't count")
  func spellings() throws {
    let folder = try office.clientFolder()
    let made = try office.ask("drive.child", [folder, .text("Documents générés")])
    for name in ["documents générés", "Documents generes", " Documents  générés "] {
      #expect(try office.ask("drive.child", [folder, .text(name)]) == made, "\(name)")
    }
    let row = try office.folder(made)
    #expect(row.path == "Clients/Brunet Jérémy/Documents générés")
    #expect(office.paths().filter { $0.hasPrefix("drive/Clients/Brunet Jérémy/") }.count == 2)
  }

  @Test(
    "Names that are no file names become ones, inside the client's folder and nowhere else",
    arguments: [
      ("../../etc", "passwd"), ("a/b", "c\\d"), ("..", "."), ("Noémie 🌻", "ד״ר כהן"), ("\u{202E}fdp", "exe.\u{200B}"),
      (String(repeating: "é", count: 300), "x"), ("NUL", ""),
    ])
  func strangeNames(last: String, first: String) throws {
    let person = try office.person(first.isEmpty ? nil : first, last)
    let folder = try office.folder(try office.clientFolder(person))
    #expect(!folder.name.contains("/") && !folder.name.hasPrefix(".") && folder.name.utf8.count <= 255)
    #expect(!folder.name.unicodeScalars.contains { $0.properties.isBidiControl })
    let child = try office.folder(
      try office.ask("drive.child", [.record(RecordRef(.folder, folder.id)), .text(String(last.prefix(150)))]))
    #expect(child.path == "\(folder.path)/\(child.name)")
    let known = ["drive/Clients", "drive/Clients/\(folder.name)"]
    #expect(office.paths().allSatisfy { known.contains($0) || $0.hasPrefix("drive/Clients/\(folder.name)/") })
    #expect(office.paths().contains("drive/\(child.path)"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: office.place.url.path).filter {
      !$0.hasPrefix("workspace.db")
    } == ["drive"])
  }

  @Test("NUL can't be in a name that a script gives, and a blank one is none")
  func impossibleNames() throws {
    let folder = try office.clientFolder()
    #expect(try office.refused("drive.child", [folder, .text("a\u{0}b")]).contains("NUL"))
    #expect(try office.refused("drive.child", [folder, .text("  ")]).contains("expected a folder's name"))
    let document = try office.generate("convention")
    #expect(try office.refused("drive.store", [folder, document, .text("a\u{0}b")]).contains("NUL"))
    for blank in ["", " \t"] {
      #expect(
        try office.refused("drive.store", [folder, document, .text(blank)]).contains("expected a document's name"))
    }
  }

  @Test("Two steps at once that want one name: each client has a folder, each document a file, nothing is lost")
  func together() throws {
    let office = office
    let persons = try [Office.person] + (0..<5).map { _ in try office.person("Jérémy", "Brunet") }
    let calls = try persons.map { try office.call("drive.client_folder", [$0]) }
    inParallel(calls.count) { place in _ = try? office.perform(calls[place]) }
    let folders = try calls.map { try office.folder(try office.perform($0)) }
    #expect(Set(folders.map(\.path)).count == persons.count)
    #expect(Set(folders.map(\.personID)).count == persons.count)

    let folder = try office.clientFolder()
    let papers = try (0..<6).map { place in
      try office.call(
        "documents.generate",
        [.text("titled"), Office.deal, folder, .object([ValueField("heading", .text("Même nom"))])], key: "k\(place)")
    }
    inParallel(papers.count) { place in _ = try? office.perform(papers[place]) }
    let rows = try papers.map { try office.document(try office.perform($0)) }
    #expect(Set(rows.map(\.path)).count == papers.count)
    #expect(Set(office.files()) == Set(rows.map { "drive/\($0.path)" }))
    // The same step twice at once: one row, one file.
    let twice = try office.call("documents.generate", [.text("convention"), Office.deal, folder], key: "twice")
    inParallel(4) { _ in _ = try? office.perform(twice) }
    #expect(office.files().filter { $0.contains("Convention") }.count == 1)
  }

  @Test("A symbolic link in the drive leads nowhere: not for a client's folder, a subfolder or a document")
  func symbolicLinks() throws {
    let outside = office.place.path("outside")
    try office.place.write("outside/secret.txt", "secret")
    func link(_ path: String) throws {
      try FileManager.default.createSymbolicLink(atPath: office.url(path).path, withDestinationPath: outside)
    }
    try FileManager.default.createDirectory(at: office.url("Clients"), withIntermediateDirectories: true)
    try link("Clients/Brunet Jérémy")
    let message = try office.refused("drive.client_folder", [Office.person])
    #expect(message.contains("expected a folder, found a symbolic link"))
    try FileManager.default.removeItem(at: office.url("Clients/Brunet Jérémy"))
    let folder = try office.clientFolder()
    try link("Clients/Brunet Jérémy/Lien")
    #expect(try office.refused("drive.child", [folder, .text("Lien")]).contains("symbolic link"))
    // A link where the document's file would be: the document gets another name.
    try link("Clients/Brunet Jérémy/Programme.html")
    let programme = try office.generate("programme", in: folder)
    #expect(try office.document(programme).name == "Programme (2).html")
    // A document that was replaced by a link is not read.
    let path = try office.document(programme).path
    try FileManager.default.removeItem(at: office.url(path))
    try FileManager.default.createSymbolicLink(
      atPath: office.url(path).path, withDestinationPath: outside + "/secret.txt")
    #expect(try office.refused("documents.pdf", [programme]).contains("symbolic link"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["secret.txt"])
  }

  // MARK: Documents that are put away

  @Test("A document is stored as a copy under its own name or the one given; what is there is kept (ALT-118, ALT-120)")
  func store() throws {
    let folder = try office.clientFolder()
    let generated = try office.ask("drive.child", [folder, .text("Documents générés")])
    let convention = try office.generate("convention", in: generated)
    let copy = try office.document(try office.ask("drive.store", [folder, convention]))
    #expect(copy.path == "Clients/Brunet Jérémy/Convention EDLC pour ACME.html")
    let named = try office.document(try office.ask("drive.store", [folder, convention, .text("Signé : EDLC")]))
    #expect(named.name == "Signé - EDLC.html" && named.title == "Signé : EDLC" && named.dealID == 1)
    let again = try office.document(try office.ask("drive.store", [folder, convention]))
    #expect(again.name == "Convention EDLC pour ACME (2).html")
    // A copy, and no second name for one file.
    try office.correct(convention, "ACME", "Autre")
    #expect(try office.text(copy.path).contains("ACME"))
    // One that is given with its ending has it once.
    let ended = try office.document(try office.ask("drive.store", [folder, convention, .text("Fin.html")]))
    #expect(ended.name == "Fin.html")
  }

  @Test("A link is stable: it is the document's number, and no rename and no second document changes it (ALT-121)")
  func links() throws {
    let convention = try office.generate("convention")
    func link() throws -> Value? {
      guard case .record(let ref) = convention else { return nil }
      return try office.store.read { try $0.value(ref, "url") }
    }
    let before = try link()
    #expect(before == .text("coulisse://documents/1"))
    try office.set(RecordRef(.person, 1), "first_name", .text("Jim"))
    _ = try office.generate("convention")
    #expect(try link() == before)
    #expect(try office.words(try office.ask("documents.merge", [before ?? .null])).contains("Convention de ACME"))
  }

  @Test("A document whose file is gone is told by its path, and the step leaves nothing")
  func fileGone() throws {
    let folder = try office.clientFolder()
    let convention = try office.generate("convention", in: folder)
    try FileManager.default.removeItem(at: office.url(try office.document(convention).path))
    for name in ["documents.pdf", "documents.merge"] {
      #expect(try office.refused(name, [convention]).contains("Convention EDLC pour ACME.html"))
    }
    #expect(try office.refused("drive.store", [folder, convention]).contains("somebody may have moved it"))
  }
}
