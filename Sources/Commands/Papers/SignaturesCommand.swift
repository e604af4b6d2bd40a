import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct SignaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "signatures", abstract: "Requests for signatures: list and show them, sign, decline and take back.",
    discussion: """
      With the local signature service this is where papers are signed. A request is named by its id or its address.

        coulisse signatures list --state sent
        coulisse signatures sign 3
        coulisse signatures decline 3 --reason "Les dates ne vont pas"
      """,
    subcommands: [
      SignaturesList.self, SignaturesShow.self, SignaturesSign.self, SignaturesDecline.self, SignaturesView.self,
      SignaturesCancel.self,
    ])
}

extension SignatureState: ExpressibleByArgument {}

struct SignaturesList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List requests for signatures, the latest first.",
    discussion: """
        coulisse signatures list
        coulisse signatures list --state sent --state viewed
        coulisse signatures list --deal groupe --json
      """)

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("Only requests of this deal: id or key.", valueName: "id")) var deal: String?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only requests in this state: \(SignatureState.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "state"))
  var state: [SignatureState] = []

  func run() throws {
    let workspace = try shared.open()
    let views = try workspace.read { tx in
      let deal = try deal.map { try workspace.find(.deal, $0, tx).id }
      return try tx.signatureRequests(of: deal).filter { state.isEmpty || state.contains($0.state) }.reversed()
        .map { try SignatureView($0, workspace, tx) }
    }
    if shared.json { return try Terminal.print(JSON.array(views.map { JSON.object($0.members) })) }
    if views.isEmpty { return Terminal.note("no signature requests") }
    var table = Table([
      ("id", .right), ("deal", .left), ("title", .left), ("signer", .left), ("state", .left), ("sent", .left),
      ("closed", .left),
    ])
    for view in views {
      let row = view.row
      table.add([
        String(row.id), view.deal, row.title, row.signerName, row.state.rawValue, row.sentAt.description,
        row.closedAt?.description ?? "",
      ])
    }
    try table.print()
  }
}

struct SignaturesShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one request for a signature.",
    discussion: "  coulisse signatures show 3\n  coulisse signatures show coulisse://signatures/3 --json")

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The request's id or address.") var id: String

  func run() throws {
    let workspace = try shared.open()
    let view = try workspace.read { try SignatureView(try PaperName.signature(id, $0), workspace, $0) }
    if shared.json { return try Terminal.print(JSON.object(view.members)) }
    for line in view.lines { try Terminal.print(line) }
  }
}

/// A request for a signature as commands tell it.
struct SignatureView {
  var row: SignatureRequestRow
  /// Its key, or its id.
  var deal: String
  var members: [JSONMember]
  private var sent: DocumentRow?
  private var signed: DocumentRow?

  init(_ row: SignatureRequestRow, _ workspace: OpenWorkspace, _ tx: any StoreTransaction) throws {
    self.row = row
    deal = try tx.record(RecordRef(.deal, row.dealID))?.key ?? String(row.dealID)
    sent = try tx.document(row.documentID)
    signed = try row.signedDocumentID.flatMap { try tx.document($0) }
    members = Exporter(schema: workspace.schema).signature(row).objectValue ?? []
    members += [
      JSONMember("deal", .string(deal)), JSONMember("signer_email", .string(row.signerEmail)),
      JSONMember("viewed_at", Exporter.time(row.viewedAt)),
      JSONMember("document", Exporter.address(.document, row.documentID)),
    ]
  }

  var lines: [String] {
    var rows = [
      ("deal", deal), ("signer", "\(row.signerName) <\(row.signerEmail)>"),
      ("paper", sent.map { "drive/\($0.path)" } ?? ""),
      ("sent", row.sentAt.description),
    ]
    if let viewed = row.viewedAt { rows.append(("viewed", viewed.description)) }
    if let closed = row.closedAt { rows.append((row.state.rawValue, closed.description)) }
    if let reason = row.reason { rows.append(("reason", reason)) }
    if let signed {
      rows.append(("signed paper", "drive/\(signed.path)"))
      rows.append(("", WorkspaceAddress.of(RecordRef(.document, signed.id)) ?? ""))
    }
    return ["signature request \(row.id): \(Terminal.visible(row.title)), \(row.state.rawValue)"]
      + rows.map { "  \($0.0.padding(toLength: 14, withPad: " ", startingAt: 0))\(Terminal.visible($0.1))" }
  }
}
