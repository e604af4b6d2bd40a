import ArgumentParser
import CRM
import Engine
import Foundation
import Services
import Store

struct TemplatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "templates", abstract: "Templates of documents: list them, try one with a deal's data.",
    discussion: """
      Templates are HTML files in templates/ with placeholders like {{deal.title}}. "coulisse check" looks into all of \
      them.

        coulisse templates list
        coulisse templates preview convention --deal groupe
      """,
    subcommands: [TemplatesList.self, TemplatesPreview.self])
}

struct TemplatesList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List templates, with the fields that each uses and what keeps it from being read.",
    discussion: "  coulisse templates list\n  coulisse templates list --json")

  @OptionGroup var shared: SharedOptions

  func run() throws {
    let templates = try TemplateLine.all(in: try shared.open().folder)
    if shared.json { return try Terminal.print(JSON.array(templates.map(\.json))) }
    if templates.isEmpty { return Terminal.note("no templates: templates/ holds no HTML file") }
    for template in templates {
      try Terminal.print(Terminal.emphasized(Terminal.visible(template.name), .bold, on: .data))
      if let problem = template.problem { try Terminal.print("  can't be read: \(Terminal.visible(problem))") }
      for line in Self.wrapped(template.fields) { try Terminal.print("  \(line)") }
    }
  }

  /// As many names on a line as fit.
  private static func wrapped(_ names: [String]) -> [String] {
    var lines: [String] = []
    for name in names {
      if let last = lines.last, DisplayWidth.of(last) + DisplayWidth.of(name) < 100 {
        lines[lines.count - 1] = "\(last), \(name)"
      } else {
        lines.append(name)
      }
    }
    return lines
  }
}

/// A template in a list. One that can't be read does not keep the others out of it.
struct TemplateLine {
  var name: String
  var path: String
  var fields: [String] = []
  var problem: String?

  static func all(in folder: WorkspaceFolder) throws -> [TemplateLine] {
    let paths = folder.templatePaths()
    // One that can't be read must not hide the others.
    var texts: [String: String] = [:]
    for path in paths { texts[Self.name(path)] = (try? folder.text(of: path)) ?? "" }
    let shelf = TemplateShelf(texts)
    return paths.filter { shelf.names.contains(Self.name($0)) }.map { path in
      var line = TemplateLine(name: Self.name(path), path: path)
      do {
        _ = try folder.text(of: path)
        line.fields = try shelf.template(named: line.name).fields
      } catch {
        line.problem = "\(error)"
      }
      return line
    }
  }

  private static func name(_ path: String) -> String {
    String(path.dropFirst("templates/".count).dropLast(".html".count))
  }

  var json: JSON {
    .object([
      JSONMember("name", .string(name)), JSONMember("path", .string(path)),
      JSONMember("readable", .bool(problem == nil)),
      JSONMember("fields", .array(fields.map { .string($0) })),
      JSONMember("problem", problem.map { .string($0) } ?? .null),
    ])
  }
}

struct TemplatesPreview: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Make a PDF of a template with a deal's data, and nothing else.",
    discussion: """
      Every placeholder that is unknown or empty is told with its line; the PDF is made all the same, with holes, and \
      the exit code is 1. What scripts give is filled in: the deal's first training, its first participant or contact, \
      today, no days, a quote if there is none yet.

        coulisse templates preview convention --deal groupe
        coulisse templates preview attestation --deal groupe --participant jeremy --to /tmp/attestation.pdf
      """)

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("The deal's id or key.", valueName: "id")) var deal: String
  @Option(name: .long, help: ArgumentHelp("The person for whom it is: id or key.", valueName: "id"))
  var participant: String?
  @Option(name: .long, help: ArgumentHelp("The PDF, which is overwritten. (default: NAME.pdf here)", valueName: "file"))
  var to: String?
  @Argument(help: "The template's name.") var name: String

  func run() throws {
    let workspace = try shared.open()
    try workspace.read { _ in }
    let version = try workspace.version()
    let name = self.name.hasSuffix(".html") ? String(self.name.dropLast(".html".count)) : self.name
    let store = try Store(path: workspace.folder.database, currency: workspace.declaration.currency)
    let preview = try store.rehearse { tx in
      let deal = try workspace.find(.deal, deal, tx)
      let person = try participant.map { try workspace.find(.person, $0, tx) }
      return try TemplatePreview(
        name, deal: deal, participant: person, services: version.services,
        world: ServiceWorld(
          transaction: tx, declaration: version.declaration, schema: version.schema, now: OpenWorkspace.now))
    }
    let printShop = PrintShop(Installation.printing)
    defer { printShop.stop() }
    let pdf = try printShop.pdf(html: preview.html, name: "templates/\(name).html")
    let file = URL(fileURLWithPath: to ?? "\(name).pdf").standardizedFileURL
    do {
      try Data(pdf.bytes).write(to: file, options: .atomic)
    } catch {
      throw CommandFault("\(file.path) can't be written: \(Terminal.words(of: error))")
    }
    try tell(preview, file, pages: pdf.pages)
    if !preview.faults.isEmpty { throw ExitCode(1) }
  }

  private func tell(_ preview: TemplatePreview, _ file: URL, pages: Int) throws {
    if shared.json {
      return try Terminal.print(
        JSON.object([
          JSONMember("path", .string(file.path)), JSONMember("pages", .integer(Int64(pages))),
          JSONMember(
            "problems",
            .array(
              preview.faults.map {
                .object([
                  JSONMember("file", .string($0.file)), JSONMember("line", .integer(Int64($0.line))),
                  JSONMember("message", .string($0.message)),
                ])
              })), JSONMember("warnings", .array(preview.warnings.map { .string($0) })),
        ]))
    }
    for warning in preview.warnings { Terminal.warn(warning) }
    for fault in preview.faults {
      Terminal.note(Terminal.visible(fault.description))
    }
    try Terminal.print(Terminal.isTerminal(.data) ? Terminal.visible(file.path) : file.path)
  }
}
