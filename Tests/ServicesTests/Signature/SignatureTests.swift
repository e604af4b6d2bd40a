import CRM
import Foundation
import Services
import Store
import TestSupport
import Testing

@Suite("A paper out for signature (ALT-128, ALT-129)")
struct SignatureTests {
  private let office: Office
  init() throws { office = try Office() }

  private func paper(_ template: String = "convention") throws -> Value {
    try office.ask("documents.merge", [try office.generate(template)])
  }

  private func emails() throws -> [EmailRow] { try office.store.read { try $0.emails(of: nil) } }
  private func requests() throws -> [SignatureRequestRow] { try office.store.read { try $0.signatureRequests(of: 1) } }

  /// Puts another PDF in the place of a paper.
  private func replace(_ document: Value) throws {
    let other = try LocalServiceBench.printShop.pdf(html: "<p>Autre contrat", name: "x").bytes
    try Data(other).write(to: office.url(try office.document(document).path), options: .atomic)
  }

  @Test("The client receives a signing order with the paper in it (ALT-128)")
  func order() throws {
    let paper = try paper()
    let request = try office.request(try office.send(paper))
    #expect(request.state == .sent && request.dealID == 1 && request.signerName == "Jérémy Brunet")
    #expect(request.signerEmail == "j.brunet@acme.example" && request.title == "Convention EDLC pour ACME")
    let email = try #require(try emails().first)
    #expect(email.recipients == ["j.brunet@acme.example"] && email.dealID == 1)
    let message = try Letter(office, email)
    #expect(message.to == "j.brunet@acme.example" && message.from.contains("Floriane@altitude.example"))
    #expect(message.subject == "To be signed: Convention EDLC pour ACME" && message.text.contains("Jérémy Brunet"))
    let row = try office.document(paper)
    #expect(message.attachments == [Letter.Attachment(name: row.name, type: "application/pdf", sha256: row.sha256)])
  }

  @Test("Without an e-mail or a name of the client nothing is sent, and it is said (ALT-128)")
  func noAddress() throws {
    let paper = try paper()
    try office.set(RecordRef(.person, 1), "email", .null)
    let message = try office.refused("signature.send", [Office.letter(paper)])
    #expect(message.contains("\"Jérémy Brunet\" has no « E-mail »"))
    #expect(office.paths().allSatisfy { !$0.hasPrefix("outbox/") })
  }

  @Test("What is no PDF, no document and no person is refused")
  func wrongThings() throws {
    let html = try office.generate("convention")
    #expect(try office.refused("signature.send", [Office.letter(html)]).contains("is no PDF; make one of it"))
    let pdf = try paper()
    #expect(try office.refused("signature.send", [Office.letter(Office.deal)]).contains("expected a document"))
    #expect(try office.refused("signature.send", [Office.letter(pdf, to: Office.deal)]).contains("expected a person"))
    for deal in [Value.integer(1), Office.person, .record(RecordRef(.deal, 99))] {
      let letter = Value.object([
        ValueField("document", pdf), ValueField("signer", Office.person), ValueField("deal", deal),
      ])
      #expect(try office.refused("signature.send", [letter]).contains("deal: expected a deal"), "\(deal)")
    }
  }

  @Test("A re-run sends no second order while one is open: the same paper is answered (ALT-129)")
  func samePaper() throws {
    let first = try office.send(try paper())
    // Another run makes the paper anew; it says the same.
    let again = try office.send(try office.ask("documents.merge", [.text("coulisse://documents/1")]))
    #expect(again == first)
    #expect(try emails().count == 1 && requests().count == 1)
  }

  @Test("The same step sends once, whatever became of the request since")
  func sameKey() throws {
    let paper = try paper()
    let first = try office.send(paper, key: "k")
    var row = try office.request(first)
    row.state = .declined
    row.closedAt = Shop.now
    try office.store.write { try $0.update(row) }
    #expect(try office.send(paper, key: "k") == first)
    #expect(try emails().count == 1)
    #expect(try office.send(paper, key: "l") != first)
  }

  @Test("Another paper takes the place of the open one; so does another signer (ALT-129)")
  func otherPaper() throws {
    let paper = try paper()
    let first = try office.send(paper)
    let second = try office.send(try self.paper("programme"))
    #expect(second != first)
    #expect(try office.request(first).state == .cancelled)
    #expect(try office.request(first).reason == "replaced by a later request")
    try office.set(RecordRef(.person, 1), "email", .text("jim@acme.example"))
    let third = try office.send(try self.paper("programme"))
    #expect(third != second)
    #expect(try requests().filter { $0.state.isOpen }.map(\.signerEmail) == ["jim@acme.example"])
    #expect(try emails().count == 3)
  }

  @Test("A crash between the order's file and its row leaves one order")
  func crashed() throws {
    let paper = try paper()
    _ = try office.send(paper, key: "k")
    let orders = office.files().filter { $0.hasPrefix("outbox/") }
    let fresh = try Office()
    let merged = try fresh.ask("documents.merge", [try fresh.generate("convention")])
    try FileManager.default.copyItem(atPath: office.outbox, toPath: fresh.outbox)
    _ = try fresh.send(merged, key: "k")
    #expect(fresh.files().filter { $0.hasPrefix("outbox/") } == orders && orders.count == 1)
    #expect(try fresh.store.read { try $0.emails(of: nil) }.count == 1)
  }

  @Test("A paper that was replaced between making and sending is refused: what is sent is what can be signed (ALT-125)")
  func replacedBefore() throws {
    let paper = try paper()
    try replace(paper)
    let message = try office.refused("signature.send", [Office.letter(paper)])
    #expect(message.contains("was changed after it had been made") && message.contains("documents.pdf"))
    #expect(try office.words(try office.ask("documents.pdf", [paper])).contains("Autre contrat"))
    #expect(try office.request(try office.send(try office.ask("documents.pdf", [paper]))).state == .sent)
  }

  @Test("A paper that was changed after it was sent can't be signed; sent anew, the same text is a new request")
  func replacedAfter() throws {
    let paper = try paper()
    let first = try office.send(paper)
    try replace(paper)
    let before = try office.contents()
    let message = refusal { _ = try sign(first) }
    #expect(message.contains("was changed after it had been sent for signature"))
    #expect(message.contains("send the papers again"))
    #expect(try office.contents() == before)
    let second = try office.send(try office.ask("documents.merge", [.text("coulisse://documents/1")]))
    #expect(second != first)
    #expect(try office.request(first).state == .cancelled)
    _ = try sign(second)
    // Likewise one whose file is gone.
    let third = try office.request(second)
    let sent = try office.document(.record(RecordRef(.document, third.documentID)))
    try FileManager.default.removeItem(at: office.url(sent.path))
    let fourth = try office.send(try office.ask("documents.merge", [.text("coulisse://documents/1")]))
    #expect(fourth != second)
    _ = try sign(fourth)
  }

  @Test("A workspace can do without orders, and writes them in its own words")
  func settings() throws {
    let silent = try Office { $0.services["signature"] = .object([ValueField("order", .boolean(false))]) }
    _ = try silent.send(try silent.ask("documents.merge", [try silent.generate("convention")]))
    #expect(try silent.store.read { try $0.emails(of: nil) }.isEmpty)
    let french = try Office {
      $0.services["signature"] = .object([
        ValueField("subject", .text("À signer : {title} {oups}")), ValueField("text", .text("Bonjour {signer}")),
      ])
    }
    try french.set(RecordRef(.person, 1), "first_name", .text("{title}"))
    _ = try french.send(try french.ask("documents.merge", [try french.generate("convention")]))
    let email = try #require(try french.store.read { try $0.emails(of: nil) }.first)
    #expect(email.subject == "À signer : Convention EDLC pour ACME {oups}" && email.text == "Bonjour {title} Brunet")
  }

  // MARK: Signing

  private func sign(_ request: Value, at now: Instant = Shop.now) throws -> SignedPaper {
    try SigningRoom(office.resources, office.declaration).sign(try office.request(request).id, at: now)
  }

  @Test("The signed paper is the one that was sent, and behind it a page with signer, time and its SHA-256")
  func signed() throws {
    let paper = try paper()
    let sent = try office.document(paper)
    let signed = try sign(try office.send(paper))
    #expect(signed.path == ".papers/Convention EDLC pour ACME ✓.pdf")
    let bytes = Array(try Data(contentsOf: office.url(signed.path)))
    #expect(ContentHash.sha256(bytes) == signed.sha256 && Int64(bytes.count) == signed.size)
    let pages = try poppler("pdftotext", ["-layout"], bytes).split(separator: "\u{0C}")
    #expect(pages.count == 2)
    #expect(pages[0].contains("Convention de ACME") && pages[1].contains(sent.sha256))
    #expect(pages[1].contains("Jérémy Brunet, j.brunet@acme.example") && pages[1].contains("UTC"))
    #expect(ContentHash.sha256(Array(try Data(contentsOf: office.url(sent.path)))) == sent.sha256)
    // Nothing but a file: the engine keeps the records.
    #expect(try office.store.read { try $0.document(path: signed.path) } == nil)
  }

  @Test("The workspace's own page is used if there is one; a mistake in it is told, and nothing is made")
  func ownPage() throws {
    func signed(_ page: String) throws -> (Office, String, String) {
      let office = try Office { $0.templates["page-de-signature"] = page }
      let request = try office.request(
        try office.send(try office.ask("documents.merge", [try office.generate("convention")])))
      var words = ""
      let before = try office.contents()
      let message = refusal {
        let paper = try SigningRoom(office.resources, office.declaration).sign(request.id, at: Shop.now)
        words = try poppler("pdftotext", [], Array(try Data(contentsOf: office.url(paper.path))))
      }
      if !message.isEmpty { #expect(try office.contents() == before) }
      return (office, message, words)
    }
    let good = try signed("<p>Signé par {{signature.signer_name}}, {{signature.pages}} page, {{deal.title}}")
    #expect(good.2.contains("Signé par Jérémy Brunet, 1 page, EDLC pour ACME"))
    let bad = try signed("<p>{{signature.signer}}")
    #expect(bad.1.contains("page-de-signature.html:1: {{signature.signer}} is unknown"))
  }

  @Test("Two signings make two papers; the one made for nothing is taken away, one that is kept is not")
  func discard() throws {
    let request = try office.send(try paper())
    let (first, second) = (try sign(request), try sign(request))
    #expect(second.name == "Convention EDLC pour ACME ✓ (2).pdf")
    let room = SigningRoom(office.resources, office.declaration)
    try room.discard(second)
    try room.discard(second)
    #expect(!office.files().contains("drive/\(second.path)") && office.files().contains("drive/\(first.path)"))
    _ = try office.store.write { tx in
      try tx.insert(
        DocumentRow(
          key: "signed", dealID: 1, folderID: nil, title: "x", name: first.name, path: first.path,
          contentType: "application/pdf", size: first.size, sha256: first.sha256, createdAt: Shop.now))
    }
    try room.discard(first)
    #expect(office.files().contains("drive/\(first.path)"))
  }

  @Test("A request that is closed or not there can't be signed")
  func closed() throws {
    let request = try office.send(try paper())
    var row = try office.request(request)
    row.state = .cancelled
    row.closedAt = Shop.now
    try office.store.write { try $0.update(row) }
    let before = try office.contents()
    #expect(refusal { _ = try sign(request) }.contains("is cancelled and can't be signed"))
    let room = SigningRoom(office.resources, office.declaration)
    #expect(refusal { _ = try room.sign(404, at: Shop.now) }.contains("there is no signature request 404"))
    #expect(try office.contents() == before)
  }

  @Test("A moment is written out with its zone, however far it is",
    arguments: [Int64.min, -1, 0, 253_402_300_799_999, .max])
  func moments(milliseconds: Int64) throws {
    let signed = try sign(try office.send(try paper()), at: Instant(milliseconds: milliseconds))
    let words = try poppler("pdftotext", ["-layout"], Array(try Data(contentsOf: office.url(signed.path))))
    let clock = words.matches(of: /\d+:-?\d+:-?\d+ \(/)
    #expect(clock.allSatisfy { $0.output.wholeMatch(of: /\d\d:\d\d:\d\d \(/) != nil }, "\(words)")
    if milliseconds == -1 { #expect(words.contains(":59:59 (")) }
  }
}
