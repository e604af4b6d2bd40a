import CRM
import Foundation
import Services
import Store
import TestSupport
import Testing

@Suite("Documents made from templates (ALT-103, ALT-104, ALT-113, ALT-125)")
struct LocalDocumentsTests {
  private let office: Office
  init() throws { office = try Office() }

  @Test("A document is HTML in the folder, called as its <title> says; without one as its template")
  func generate() throws {
    let folder = try office.clientFolder()
    let row = try office.document(try office.generate("convention", in: folder))
    #expect(row.title == "Convention EDLC pour ACME" && row.name == "Convention EDLC pour ACME.html")
    #expect(row.path == "Clients/Brunet Jérémy/Convention EDLC pour ACME.html")
    #expect(row.template == "convention" && row.dealID == 1 && row.contentType == "text/html")
    #expect(try office.text(row.path).contains("<p>Convention de ACME"))
    #expect(row.sha256 == ContentHash.sha256(Array(try office.text(row.path).utf8)))
    let untitled = try office.document(
      try office.generate("titled", [ValueField("heading", .text("<"))], in: folder))
    #expect(untitled.title == "<" && untitled.name == "titled.html")
  }

  @Test("A title as long as a book gives a name and a title of a bearable length, and can be signed")
  func longTitle() throws {
    let heading = String(repeating: "très long ", count: 9_000)
    let document = try office.generate("titled", [ValueField("heading", .text(heading))])
    let row = try office.document(document)
    #expect(row.name.count <= 120 && row.title.unicodeScalars.count <= 500)
    let merged = try office.ask("documents.merge", [document, document, document])
    #expect(try office.document(merged).title.unicodeScalars.count <= 500)
    #expect(try office.request(try office.send(merged)).state == .sent)
  }

  @Test("An unknown template is told with the known ones, or the one that was meant")
  func unknownTemplate() throws {
    let folder = try office.clientFolder()
    func message(_ name: String) throws -> String {
      try office.refused("documents.generate", [.text(name), Office.deal, folder])
    }
    let unknown = try message("zzzzzzzzzz")
    #expect(unknown.contains("there is no \"templates/zzzzzzzzzz.html\""))
    #expect(unknown.contains("the templates are \"broken\", \"convention\", \"devis\""))
    #expect(try message("conventoin").contains("did you mean \"convention\"?"))
    for path in ["../convention", "/etc/passwd", "convention.html", "a\nb"] {
      let message = try message(path)
      #expect(message.contains("there is no") && !message.contains("\n"))
    }
  }

  @Test("Unknown and empty placeholders are named with template and line, and no document is made (ALT-113)")
  func placeholders() throws {
    let folder = try office.clientFolder()
    let message = try office.refused("documents.generate", [.text("faulty"), Office.deal, folder])
    #expect(message.contains("templates/faulty.html:3: {{deal.nonsense}} is unknown"))
    #expect(message.contains("templates/faulty.html:4: {{deal.opca_name}} has no value"))
    let broken = try office.refused("documents.generate", [.text("broken"), Office.deal, folder])
    #expect(broken.contains("templates/broken.html:3"))
    let taken: Value = .object([ValueField("deal", .text("x"))])
    #expect(
      try office.refused("documents.generate", [.text("convention"), Office.deal, folder, taken])
        .contains("'deal' has a name that every template knows already"))
  }

  @Test("A template without an end is refused when a document is to be made of it, not when that is printed")
  func openTemplate() throws {
    let folder = try office.clientFolder()
    let message = try office.refused("documents.generate", [.text("open"), Office.deal, folder])
    #expect(message.contains("templates/open.html has no </html> at its end; add it"))
  }

  @Test("The same step answers the document that was corrected by hand, and does not overwrite it")
  func corrected() throws {
    let document = try office.generate("convention", key: "k")
    try office.correct(document, "de ACME", "de la société ACME")
    #expect(try office.generate("convention", key: "k") == document)
    #expect(try office.text(try office.document(document).path).contains("de la société ACME"))
    #expect(office.files().count == 1)
  }

  @Test("Another run makes another document beside it, and keeps the first with its corrections")
  func second() throws {
    let first = try office.generate("convention", key: "k1")
    try office.correct(first, "de ACME", "de la société ACME")
    let second = try office.document(try office.generate("convention", key: "k2"))
    #expect(second.name == "Convention EDLC pour ACME (2).html")
    #expect(try office.text(try office.document(first).path).contains("de la société ACME"))
    #expect(try office.text(second.path).contains("<p>Convention de ACME"))
    let third = try office.document(try office.generate("convention", key: "k3"))
    #expect(third.name == "Convention EDLC pour ACME (3).html")
  }

  @Test("After a crash between file and row the file is adopted, not made a second time")
  func adopted() throws {
    let folder = try office.clientFolder()
    let row = try office.document(try office.generate("convention", in: folder))
    // As it is after a crash: the file is there, the row is not.
    let fresh = try Office()
    let freshFolder = try fresh.clientFolder()
    try FileManager.default.copyItem(at: office.url(row.path), to: fresh.url(row.path))
    let adopted = try fresh.document(try fresh.generate("convention", in: freshFolder))
    #expect(adopted.path == row.path && adopted.sha256 == row.sha256)
    #expect(fresh.files() == ["drive/\(row.path)"])
    // A file that says something else is somebody's own: it stays.
    try Data("notes".utf8).write(to: fresh.url("Clients/Brunet Jérémy/Programme.html"))
    #expect(try fresh.document(try fresh.generate("programme", in: freshFolder)).name == "Programme (2).html")
    #expect(try fresh.text("Clients/Brunet Jérémy/Programme.html") == "notes")
  }

  @Test("A PDF is of the document as it is now, and again of what it has become (ALT-125)")
  func pdf() throws {
    let document = try office.generate("convention")
    try office.correct(document, "de ACME", "de la société ACME")
    let pdf = try office.ask("documents.pdf", [document], key: "k")
    #expect(try office.words(pdf).contains("Convention de la société ACME"))
    #expect(try office.document(pdf).title == "Convention EDLC pour ACME")
    try office.correct(document, "société", "maison")
    #expect(try office.ask("documents.pdf", [document], key: "k") == pdf)
    let later = try office.ask("documents.pdf", [document], key: "later")
    #expect(try office.words(later).contains("Convention de la maison ACME"))
    #expect(try office.words(pdf).contains("société"))
  }

  @Test("A PDF is answered as it is; one that was replaced by hand as a document of its own, for papers don't change")
  func pdfOfPDF() throws {
    let pdf = try office.ask("documents.pdf", [try office.generate("convention")])
    #expect(try office.ask("documents.pdf", [pdf]) == pdf)
    let other = try office.ask("documents.pdf", [try office.generate("programme")])
    let bytes = try Data(contentsOf: office.url(try office.document(other).path))
    try bytes.write(to: office.url(try office.document(pdf).path), options: .atomic)
    let present = try office.ask("documents.pdf", [pdf])
    #expect(present != pdf)
    #expect(try office.document(present).sha256 == ContentHash.sha256(Array(bytes)))
  }

  @Test("Documents are merged in the order given, corrected ones as they are now; nil is left out (ALT-125 to ALT-127)")
  func merge() throws {
    let convention = try office.generate("convention")
    let programme = try office.generate("programme")
    let quote = try quote()
    try office.correct(convention, "de ACME", "de la société ACME")
    guard case .record(let ref) = convention else { return }
    let address = Value.text("coulisse://documents/\(ref.id)")
    let merged = try office.ask("documents.merge", [quote, address, .null, programme])
    let words = try office.words(merged)
    let places = ["ACME EDLC", "Convention de la société ACME", "Programme de EDLC"]
      .map { words.range(of: $0)?.lowerBound }
    #expect(!places.contains(nil) && places.compactMap { $0 } == places.compactMap { $0 }.sorted(), "\(words)")
    let row = try office.document(merged)
    #expect(row.title == "Devis D-2026-0001 + Convention EDLC pour ACME + Programme" && row.dealID == 1)
    #expect(row.folderID == nil && row.path.hasPrefix(".papers/"))
    // Only this deal's papers: the quote alone is a document too.
    #expect(try office.words(try office.ask("documents.merge", [quote, .null, .null])).contains("EDLC"))
    #expect(try office.refused("documents.merge", [.null, .null]).contains("there is nothing to merge"))
    #expect(try office.refused("documents.merge", []).contains("nothing to merge"))
    let addresses = ["https://docs.example/12", "coulisse://quotes/D-1", "coulisse://documents/x"]
    for wrong in addresses + ["coulisse://documents/99"] {
      #expect(try office.refused("documents.merge", [quote, .text(wrong)]) != "")
    }
  }

  private func quote() throws -> Value {
    let quote = try office.ask("accounting.create_quote", [Office.deal])
    return try office.ask("accounting.quote_pdf", [quote["number"] ?? .null])
  }

  // MARK: Bad input

  @Test("HTML that has lost its end is being saved: transient; once it is whole it is printed")
  func unfinished() throws {
    let document = try office.generate("convention")
    let path = try office.document(document).path
    let whole = try office.text(path)
    try Data(whole.replacingOccurrences(of: "</html>", with: "").utf8).write(to: office.url(path))
    for name in ["documents.pdf", "documents.merge"] {
      let message = try office.refused(name, [document])
      #expect(message.hasPrefix("transient: ") && message.contains("has no </html> at its end"))
    }
    try Data(whole.uppercased().utf8).write(to: office.url(path))
    #expect(try office.words(try office.ask("documents.pdf", [document])).contains("CONVENTION DE ACME"))
    try Data([0xFF, 0xFE, 0x3C, 0x00]).write(to: office.url(path))
    #expect(try office.refused("documents.pdf", [document]).contains("is not UTF-8 text any more; save it as UTF-8"))
  }

  @Test("A page that takes too long is given up for good")
  func endless() throws {
    var limits = PrintShop.Limits()
    limits.seconds = 1
    let shop = PrintShop(PrintRoom.location, limits: limits)
    defer { shop.stop() }
    let office = try Office(printShop: shop)
    let document = try office.generate("endless")
    let message = try office.refused("documents.pdf", [document])
    #expect(message.contains("Boîtes.html: the PDF was not done after 1 seconds"), "\(message)")
  }

  @Test("A remote image is refused by its address, and nothing is fetched")
  func remoteImage() throws {
    let document = try office.generate("remote")
    let message = try office.refused("documents.pdf", [document])
    #expect(message.contains("Image.html") && message.contains("https://images.example/logo.png"))
  }

  @Test("A broken PDF is named by merge; nothing is made")
  func brokenPDF() throws {
    let pdf = try office.ask("documents.pdf", [try office.generate("convention")])
    let other = try office.generate("programme")
    let row = try office.document(pdf)
    for content in [Data(), Data("%PDF-1.7 nothing".utf8), Data("<html>".utf8)] {
      try content.write(to: office.url(row.path), options: .atomic)
      #expect(try office.refused("documents.merge", [other, pdf]).contains(row.name))
    }
  }

  @Test("The document process killed in the middle: the request is repeated, and one document is made")
  func killed() throws {
    let script = """
      answer({"ok": True})
      first = starts() == 1
      while True:
          header, parts = receive()
          if first: os.kill(os.getpid(), 9)
          answer({"ok": True, "pages": 1}, b"%PDF-fake")
      """
    let folder = try TemporaryFolder()
    let shop = try PrintRoom.fake(script, in: folder)
    defer { shop.stop() }
    let office = try Office(printShop: shop)
    let pdf = try office.document(try office.ask("documents.pdf", [try office.generate("convention")]))
    #expect(
      office.files() == [
        "drive/.papers/\(pdf.name)", "drive/Clients/Brunet Jérémy/Convention EDLC pour ACME.html",
      ])
  }

  @Test("The document process killed each time: a failure that names the document; nothing is made")
  func killedAlways() throws {
    let folder = try TemporaryFolder()
    let shop = try PrintRoom.fake("answer({'ok': True})\nreceive()\nos.kill(os.getpid(), 9)\n", in: folder)
    defer { shop.stop() }
    let office = try Office(printShop: shop)
    let document = try office.generate("convention")
    let message = try office.refused("documents.pdf", [document])
    #expect(message.contains("Convention EDLC pour ACME.html: the Python process"))
  }

  @Test("A document that is saved again and again while it is printed is printed as one of its states, whole")
  func replacedMeanwhile() throws {
    let office = office
    let document = try office.generate("convention")
    let url = office.url(try office.document(document).path)
    let text = try String(contentsOf: url, encoding: .utf8)
    inParallel(2) { place in
      for turn in 0..<(place == 0 ? 200 : 6) {
        if place == 0 {
          let words = String(repeating: "état \(turn) ", count: 40)
          let new = text.replacingOccurrences(of: "de ACME", with: words)
          try? Data(new.utf8).write(to: url, options: turn % 2 == 0 ? [] : .atomic)
        } else {
          let message = refusal {
            let words = try office.words(try office.ask("documents.pdf", [document]))
            let turns = Set(words.matches(of: /état\s+(\d+)/).map(\.output.1))
            #expect(turns.count <= 1)
          }
          #expect(message.isEmpty || message.hasPrefix("transient: "), "\(message)")
        }
      }
    }
    #expect(!office.files().contains { $0.hasSuffix(".part") })
  }

  @Test("A clock that is far off harms nothing", arguments: [Int64.min, -1, 0, .max])
  func farOff(milliseconds: Int64) throws {
    let now = Instant(milliseconds: milliseconds)
    let folder = try office.ask("drive.client_folder", [Office.person], now: now)
    let document = try office.ask("documents.generate", [.text("convention"), Office.deal, folder], now: now)
    let paper = try office.ask("documents.merge", [document], now: now)
    let row = try office.document(paper)
    #expect(row.createdAt == now && office.files().contains("drive/\(row.path)"))
  }

  // MARK: A quote's PDF

  @Test("A quote's PDF is made of the template « devis » and belongs to its deal (ALT-102, ALT-124)")
  func quotePDF() throws {
    let pdf = try quote()
    let row = try office.document(pdf)
    #expect(row.title == "Devis D-2026-0001" && row.name == "Devis D-2026-0001.pdf" && row.template == "devis")
    #expect(row.dealID == 1 && row.folderID == nil)
    #expect(try office.words(pdf).contains("ACME EDLC"))
  }

  @Test("A quote that is gone: nothing is made, and it is said (ALT-124)")
  func quoteGone() throws {
    for name in ["accounting.quote_pdf", "accounting.accept_quote"] {
      let message = try office.refused(name, [.text("D-2026-0404")])
      #expect(message.contains("accounting has no quote \"D-2026-0404\" any more; make it anew"))
    }
  }

  @Test("An accepted quote is accepted once; one that was replaced can't be accepted, in a dry run neither")
  func accept() throws {
    let number = try office.ask("accounting.create_quote", [Office.deal])["number"] ?? .null
    for _ in 0..<2 {
      #expect(try office.ask("accounting.accept_quote", [number])["status"] == .text("accepted"))
    }
    let accounting = try #require(office.services["accounting"])
    for status in [QuoteStatus.replaced, .cancelled] {
      try office.store.write { try $0.setStatus(status, ofQuote: 1) }
      #expect(try office.refused("accounting.accept_quote", [number]).contains("can't be accepted any more"))
      let call = try office.call("accounting.accept_quote", [number])
      let message = refusal { _ = try office.store.rehearse { try accounting.preview(call, in: $0) } }
      #expect(message.contains("can't be accepted any more"))
    }
  }
}
