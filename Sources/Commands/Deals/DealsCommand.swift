import ArgumentParser
import CRM
import Engine
import Store

struct DealsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deals", abstract: "List, show, create, change and move deals.",
    discussion: """
      A deal is named by its id or its key.

        coulisse deals list --stage Proposition
        coulisse deals show groupe
        coulisse deals set groupe "promo=[EDLC_001]" owner=hugo
        coulisse deals move groupe "creer documents"
      """,
    subcommands: [
      DealsList.self, DealsShow.self, DealsCreate.self, DealsSet.self, DealsMove.self, DealsWin.self, DealsLose.self,
      DealsReopen.self, DealsNote.self,
    ])
}

struct DealsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List deals: those that are not archived, unless told otherwise.",
    discussion: """
        coulisse deals list
        coulisse deals list --stage "Créer documents" --owner hugo
        coulisse deals list --archived --json
      """)

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("Only deals in this stage.", valueName: "name")) var stage: String?
  @Option(name: .long, help: ArgumentHelp("Only deals of this user: key, id or e-mail address.", valueName: "user"))
  var owner: String?
  @Option(name: .long, help: ArgumentHelp("Only deals that are open, won or lost.", valueName: "status"))
  var status: String?
  @Flag(name: .long, help: "Archived deals too.") var archived = false

  func run() throws {
    let workspace = try shared.open()
    let deals = try workspace.read { tx in
      var criteria: [ValueField] = []
      if let stage {
        let stage = try workspace.stage(stage, tx, retired: true)
        criteria.append(ValueField("stage", .record(RecordRef(.stage, stage.id))))
      }
      if let owner { criteria.append(ValueField("owner", .record(try workspace.find(.user, owner, tx)))) }
      if let status { criteria.append(ValueField("status", .text(try DealStatus(word: status).rawValue))) }
      if !archived { criteria.append(ValueField("archived", .boolean(false))) }
      var found = try tx.find(.deal, criteria, limit: nil)
      if archived && stage != nil {
        // A search by stage leaves archived deals out unless they are asked for.
        found += try tx.find(.deal, criteria + [ValueField("archived", .boolean(true))], limit: nil)
      }
      return try found.map { try DealLine($0, tx) }
    }
    if shared.json { return try Terminal.print(JSON.array(deals.map(\.json))) }
    if deals.isEmpty { return Terminal.note("no deals") }
    var table = Table([
      ("id", .right), ("key", .left), ("title", .left), ("stage", .left), ("status", .left), ("owner", .left),
      ("total", .right),
    ])
    for deal in deals {
      let status = deal.status + (deal.archived && deal.status != "won" ? ", archived" : "")
      table.add([String(deal.id), deal.key ?? "", deal.title, deal.stage, status, deal.owner ?? "", deal.total])
    }
    try table.print()
  }
}

/// A deal in a list.
private struct DealLine {
  var id: Int64
  var key: String?
  var title: String
  var stage: String
  var status: String
  var archived: Bool
  var owner: String?
  var total: String
  var totalText: String

  init(_ ref: RecordRef, _ tx: any StoreTransaction) throws {
    guard let record = try tx.record(ref) else { throw CommandFault("there is no deal \(ref.id)") }
    id = ref.id
    key = record.key
    title = record[field: "title"].plainText
    status = record[field: "status"].plainText
    archived = record[field: "archived"] == .boolean(true)
    stage = ""
    if case .record(let ref) = record[field: "stage"] { stage = try tx.value(ref, "name")?.plainText ?? "" }
    if case .record(let ref) = record[field: "owner"] { owner = try tx.value(ref, "name")?.plainText }
    total = ""
    totalText = ""
    if case .money(let money)? = try tx.value(ref, "total") {
      total = money.description
      totalText = money.amountText
    }
  }

  var json: JSON {
    .object([
      JSONMember("id", .integer(id)), JSONMember("key", key.map { .string($0) } ?? .null),
      JSONMember("title", .string(title)), JSONMember("stage", .string(stage)), JSONMember("status", .string(status)),
      JSONMember("archived", .bool(archived)), JSONMember("owner", owner.map { .string($0) } ?? .null),
      JSONMember("total", .string(totalText)),
    ])
  }
}

struct DealsShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one deal: fields, notes, quotes, cards, messages, runs.",
    discussion: """
      With --json in the shape of an import, and what the workspace knows beside it.

        coulisse deals show groupe
        coulisse deals show groupe --json
        coulisse deals show groupe --history
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The deal's id or key.") var deal: String
  @Flag(name: .long, help: "Every change: when, by whom, from what to what.") var history = false

  func run() throws {
    let workspace = try shared.open()
    if history { return try printHistory(workspace) }
    let json = try workspace.read { tx in
      try Exporter(schema: workspace.schema).deal(try workspace.find(.deal, deal, tx), in: tx, full: true)
    }
    if shared.json { return try Terminal.print(json) }
    try DealView(json: json, schema: workspace.schema).print()
  }

  private func printHistory(_ workspace: OpenWorkspace) throws {
    let (entries, names) = try workspace.read { tx in
      let entries = try tx.history(of: try workspace.find(.deal, deal, tx))
      var names: [RecordRef: String] = [:]
      for case .record(let ref) in entries.flatMap(\.changes).flatMap({ [$0.old, $0.new] }) where names[ref] == nil {
        names[ref] = try tx.value(ref, "name")?.plainText
      }
      return (entries, names)
    }
    if shared.json {
      return try Terminal.print(
        JSON.array(
          entries.map { entry in
            .object([
              JSONMember("at", .string(entry.at.description)), JSONMember("by", .string(entry.author.actor)),
              JSONMember("run", entry.author.runID.map { .integer($0) } ?? .null),
              JSONMember(
                "changes",
                .array(
                  entry.changes.map {
                    .object([
                      JSONMember("field", .string($0.field)), JSONMember("from", $0.old.plainJSON),
                      JSONMember("to", $0.new.plainJSON),
                    ])
                  })),
            ])
          }))
    }
    func words(_ value: Value) -> String {
      if case .record(let ref) = value, let name = names[ref] { return name }
      return value.isNull ? "(empty)" : value.plainText.isEmpty ? value.summary : value.plainText
    }
    var table = Table(["at", "by", "field", "from", "to"])
    for entry in entries {
      for change in entry.changes where !(change.field == "pipeline" && entry.stageTo != nil) {
        let run = entry.author.runID.map { " (run \($0))" } ?? ""
        table.add([
          entry.at.description, entry.author.actor + run, change.field, words(change.old), words(change.new),
        ])
      }
    }
    try table.print()
  }
}
