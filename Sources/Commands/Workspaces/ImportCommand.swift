import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Import users, organizations, persons, products and deals from JSON.",
    discussion: """
      All or nothing: if anything is wrong, every fault is told with its path in the file, and nothing is imported. \
      Records are known by their "key": importing the same keys again updates what the file gives. An import is data; \
      no guard and no automation runs.

        coulisse import data.json
        coulisse export --workspace ../old | coulisse import -

      The shape, with all sections optional:
        {"users": [{"key", "name", "email"}],
         "organizations": [{"key", "name", "siret", "vat_number",
           "address": {"street", "postal_code", "city", "country"}}],
         "persons": [{"key", "first_name", "last_name", "email", "job_title",
           "organization": KEY}],
         "products": [{"key", "name", "description", "price": "1800.00",
           "vat_rate": "20", …}],
         "deals": [{"key", "title", "stage", "owner": KEY, "organization": KEY,
           "person": KEY, "participants": [KEY],
           "lines": [{"product": KEY, "quantity", "price", "discount": "10%"}],
           "notes": [{"text", "pinned"}]}]}
      and the fields that workspace.lua declares.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "A JSON file, or - for standard input.") var file: String

  func run() throws {
    let workspace = try shared.open()
    let author = try workspace.author(shared)
    let name = file == "-" ? "standard input" : file
    let document: JSON
    do {
      var bytes = try bytes()
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }  // A byte order mark says nothing.
      document = try JSON(parsing: bytes)
    } catch let fault as JSONFault {
      let isCutOff = ["the end of the text", "has no end", "ends within an escape"].contains { fault.message.hasSuffix($0) }
      throw CommandFault("\(name): \(fault). Nothing was imported\(isCutOff ? "; the file seems to be cut off" : "")")
    }
    let summary = try Self.run(document, workspace, author)
    if shared.json { return try Terminal.print(Self.json(summary)) }
    for (kind, count) in Self.counts(summary) {
      try Terminal.print("\(kind): \(count.created) created, \(count.updated) updated, \(count.unchanged) unchanged")
    }
    if Self.counts(summary).isEmpty { Terminal.note("\(name) holds no records") }
  }

  private func bytes() throws -> [UInt8] {
    if file == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
    } catch {
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
      let reason = isFolder.boolValue ? "it is a folder" : isThere ? Terminal.words(of: error) : "there is no such file"
      throw CommandFault("\(file) can't be read: \(reason)")
    }
  }

  /// Imports in one transaction, with progress for a person who watches.
  static func run(_ document: JSON, _ workspace: OpenWorkspace, _ author: Author) throws -> ImportSummary {
    let importer = Importer(schema: workspace.schema, declaration: workspace.declaration)
    let watched = Terminal.isTerminal(.errors)
    var shown = -1
    return try workspace.write { tx in
      try importer.run(document, in: tx, author: author, at: OpenWorkspace.now) { done, all in
        guard watched, all >= 2_000, done * 100 / all != shown else { return }
        shown = done * 100 / all
        let end = done == all ? "\n" : ""
        try? FileHandle.standardError.write(contentsOf: Data("\r\(done) of \(all) records (\(shown) %)\(end)".utf8))
      }
    }
  }

  private static func counts(_ summary: ImportSummary) -> [(kind: String, count: ImportSummary.Count)] {
    [RecordKind.user, .organization, .person, .product, .deal]
      .map { ($0.words + "s", summary[$0]) }.filter { $0.1.total > 0 }
  }

  private static func json(_ summary: ImportSummary) -> JSON {
    .object(
      counts(summary).map { kind, count in
        JSONMember(
          kind,
          .object([
            JSONMember("created", .integer(Int64(count.created))), JSONMember("updated", .integer(Int64(count.updated))),
            JSONMember("unchanged", .integer(Int64(count.unchanged))),
          ]))
      })
  }
}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Export everything that an import takes, as JSON.",
    discussion: """
      Quotes, cards, messages and runs are not part of it: "coulisse deals show ID --json" gives those of one deal.

        coulisse export > data.json
        coulisse export data.json
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The file to write. (default: standard output)") var file: String?

  func run() throws {
    let workspace = try shared.open()
    let document = try workspace.read { try Exporter(schema: workspace.schema).document(in: $0) }
    let bytes = Terminal.steady(document.bytes(pretty: true)) + [UInt8(ascii: "\n")]
    guard let file, file != "-" else { return try Terminal.write(bytes) }
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw CommandFault("\(file) can't be written: \(Terminal.words(of: error))")
    }
    Terminal.note("wrote \(file)")
  }
}
