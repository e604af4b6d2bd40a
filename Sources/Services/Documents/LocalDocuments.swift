import CRM
import Store

/// The embedded document service: HTML on the drive that a person can correct with any editor, and PDFs of it as it is
/// when they are asked for (ALT-46).
public struct LocalDocuments: Documents {
  public let templates: TemplateShelf
  private let resources: LocalResources?
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  /// It has no settings: what the process that prints may spend is the program's.
  public init(_ declaration: WorkspaceDeclaration, _ templates: TemplateShelf, _ resources: LocalResources?) {
    fault = ServiceSettings("documents", declaration, allowed: []).fault
    self.templates = templates
    self.resources = resources
  }

  public func generate(_ draft: DocumentDraft, _ context: OperationContext) throws(ServiceFailure) -> DocumentRow {
    try fault.check()
    let resources = try resources.required()
    let desk = FilingDesk(resources: resources)
    // Before anything is rendered: what is there may have been corrected by hand, and is not made again.
    if let row = try desk.document(key: context.key) { return row }
    guard let folder = try resources.read({ try $0.folder(draft.folderID) }) else {
      throw ServiceFailure(.permanent, "documents.generate: there is no folder \(draft.folderID)")
    }
    let html = try html(draft)
    return try desk.keep(
      FilingDesk.Paper(
        title: HTMLTitle.of(html) ?? draft.template, contentType: "text/html", bytes: Array(html.utf8),
        dealID: draft.dealID, folder: folder, template: draft.template), key: context.key, at: context.now)
  }

  /// - Throws: as the template does; or it has no end, by which a person's unfinished saving is told from a whole text.
  private func html(_ draft: DocumentDraft) throws(ServiceFailure) -> String {
    let html = try templates.template(named: draft.template).render(draft.data)
    guard HTMLTitle.isComplete(html) else {
      throw ServiceFailure(.permanent, "templates/\(draft.template).html has no </html> at its end; add it")
    }
    return html
  }

  public func pdf(_ document: Int64, _ context: OperationContext) throws(ServiceFailure) -> DocumentRow {
    try fault.check()
    let resources = try resources.required()
    let desk = FilingDesk(resources: resources)
    if let row = try desk.document(key: context.key) { return row }
    let (row, bytes) = try desk.open(document)
    var pdf = bytes
    if row.contentType != "application/pdf" {
      pdf = try Self.print(row, bytes, resources.printShop)
    } else if ContentHash.sha256(bytes) == row.sha256 {
      return row
    } else {
      // Somebody put another one in its place. What its row says of it stays true of what was made then.
      _ = try resources.printShop.merge([(row.name, bytes)])
    }
    return try desk.keep(
      FilingDesk.Paper(
        title: row.title, contentType: "application/pdf", bytes: pdf, dealID: row.dealID, template: row.template),
      key: context.key, at: context.now)
  }

  public func merge(_ documents: [Int64], _ context: OperationContext) throws(ServiceFailure) -> DocumentRow {
    try fault.check()
    let resources = try resources.required()
    let desk = FilingDesk(resources: resources)
    if let row = try desk.document(key: context.key) { return row }
    var parts: [(name: String, bytes: [UInt8])] = []
    var titles: [String] = []
    var deal = context.dealID
    for id in documents {
      let (row, bytes) = try desk.open(id)
      deal = deal ?? row.dealID
      titles.append(row.title)
      let isPDF = row.contentType == "application/pdf"
      parts.append((row.name, isPDF ? bytes : try Self.print(row, bytes, resources.printShop)))
    }
    let merged = try resources.printShop.merge(parts).bytes
    return try desk.keep(
      FilingDesk.Paper(
        title: titles.joined(separator: " + "), contentType: "application/pdf", bytes: merged, dealID: deal),
      key: context.key, at: context.now)
  }

  /// A document's HTML as a PDF.
  /// - Throws: a transient failure when its end is missing: somebody is saving it just now.
  static func print(
    _ row: DocumentRow, _ bytes: [UInt8], _ printShop: PrintShop
  ) throws(ServiceFailure) -> [UInt8] {
    guard let html = String(validating: bytes, as: UTF8.self) else {
      throw ServiceFailure(.permanent, "\(row.path) is not UTF-8 text any more; save it as UTF-8")
    }
    guard HTMLTitle.isComplete(html) else {
      throw ServiceFailure(
        .transient(retryAfter: .seconds(5)),
        "\(row.path) has no </html> at its end: it is being saved, or was cut off; save it again")
    }
    return try printShop.pdf(html: html, name: row.name).bytes
  }

  public func preview(_ call: OperationCall, _ tx: any StoreTransaction) throws(ServiceFailure) -> RecordRef {
    try fault.check()
    let fields = try Fields(call.name, call.arguments)
    return try stored {
      if call.operation == "generate" {
        let draft = try DocumentDraft(fields)
        let html = try html(draft)
        let title = HTMLTitle.of(html) ?? draft.template
        return try tx.rehearsed(
          DocumentRow(
            key: call.key, dealID: draft.dealID, folderID: draft.folderID, title: title, template: draft.template,
            name: DriveName(title, extension: "html", fallback: draft.template).text, path: "", contentType: "text/html",
            size: Int64(html.utf8.count), sha256: ContentHash.sha256(Array(html.utf8)), createdAt: call.now), call)
      }
      var ids: [Int64] = []
      if call.operation == "pdf" {
        ids = [try fields.integer("document")]
      } else {
        for case .integer(let id) in try fields.list("documents") { ids.append(id) }
      }
      var rows: [DocumentRow] = []
      for id in ids {
        guard let row = try tx.document(id) else {
          throw ServiceFailure(.permanent, "\(call.name): there is no document \(id)")
        }
        rows.append(row)
      }
      guard var row = rows.first else { throw ServiceFailure(.permanent, "\(call.name): there is nothing to merge") }
      if call.operation == "pdf", row.contentType == "application/pdf" { return RecordRef(.document, row.id) }
      row.title = rows.map(\.title).joined(separator: " + ")
      row.name = DriveName(row.title, extension: "pdf", fallback: "document").text
      row.contentType = "application/pdf"
      row.folderID = nil
      row.template = rows.count == 1 ? row.template : nil
      return try tx.rehearsed(row, call)
    }
  }
}
