import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Tell the story of three deals, told as it happens in a workspace of its own.",
    discussion: """
      Makes a workspace from the example altitude in a temporary folder and keeps it, so that you can go on there. \
      Exit code 0 only if all went as told.

        coulisse demo
      """)

  func run() throws {
    let parent = FileManager.default.temporaryDirectory.path
    var template = Array("\(parent)/coulisse-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CommandFault("no folder can be made in \(parent); set TMPDIR to a folder that you may write")
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let workspace = try WorkspaceMaker.make(at: URL(fileURLWithPath: path), example: "altitude")
    let story = Story(workspace: workspace)
    try story.tell("Altitude sells training and coaching. Its scripts are in \(path)/scripts.")
    try story.coaching()
    try story.group()
    try story.badPromo()
    try story.tell("")
    try story.tell("All of it is in \(path). To go on there:")
    for line in [
      "cd \(ShellWord.quoted(path))", "coulisse deals list", "coulisse deals show groupe", "coulisse runs list",
      "coulisse run thank_referrer --deal groupe --dry-run", "coulisse deals move tout-manque \"Créer documents\"",
      "coulisse test",
    ] { try story.tell("  \(line)") }
  }
}

/// The story, told step by step; a step that does not go as told ends it with an error.
struct Story {
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
    try createDocuments("coaching")
    try confirm("coaching")
  }

  func group() throws {
    try title("2. A group training: three people of ACME, promo [EDLC_001]")
    try createDocuments("groupe")
    try confirm("groupe")
    try win("groupe")
  }

  func badPromo() throws {
    try title("3. A deal with a bad promo: Ateliers Lumen typed [EDLC001]")
    let answer = try change("promo-fausse", .move(stage: "Créer documents", from: nil))
    try expect(!answer.moved && answer.rejected.count == 1 && answer.runs.isEmpty, "the guard let a bad promo pass")
    try tell("It is moved to « Créer documents », and the guard validate_promo rejects that. Nothing has changed:")
    for reason in answer.rejected { try tell("  rejected: \(reason)") }
    try expect(answer.stage == "Proposition", "the deal is in \(answer.stage), not in Proposition")

    try workspace.write { tx in
      let field = try workspace.assignment("promo=[EDLC_001]", of: .deal, tx)
      try tx.set(
        try workspace.find(.deal, "promo-fausse", tx), field.name, field.value, author: Author(actor: actor),
        at: OpenWorkspace.now)
    }
    try tell("The salesperson mends it: coulisse deals set promo-fausse \"promo=[EDLC_001]\"")
    try createDocuments("promo-fausse")
    try confirm("promo-fausse")
    try win("promo-fausse")
  }

  // MARK: Steps

  private func createDocuments(_ deal: String) throws {
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
    try tell("  wrote its number and link into the deal, and moved the deal on to « Documents prêts ».")
    try tellWarnings(answer)
  }

  private func confirm(_ deal: String) throws {
    let sent = try change(deal, .move(stage: "Envoyer en signature", from: nil))
    try expect(sent.moved && !sent.hasFailedRun, "\(deal) was not sent for signature")
    let answer = try change(deal, .move(stage: "Confirmé", from: nil))
    try expect(answer.moved && ran(answer) == ["pin_brief"], "expected a run of pin_brief, got \(ran(answer))")
    let notes = try read(deal)["notes"]?.arrayValue ?? []
    let pinned = notes.filter { $0["pinned"]?.boolValue == true }
    try expect(pinned.count == 1, "expected one pinned note, found \(pinned.count)")
    let first = pinned.first?["text"]?.stringValue?.split(separator: "\n").first.map(String.init) ?? ""
    try tell("The documents are signed, and it is moved to « Confirmé ». pin_brief")
    try tell("  pinned the note that begins with \(first), so that the trainers see it first.")
    try tellWarnings(answer)
  }

  private func win(_ deal: String) throws {
    let answer = try change(deal, .close(.won))
    try expect(answer.moved && answer.status == "won", "\(deal) is \(answer.status), not won")
    try expect(ran(answer).sorted() == ["thank_referrer", "won_card"], "expected two runs, got \(ran(answer))")
    let facts = try read(deal)
    let cards = facts["cards"]?.arrayValue ?? []
    try expect(cards.count == 1 && facts["card_url"] == cards[0]["url"], "expected one card, linked from the deal")
    try tell("It is won, and leaves the pipe. won_card")
    try tell("  made the card « \(text(cards[0]["title"])) » in « \(text(cards[0]["list"])) », with the promo and the brief:")
    for line in text(cards[0]["text"]).split(separator: "\n").prefix(3) { try tell("    | \(line)") }
    let messages = facts["messages"]?.arrayValue ?? []
    if let referrer = try referrer(of: facts) {
      try expect(messages.count == 1, "expected one message, found \(messages.count)")
      try tell("and thank_referrer")
      try tell("  wrote to \(text(messages[0]["to"])) that \(referrer) brought this client,")
      try tell("  with a mail of thanks that is one click away.")
    } else {
      try expect(messages.isEmpty, "expected no message, found \(messages.count)")
      try tell("and thank_referrer saw that nobody had referred the client, and sent nothing.")
    }
    try tellWarnings(answer)
  }

  // MARK: Small things

  private func change(_ deal: String, _ change: TransitionChange) throws -> EngineAnswer {
    let answer = try workspace.perform(
      .transition(TransitionRequest(deal: deal, change: change, actor: actor, requestID: UUID().uuidString)))
    for run in answer.runs where run.status != .succeeded {
      throw CommandFault("the demo did not go as it should: \(run.automation) is \(run.status.rawValue): \(run.error ?? "")")
    }
    return answer
  }

  private func ran(_ answer: EngineAnswer) -> [String] { answer.runs.map(\.automation) }

  private func read(_ deal: String) throws -> JSON {
    try workspace.read { tx in
      try Exporter(schema: workspace.schema).deal(try workspace.find(.deal, deal, tx), in: tx, full: true)
    }
  }

  /// Who brought the deal's client, if anybody did.
  private func referrer(of deal: JSON) throws -> String? {
    guard let key = deal["person"]?.stringValue else { return nil }
    return try workspace.read { tx in
      let name = try tx.value(try workspace.find(.person, key, tx), "referrer")?.plainText ?? ""
      return name.isEmpty ? nil : name
    }
  }

  private func text(_ json: JSON?) -> String { json?.stringValue ?? "" }

  private func tellWarnings(_ answer: EngineAnswer) throws {
    for warning in answer.warnings { try tell("  warning: \(warning)") }
  }
}
