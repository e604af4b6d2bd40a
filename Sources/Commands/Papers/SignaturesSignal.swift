import ArgumentParser
import CRM
import Engine
import Foundation
import Services
import Store

struct SignaturesSign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign a paper in its signer's place, and wake the run that waits for it.",
    discussion: """
      The signed paper is the PDF that was sent, with a page behind it that says who signed it and when. The answer \
      comes when the runs that the signature woke have ended, wait, or have their next attempt scheduled. A paper that \
      is signed already is not signed again.

        coulisse signatures sign 3
        coulisse signatures sign coulisse://signatures/3 --json
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The request's id or address.") var id: String

  func run() throws { try SignatureChange(shared, id, .signed).perform() }
}

struct SignaturesDecline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decline", abstract: "Decline to sign, in the signer's place.",
    discussion: "  coulisse signatures decline 3 --reason \"Les dates ne vont pas\"")

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("Why the signer declines.", valueName: "text")) var reason: String
  @Argument(help: "The request's id or address.") var id: String

  func validate() throws { try SignatureChange.check(reason) }

  func run() throws { try SignatureChange(shared, id, .declined, reason: reason).perform() }
}

struct SignaturesView: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "view", abstract: "Note that the signer has opened the paper.",
    discussion: "  coulisse signatures view 3")

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The request's id or address.") var id: String

  func run() throws { try SignatureChange(shared, id, .viewed).perform() }
}

struct SignaturesCancel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Take a request back: nobody can sign it any more.",
    discussion: """
        coulisse signatures cancel 3
        coulisse signatures cancel 3 --reason "Remplacé par un nouveau devis" --as floriane@altitude.example
      """)

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("Why it is taken back.", valueName: "text")) var reason: String?
  @Argument(help: "The request's id or address.") var id: String

  func validate() throws { try reason.map(SignatureChange.check) }

  func run() throws { try SignatureChange(shared, id, .cancelled, reason: reason).perform() }
}

/// Asks the engine for a change of a request's state and tells the answer.
struct SignatureChange {
  private let shared: SharedOptions
  private let name: String
  private let state: SignatureState
  private let reason: String?

  init(_ shared: SharedOptions, _ name: String, _ state: SignatureState, reason: String? = nil) {
    self.shared = shared
    self.name = name
    self.state = state
    self.reason = reason
  }

  static func check(_ reason: String) throws {
    guard reason.contains(where: { !$0.isWhitespace }), !reason.utf8.contains(0) else {
      throw ValidationError("--reason: expected a text, found nothing")
    }
  }

  /// - Throws: `ExitCode(1)` when a run failed; the engine's words when the request can't come into this state.
  func perform() throws {
    let workspace = try shared.open()
    let id = try workspace.read { try PaperName.signature(name, $0).id }
    let actor = state == .cancelled ? try workspace.actor(shared.actor) : nil
    let printShop = PrintShop(Installation.printing)
    defer { printShop.stop() }
    let resources = workspace.folder.resources(
      try Store(path: workspace.folder.database, currency: workspace.declaration.currency), printShop)
    // With the templates, one of which may be the page that is added.
    let declaration = state == .signed ? try workspace.version().declaration : workspace.declaration
    let signal = try resources.signal(
      request: id, state, reason: reason, actor: actor, declaration: declaration, now: OpenWorkspace.now)
    // Whatever came of it, a paper that no record names is taken away again; one that was taken is left alone.
    defer { resources.discard(signal, declaration) }
    let answer = try workspace.perform(.signature(signal))
    let (view, hasChanged) = try workspace.read { tx in
      let row = try PaperName.signature(String(id), tx)
      return (try SignatureView(row, workspace, tx), try isOurs(signal, row, tx))
    }
    try tell(view, changed: hasChanged, answer)
    if answer.hasFailedRun { throw ExitCode(1) }
  }

  /// Whether the request's state comes from this signal, and not from one that was faster.
  private func isOurs(
    _ signal: SignatureSignal, _ row: SignatureRequestRow, _ tx: any StoreTransaction
  ) throws -> Bool {
    if let paper = signal.paper {
      return try row.signedDocumentID.flatMap { try tx.document($0) }?.path == paper.path
    }
    guard row.state == signal.state else { return false }
    return (state == .viewed ? row.viewedAt : row.closedAt) == signal.at && row.reason == signal.reason
  }

  private func tell(_ view: SignatureView, changed: Bool, _ answer: EngineAnswer) throws {
    if shared.json {
      return try Terminal.print(
        JSON.object(
          view.members + [
            JSONMember("changed", .bool(changed)), JSONMember("stage", .string(answer.stage)),
            JSONMember("status", .string(answer.status)),
            JSONMember("warnings", .array(answer.warnings.map { .string($0) })),
            JSONMember("runs", .array(answer.runs.map(\.json))),
          ]))
    }
    let row = view.row
    let moment = (row.state == .viewed ? row.viewedAt : row.closedAt).map { ", since \($0)" } ?? ""
    try Terminal.print("signature request \(row.id): \(changed ? "" : "already ")\(row.state.rawValue)\(moment)")
    if answer.stage != answer.to {
      try Terminal.print("deal \(Terminal.visible(view.deal)): now in \(answer.stage), \(answer.status)")
    }
    for warning in answer.warnings { Terminal.warn(warning) }
    try RunLines.print(answer.runs)
  }
}
