import ArgumentParser
import CRM
import Engine
import Foundation
import Services
import Store

struct DocumentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "documents", abstract: "Documents that scripts made: list, show and open them, make PDFs of them.",
    discussion: """
      A document is named by its id or its address. It lies in the folder drive/, where any editor can correct it.

        coulisse documents list --deal groupe
        coulisse documents open coulisse://documents/12
        coulisse documents pdf --deal groupe
      """,
    subcommands: [DocumentsList.self, DocumentsShow.self, DocumentsOpen.self, DocumentsPDF.self])
}

struct DocumentsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List documents, oldest first.",
    discussion: "  coulisse documents list\n  coulisse documents list --deal groupe --json")

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("Only documents of this deal: id or key.", valueName: "id")) var deal: String?

  func run() throws {
    let workspace = try shared.open()
    let views = try workspace.read { tx in
      let deal = try deal.map { try workspace.find(.deal, $0, tx).id }
      return try tx.documents(of: deal).map { try DocumentView($0, workspace, tx) }
    }
    if shared.json { return try Terminal.print(JSON.array(views.map { JSON.object($0.members) })) }
    if views.isEmpty { return Terminal.note("no documents") }
    var table = Table([("id", .right), ("deal", .left), ("title", .left), ("created", .left), ("file", .left)])
    for view in views {
      let row = view.row
      table.add([String(row.id), view.deal ?? "", row.title, row.createdAt.description, "drive/\(row.path)"])
    }
    try table.print()
  }
}

struct DocumentsShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one document: what it is, where it lies, whether it was corrected by hand.",
    discussion: "  coulisse documents show 12\n  coulisse documents show coulisse://documents/12 --json")

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The document's id or address.") var id: String

  func run() throws {
    let workspace = try shared.open()
    let view = try workspace.read { try DocumentView(try PaperName.document(id, $0), workspace, $0) }
    let state = DocumentState(view.row, drive: DriveDisk(root: workspace.folder.drive))
    if shared.json { return try Terminal.print(JSON.object(view.members + state.members(in: workspace.folder))) }
    for line in view.lines + state.lines(in: workspace.folder) { try Terminal.print(line) }
  }
}

/// A document as commands tell it.
struct DocumentView {
  var row: DocumentRow
  /// The deal's key, or its id.
  var deal: String?
  var members: [JSONMember]

  init(_ row: DocumentRow, _ workspace: OpenWorkspace, _ tx: any StoreTransaction) throws {
    self.row = row
    deal = try row.dealID.map { try tx.record(RecordRef(.deal, $0))?.key ?? String($0) }
    members = Exporter(schema: workspace.schema).document(row).objectValue ?? []
    members += [
      JSONMember("deal", deal.map { .string($0) } ?? .null), JSONMember("content_type", .string(row.contentType)),
    ]
  }

  var lines: [String] {
    var rows = [("deal", deal ?? "(none)")]
    if let template = row.template { rows.append(("template", "templates/\(template).html")) }
    rows += [
      ("address", WorkspaceAddress.of(RecordRef(.document, row.id)) ?? ""), ("created", row.createdAt.description),
    ]
    return ["document \(row.id): \(Terminal.visible(row.title))"] + rows.map(DocumentView.line)
  }

  static func line(_ label: String, _ text: String) -> String {
    "  \(label.padding(toLength: 10, withPad: " ", startingAt: 0))\(Terminal.visible(text))"
  }
}

/// What has become of a document's file since it was made.
struct DocumentState {
  private let row: DocumentRow
  /// Size and hash as they are now.
  private var present: (size: Int, sha256: String)?
  /// Why the file can't be read.
  private var fault: String?

  init(_ row: DocumentRow, drive: DriveDisk) {
    self.row = row
    do throws(ServiceFailure) {
      let path = row.path.split(separator: "/").map(String.init)
      let bytes = try drive.read(path, limit: Int.max - 1).bytes
      present = (bytes.count, ContentHash.sha256(bytes))
    } catch {
      fault = error.message
    }
  }

  func members(in folder: WorkspaceFolder) -> [JSONMember] {
    [
      JSONMember("file", .string(file(in: folder))),
      JSONMember("size", present.map { .integer(Int64($0.size)) } ?? .null),
      JSONMember("sha256", present.map { .string($0.sha256) } ?? .null),
      JSONMember("corrected", present.map { .bool($0.sha256 != row.sha256) } ?? .null),
      JSONMember("fault", fault.map { .string($0) } ?? .null),
    ]
  }

  func lines(in folder: WorkspaceFolder) -> [String] {
    var lines = [DocumentView.line("file", file(in: folder))]
    if let present {
      lines.append(DocumentView.line("size", "\(present.size) bytes"))
      lines.append(DocumentView.line("state", present.sha256 == row.sha256 ? "as it was made" : "corrected by hand"))
    }
    if let fault { lines.append(DocumentView.line("fault", fault)) }
    return lines
  }

  private func file(in folder: WorkspaceFolder) -> String { folder.drive.appendingPathComponent(row.path).path }
}
