import ArgumentParser
import CRM
import Engine
import Store

/// A kind of record that has a command of its own.
protocol RecordFamily {
  static var kind: RecordKind { get }
  /// The fields that a list shows beside id and key.
  static var columns: [String] { get }
  static var example: (name: String, assignment: String) { get }
}

enum Persons: RecordFamily {
  static let kind = RecordKind.person
  static let columns = ["name", "email", "job_title", "organization"]
  static let example = (name: "jeremy", assignment: "referrer=Nelly")
}

enum Organizations: RecordFamily {
  static let kind = RecordKind.organization
  static let columns = ["name", "siret", "vat_number"]
  static let example = (name: "acme", assignment: "siret=73282932000074")
}

enum Products: RecordFamily {
  static let kind = RecordKind.product
  static let columns = ["name", "price", "vat_rate", "category"]
  static let example = (name: "edlc", assignment: "price=1900.00")
}

extension RecordFamily {
  static var plural: String { kind.words + "s" }
}

struct RecordsCommand<Family: RecordFamily>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: Family.plural, abstract: "List, show and change \(Family.plural).",
      discussion: """
          coulisse \(Family.plural) list
          coulisse \(Family.plural) show \(Family.example.name)
          coulisse \(Family.plural) set \(Family.example.name) \(Family.example.assignment)
        """,
      subcommands: [RecordsList<Family>.self, RecordsShow<Family>.self, RecordsSet<Family>.self])
  }
}

struct RecordsList<Family: RecordFamily>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "list", abstract: "List \(Family.plural).", discussion: "  coulisse \(Family.plural) list --json")
  }

  @OptionGroup var shared: SharedOptions

  func run() throws {
    let workspace = try shared.open()
    let exporter = Exporter(schema: workspace.schema)
    if shared.json {
      return try Terminal.print(
        JSON.array(
          try workspace.read { tx in try tx.find(Family.kind, [], limit: nil).map { try exporter.record($0, in: tx) } }))
    }
    var table = Table([("id", .right), ("key", .left)] + Family.columns.map { ($0, $0 == "price" ? .right : .left) })
    try workspace.read { tx in
      for ref in try tx.find(Family.kind, [], limit: nil) {
        let cells = try Family.columns.map { column in
          guard let value = try tx.value(ref, column), !value.isNull else { return "" }
          if case .record(let other) = value { return try tx.value(other, "name")?.plainText ?? "" }
          return value.summaryForTable
        }
        table.add([String(ref.id), try tx.record(ref)?.key ?? ""] + cells)
      }
    }
    if table.rows.isEmpty { return Terminal.note("no \(Family.plural)") }
    try table.print()
  }
}

extension Value {
  /// Text as it is; amounts, numbers and dates as they are written.
  var summaryForTable: String {
    if case .text(let text) = self { text } else { summary }
  }
}

struct RecordsShow<Family: RecordFamily>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "show", abstract: "Show one \(Family.kind.words).",
      discussion: "  coulisse \(Family.plural) show \(Family.example.name) --json")
  }

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Its id or key.") var name: String

  func run() throws {
    let workspace = try shared.open()
    let json = try workspace.read { tx in
      try Exporter(schema: workspace.schema).record(try workspace.find(Family.kind, name, tx), in: tx)
    }
    if shared.json { return try Terminal.print(json) }
    try RecordView.print(json, Family.kind, workspace.schema)
  }
}

struct RecordsSet<Family: RecordFamily>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "set", abstract: "Set fields of a \(Family.kind.words).",
      discussion: """
        A field is named by its key or its French label; "field=" empties it.

          coulisse \(Family.plural) set \(Family.example.name) \(Family.example.assignment)
        """)
  }

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Its id or key.") var name: String
  @Argument(help: "What to set, as field=value.") var assignments: [String]

  func run() throws {
    let workspace = try shared.open()
    let json = try RecordEdit.set(workspace, shared, Family.kind, name, assignments) { ref, tx in
      try Exporter(schema: workspace.schema).record(ref, in: tx)
    }
    if shared.json { try Terminal.print(json) }
  }
}

/// Fields set by hand: all of them or none, each with its line in the history.
enum RecordEdit {
  static func set(
    _ workspace: OpenWorkspace, _ shared: SharedOptions, _ kind: RecordKind, _ name: String, _ assignments: [String],
    then show: (RecordRef, any StoreTransaction) throws -> JSON
  ) throws -> JSON {
    let author = try workspace.author(shared)
    let now = OpenWorkspace.now
    var changed: [String] = []
    let json = try workspace.write { tx in
      let ref = try workspace.find(kind, name, tx)
      for text in assignments {
        let field = try workspace.assignment(text, of: kind, tx)
        try workspace.checkKey(field, of: kind, tx, except: ref)
        if try tx.value(ref, field.name) != field.value { changed.append(field.name) }
        try tx.set(ref, field.name, field.value, author: author, at: now)
      }
      try tx.flush()
      return try show(ref, tx)
    }
    if !shared.json {
      let what = changed.isEmpty ? "nothing to change" : "changed: " + changed.joined(separator: ", ")
      try Terminal.print("\(kind.words) \(Terminal.visible(name)): \(what)")
    }
    return json
  }
}

/// A record as a person reads it: French labels and values.
enum RecordView {
  static func print(_ json: JSON, _ kind: RecordKind, _ schema: RecordSchema) throws {
    var rows: [(String, String)] = []
    for member in json.objectValue ?? [] {
      let label = member.name == "id" ? "id" : schema.field(kind, member.name)?.label ?? member.name
      rows.append((label, text(member.value)))
    }
    let width = rows.map { DisplayWidth.of($0.0) }.max() ?? 0
    for (label, text) in rows {
      try Terminal.print(label + String(repeating: " ", count: width - DisplayWidth.of(label) + 2) + text)
    }
  }

  static func text(_ json: JSON) -> String {
    switch json {
    case .string(let text): Terminal.visible(text, keepingLines: true)
    case .integer(let number): String(number)
    case .number(let text): text
    case .bool(let flag): flag ? "yes" : "no"
    case .null: ""
    case .array(let elements): elements.map(text).joined(separator: ", ")
    case .object(let members): members.map { text($0.value) }.filter { !$0.isEmpty }.joined(separator: ", ")
    }
  }
}
