import CRM
import Engine
import Foundation
import Services
import Store

/// The demo's story, told step by step; a step that does not go as told ends it with an error.
struct DemoStory {
  let workspace: OpenWorkspace
  /// Who acts in it: a user of the example's data.
  private let actor = "user:floriane@altitude.example"

  init(workspace: OpenWorkspace) { self.workspace = workspace }

  func tell(_ line: String) throws { try Terminal.print(line) }

  private func title(_ text: String) throws {
    try tell("")
    try tell(Terminal.emphasized(text, .bold, on: .data))
  }

  private func expect(_ condition: Bool, _ what: String) throws {
    if !condition { throw CommandFault("the demo did not go as it should: \(what)") }
  }

  // MARK: The three deals

  func coaching() throws {
    try title("1. A coaching: Claire Fontanel wants one")
    try createDocuments("coaching", papers: 0)
    try sendAndSign("coaching", signer: "Claire Fontanel")
  }

  func group() throws {
    try title("2. A group training: three people of ACME, promo [EDLC_001], billed to their OPCA")
    try createDocuments("groupe", papers: 2)
    try sendAndSign("groupe", signer: "Jérémy Brunet")
    try win("groupe")
  }

  func incomplete() throws {
    try title("3. A deal with a bad promo and missing texts: Océane Thalasso")
    let answer = try change("produit-incomplet", .move(stage: "Créer documents", from: nil))
    try expect(!answer.moved && answer.rejected.count == 6 && answer.runs.isEmpty, "the guards let it pass")
    try tell("It is moved to « Créer documents », and the guards reject that, with all its problems at once:")
    for reason in answer.rejected { try tell("  rejected: \(reason)") }
    try expect(answer.stage == "Proposition", "the deal is in \(answer.stage), not in Proposition")

    try tell("Nothing has changed. The salesperson mends it:")
    try mend(.deal, "produit-incomplet", ["promo=[DISTANCE_2026]", "start_date=2027-02-02", "end_date=2027-02-03", "place=À distance", "hours_total=14", "hours_remote=14"])
    try mend(
      .product, "incomplet",
      [
        "price=600.00", "vat_rate=0", "class=Formation", "objectives=Animer une réunion à distance.",
        "programme=Jour 1 : préparer\nJour 2 : animer",
      ])
    try createDocuments("produit-incomplet", papers: 2)
    try sendAndSign("produit-incomplet", signer: "Lise Aubin")
  }

  // MARK: Steps

  private func mend(_ kind: RecordKind, _ key: String, _ assignments: [String]) throws {
    try workspace.write { tx in
      let ref = try workspace.find(kind, key, tx)
      for assignment in assignments {
        let field = try workspace.assignment(assignment, of: kind, tx)
        try tx.set(ref, field.name, field.value, author: Author(actor: actor), at: OpenWorkspace.now)
      }
    }
    let words = assignments.map { ShellWord.quoted($0.replacingOccurrences(of: "\n", with: "␊")) }
    try tell("  coulisse \(kind.words)s set \(key) \(words.joined(separator: " "))")
  }

  private func createDocuments(_ deal: String, papers: Int) throws {
    let answer = try change(deal, .move(stage: "Créer documents", from: nil))
    try expect(answer.moved && answer.rejected.isEmpty, "\(deal) was not moved: \(answer.rejected.joined(separator: "; "))")
    try expect(ran(answer) == ["create_documents"], "expected a run of create_documents, got \(ran(answer))")
    try expect(answer.stage == "Documents prêts", "the deal is in \(answer.stage), not in Documents prêts")
    let facts = try read(deal)
    guard let quote = facts["quotes"]?.arrayValue?.first else { throw CommandFault("the demo made no quote for \(deal)") }
    try expect(facts["quote_number"] == quote["number"], "the quote's number is not in the deal")
    try tell("It is moved to « Créer documents ». The guards have nothing against it, and create_documents")
    try tell(
      "  made quote \(text(quote["number"])) for \(text(quote["customer_name"])): \(text(quote["total_without_tax"])) "
        + "\(text(quote["currency"])), \(text(quote["total"])) with VAT,")
    let made = try documents(of: deal).filter { $0.template != nil }
    try expect(made.count == papers, "expected \(papers) documents, found \(made.count)")
    for document in made { try tell("  made « \(document.title) »,") }
    try tell("  wrote their links into the deal, and moved the deal on to « Documents prêts ».")
    try tellWarnings(answer)
  }

  private func sendAndSign(_ deal: String, signer: String) throws {
    let sent = try change(deal, .move(stage: "Envoyer en signature", from: nil), mayWait: true)
    try expect(sent.moved && sent.runs.map(\.status) == [.waiting], "\(deal) was not sent for signature")
    let requests = try workspace.read { tx in
      try tx.signatureRequests(of: try workspace.find(.deal, deal, tx).id)
    }
    guard requests.count == 1, let request = requests.first else {
      throw CommandFault("the demo did not go as it should: \(requests.count) requests for a signature")
    }
    try expect(request.signerName == signer, "\(request.signerName) is asked to sign, not \(signer)")
    try tell("The papers were read, and it is moved to « Envoyer en signature ». send_for_signature")
    try tell("  made one PDF of them, sent it to \(request.signerEmail), and waits, for 60 days if need be.")
    try tell("\(signer) signs: coulisse signatures sign \(request.id)")
    let signal = try workspace.resources().signal(
      request: request.id, .signed, reason: nil, declaration: workspace.version().declaration, now: OpenWorkspace.now)
    let answer = try workspace.perform(.signature(signal))
    try check(answer)
    try expect(answer.stage == "Confirmé", "the deal is in \(answer.stage), not in Confirmé")
    try expect(ran(answer) == ["send_for_signature", "pin_brief"], "expected two runs, got \(ran(answer))")
    let facts = try read(deal)
    try expect(facts["signed_urls"]?.arrayValue?.count == 1, "the signed document is not linked")
    try tell("  The run goes on: it moved the deal to « Confirmé » and put the signed document into the client's folder.")
    try tellBrief(facts)
    try tellWarnings(answer)
  }

  private func tellBrief(_ facts: JSON) throws {
    let pinned = (facts["notes"]?.arrayValue ?? []).filter { $0["pinned"]?.boolValue == true }
    try expect(pinned.count == 1, "expected one pinned note, found \(pinned.count)")
    let first = pinned.first?["text"]?.stringValue?.split(separator: "\n").first.map(String.init) ?? ""
    try tell("  pin_brief pinned the note that begins with \(first), so that the trainers see it first.")
  }

  private func win(_ deal: String) throws {
    let before = try documents(of: deal).count
    let answer = try change(deal, .close(.won))
    try expect(answer.moved && answer.status == "won", "\(deal) is \(answer.status), not won")
    let expected = ["end_of_training_documents", "thank_referrer", "won_card"]
    try expect(ran(answer).sorted() == expected, "expected three runs, got \(ran(answer))")
    try tell("It is won, and leaves the pipe. end_of_training_documents made, in the client's folder « Fin »,")
    let made = try documents(of: deal).dropFirst(before)
    try expect(made.count == 22, "expected 22 papers, found \(made.count)")
    for (template, words) in [
      ("feuille-de-presence", "attendance sheets, one a participant and day"), ("attestation", "training certificates"),
      ("certificat-de-realisation", "« certificats de réalisation »"), ("fiche-evaluation", "evaluation form"),
    ] { try tell("  \(made.count { $0.template == template }) \(words),") }
    let facts = try read(deal)
    let cards = facts["cards"]?.arrayValue ?? []
    try expect(cards.count == 1 && facts["card_url"] == cards[0]["url"], "expected one card, linked from the deal")
    try tell("won_card")
    try tell("  made the card « \(text(cards[0]["title"])) » in « \(text(cards[0]["list"])) », with the promo and the brief:")
    for line in text(cards[0]["text"]).split(separator: "\n").prefix(3) { try tell("    | \(line)") }
    let messages = facts["messages"]?.arrayValue ?? []
    try expect(messages.count == 1, "expected one message, found \(messages.count)")
    try tell("and thank_referrer")
    try tell("  wrote to \(text(messages[0]["to"])) that \(try referrer(of: facts)) brought this client,")
    try tell("  with a mail of thanks that is one click away.")
    try tellWarnings(answer)
  }

  // MARK: Papers

  /// All papers of the story that lie in folders, as they are now.
  /// - Returns: how many.
  func leavePapers(in folder: String) throws -> Int {
    let copies = DocumentCopies(try workspace.resources())
    let drive = DriveDisk(root: URL(fileURLWithPath: folder))
    try drive.makeRoot()
    let papers = try workspace.read { try $0.documents(of: nil) }.filter { $0.folderID != nil }
    for paper in papers { _ = try copies.put(paper.id, into: drive) }
    return papers.count
  }

  private func documents(of deal: String) throws -> [DocumentRow] {
    try workspace.read { tx in
      try tx.documents(of: try workspace.find(.deal, deal, tx).id).filter { $0.contentType == "text/html" }
    }
  }

  // MARK: Small things

  private func change(_ deal: String, _ change: TransitionChange, mayWait: Bool = false) throws -> EngineAnswer {
    let answer = try workspace.perform(
      .transition(TransitionRequest(deal: deal, change: change, actor: actor, requestID: UUID().uuidString)))
    try check(answer, mayWait: mayWait)
    return answer
  }

  private func check(_ answer: EngineAnswer, mayWait: Bool = false) throws {
    for run in answer.runs where run.status != .succeeded && !(mayWait && run.status == .waiting) {
      throw CommandFault("the demo did not go as it should: \(run.automation) is \(run.status.rawValue): \(run.error ?? "")")
    }
  }

  private func ran(_ answer: EngineAnswer) -> [String] { answer.runs.map(\.automation) }

  private func read(_ deal: String) throws -> JSON {
    try workspace.read { tx in
      try Exporter(schema: workspace.schema).deal(try workspace.find(.deal, deal, tx), in: tx, full: true)
    }
  }

  private func referrer(of deal: JSON) throws -> String {
    guard let key = deal["person"]?.stringValue else { return "" }
    return try workspace.read { tx in try tx.value(try workspace.find(.person, key, tx), "referrer")?.plainText ?? "" }
  }

  private func text(_ json: JSON?) -> String { json?.stringValue ?? "" }

  private func tellWarnings(_ answer: EngineAnswer) throws {
    for warning in answer.warnings { try tell("  warning: \(warning)") }
  }
}
