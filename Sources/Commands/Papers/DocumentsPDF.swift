import ArgumentParser
import CRM
import Engine
import Foundation
import Services
import Store

struct DocumentsOpen: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open", abstract: "Print where a document's file is; on a desktop, open it too.",
    discussion: """
      On a terminal, and where there is xdg-open, the file is opened with the program that the desktop has for it. \
      With --pdf it is a PDF of the document's present state, kept beside the drive's papers for as long as the \
      document stays as it is.

        coulisse documents open 12
        coulisse documents open coulisse://documents/12 --pdf
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "A PDF of its present state.") var pdf = false
  @Argument(help: "The document's id or address.") var id: String

  func run() throws {
    let workspace = try shared.open()
    let row = try workspace.read { try PaperName.document(id, $0) }
    var path = row.path
    if pdf {
      path = try workspace.withCopies { try $0.view(of: row.id).joined(separator: "/") }
    } else if try DriveDisk(root: workspace.folder.drive).entry(path.split(separator: "/").map(String.init)) == nil {
      throw CommandFault("document \(row.id): drive/\(path) is not there any more; was it moved or removed by hand?")
    }
    let file = workspace.folder.drive.appendingPathComponent(path).path
    if shared.json { return try Terminal.print(JSON.object([JSONMember("path", .string(file))])) }
    // A path, for other programs: as it is, when no terminal shows it.
    try Terminal.print(Terminal.isTerminal(.data) ? Terminal.visible(file) : file)
    if Terminal.isTerminal(.data) { Desktop.open(file) }
  }
}

/// The desktop that may be around a terminal.
enum Desktop {
  /// Hands a file over to it, if there is one; otherwise nothing happens, since the path was printed.
  static func open(_ file: String) {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let places = folders.map { "\($0)/xdg-open" }
    guard let opener = places.first(where: FileManager.default.isExecutableFile) else { return }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: opener)
    process.arguments = [file]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try? process.run()
  }
}

struct DocumentsPDF: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pdf", abstract: "Make PDFs of documents in their present state, in a folder.",
    discussion: """
      The PDFs have the documents' names. A file that is there already and says something else is not overwritten: the \
      PDF gets a number.

        coulisse documents pdf 12 13
        coulisse documents pdf --deal groupe
        coulisse documents pdf --deal groupe --to ~/Bureau/groupe
      """)

  @OptionGroup var shared: SharedOptions
  @Option(
    name: .long, help: ArgumentHelp("All documents of this deal that lie in folders: id or key.", valueName: "id"))
  var deal: String?
  @Option(
    name: .long,
    help: ArgumentHelp("The folder. (default: documents-KEY for a deal, else the current one)", valueName: "dir"))
  var to: String?
  @Argument(help: "The documents' ids or addresses.") var ids: [String] = []

  func validate() throws {
    if ids.isEmpty && deal == nil { throw ValidationError("expected documents, or --deal ID; found neither") }
  }

  func run() throws {
    let workspace = try shared.open()
    let (rows, name) = try workspace.read { tx -> ([DocumentRow], String?) in
      var rows = try ids.map { try PaperName.document($0, tx) }
      guard let deal else { return (rows, nil) }
      let ref = try workspace.find(.deal, deal, tx)
      // What lies in folders: papers on their way and signed ones as they came are there as copies.
      rows += try tx.documents(of: ref.id).filter { row in
        row.folderID != nil && !rows.contains { $0.id == row.id }
      }
      return (rows, try tx.record(ref)?.key ?? String(ref.id))
    }
    if rows.isEmpty { return shared.json ? try Terminal.print(JSON.array([])) : Terminal.note("no documents") }
    let folder = URL(
      fileURLWithPath: to ?? name.map { DriveName("documents-\($0)", fallback: "documents").text } ?? ".")
    let disk = DriveDisk(root: folder)
    try disk.makeRoot()
    var made: [JSON] = []
    var hasFailed = false
    try workspace.withCopies { copies in
      for row in rows {
        // One that can't be printed is no reason to keep the others back.
        do throws(ServiceFailure) {
          let file = folder.appendingPathComponent(try copies.put(row.id, into: disk)).path
          made.append(.object([JSONMember("id", .integer(row.id)), JSONMember("path", .string(file))]))
          if !shared.json { try? Terminal.print(Terminal.isTerminal(.data) ? Terminal.visible(file) : file) }
        } catch {
          hasFailed = true
          let label = Terminal.emphasized("error: ", .red, on: .errors)
          Terminal.note("\(label)document \(row.id): \(Terminal.visible(error.message))")
        }
      }
    }
    if shared.json { try Terminal.print(JSON.array(made)) }
    if hasFailed { throw ExitCode(1) }
  }
}

extension OpenWorkspace {
  /// What makes PDFs for people, with a Python process of its own if one is needed.
  func withCopies<T>(_ body: (DocumentCopies) throws -> T) throws -> T {
    let printShop = PrintShop(Installation.printing)
    defer { printShop.stop() }
    let store = try Store(path: folder.database, mode: .readOnly, currency: declaration.currency)
    return try body(DocumentCopies(folder.resources(store, printShop)))
  }
}
