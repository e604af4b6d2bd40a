import ArgumentParser
import CRM
import Engine
import Store

struct DealsCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Create a deal. No script runs: scripts react to moves.",
    discussion: """
        coulisse deals create --title "EDLC pour ACME" --key acme-edlc --owner floriane --organization acme
        coulisse deals create --title "Bilan de Zoé" --stage Proposition hours_total=24
      """)

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: "The deal's title.") var title: String
  @Option(name: .long, help: "Your own name for it, to use in place of the id.") var key: String?
  @Option(name: .long, help: "The stage in which it begins. (default: the first one)") var stage: String?
  @Option(name: .long, help: "The user who is responsible: key, id or e-mail address.") var owner: String?
  @Option(name: .long, help: "The organization: key or id.") var organization: String?
  @Option(name: .long, help: "The person: key or id.") var person: String?
  @Option(name: .long, help: "The deal's own e-mail address.") var email: String?
  @Argument(help: "More fields, as field=value.") var assignments: [String] = []

  func run() throws {
    let workspace = try shared.open()
    let author = try workspace.author(shared)
    let now = OpenWorkspace.now
    let json = try workspace.write { tx in
      let stages = try tx.stages().filter { !$0.isRetired }
      guard let stage = try self.stage.map({ try workspace.stage($0, tx) }) ?? stages.first else {
        throw CommandFault("workspace.lua declares no stage; a deal needs one")
      }
      let given = [
        ("title", title), ("key", key), ("owner", owner), ("organization", organization), ("person", person),
        ("email", email),
      ]
      var fields: [ValueField] = []
      for text in given.compactMap({ name, value in value.map { "\(name)=\($0)" } }) + assignments {
        let field = try workspace.assignment(text, of: .deal, tx)
        fields.removeAll { $0.name == field.name }
        fields.append(field)
      }
      fields += [
        ValueField("pipeline", .record(RecordRef(.pipeline, stage.pipelineID))),
        ValueField("stage", .record(RecordRef(.stage, stage.id))),
        ValueField("status", .text(DealStatus.open.rawValue)), ValueField("archived", .boolean(false)),
        ValueField("created_at", .instant(now)),
      ]
      for field in fields { try workspace.checkKey(field, of: .deal, tx) }
      let ref = try tx.insert(.deal, fields, author: author, at: now)
      return try Exporter(schema: workspace.schema).deal(ref, in: tx, full: true)
    }
    if shared.json { return try Terminal.print(json) }
    try Terminal.print("created deal \(json["id"]?.integerValue ?? 0), in \(json["stage"]?.stringValue ?? "")")
  }
}

struct DealsSet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Set fields of a deal.",
    discussion: """
      A field is named by its key or its French label; "field=" empties it. The stage changes by "deals move", the \
      status by "deals win", "lose" and "reopen".

        coulisse deals set groupe "promo=[EDLC_001]" hours_total=49
        coulisse deals set groupe "Date de début de mission=2026-11-03"
        coulisse deals set groupe promo=
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The deal's id or key.") var deal: String
  @Argument(help: "What to set, as field=value.") var assignments: [String]

  func run() throws {
    let workspace = try shared.open()
    let json = try RecordEdit.set(workspace, shared, .deal, deal, assignments) { ref, tx in
      try Exporter(schema: workspace.schema).deal(ref, in: tx, full: true)
    }
    if shared.json { try Terminal.print(json) }
  }
}

struct DealsNote: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "note", abstract: "Add a note to a deal.",
    discussion: """
        coulisse deals note groupe "Rappeler Jérémy lundi"
        coulisse deals note groupe --pinned "Les séances ont lieu l'après-midi."
        coulisse deals note groupe -- "- premier point"
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Pin it at the top.") var pinned = false
  @Argument(help: "The deal's id or key.") var deal: String
  @Argument(help: "The note's text.") var text: String

  func run() throws {
    let workspace = try shared.open()
    let author = try workspace.author(shared)
    let now = OpenWorkspace.now
    guard !text.utf8.contains(0), !text.isEmpty else { throw CommandFault("a note needs a text") }
    let (note, ref) = try workspace.write { tx in
      let ref = try workspace.find(.deal, deal, tx)
      let note = try tx.insert(
        .note,
        [
          ValueField("deal", .record(ref)), ValueField("text", .text(text)), ValueField("pinned", .boolean(pinned)),
          ValueField("created_at", .instant(now)), ValueField("author", .text(author.actor)),
        ], author: author, at: now)
      return (note, ref)
    }
    if shared.json {
      try Terminal.print(
        JSON.object([
          JSONMember("id", .integer(note.id)), JSONMember("deal", .integer(ref.id)), JSONMember("text", .string(text)),
          JSONMember("pinned", .bool(pinned)),
        ]))
    } else {
      try Terminal.print("note \(note.id) is in deal \(ref.id)")
    }
  }
}
