import CRM
import Foundation
import Store

/// A signed paper on the drive; its row is written with the change of its request.
public struct SignedPaper: Hashable, Sendable {
  /// The file's name.
  public var name: String
  /// Relative to the drive.
  public var path: String
  /// In bytes.
  public var size: Int64
  /// 64 hexadecimal digits.
  public var sha256: String

  /// A paper that is on the drive already.
  public init(name: String, path: String, size: Int64, sha256: String) {
    self.name = name
    self.path = path
    self.size = size
    self.sha256 = sha256
  }
}

/// Signs a paper: the PDF that was sent, unchanged, and behind it a page that says who signed it, when, and its SHA-256.
public struct SigningRoom {
  private let resources: LocalResources
  private let declaration: WorkspaceDeclaration

  /// The template of the added page, if the workspace has one of this name.
  static let template = "page-de-signature"
  /// What it sees as `signature`.
  static let valueNames = ["id", "title", "signer_name", "signer_email", "signed_at", "sha256", "pages"]

  public init(_ resources: LocalResources, _ declaration: WorkspaceDeclaration) {
    self.resources = resources
    self.declaration = declaration
  }

  /// Makes the signed paper of an open request. Changes no record.
  /// - Throws: the request is not there or not open; the paper is not what was sent any more.
  public func sign(_ id: Int64, at now: Instant) throws(ServiceFailure) -> SignedPaper {
    guard let request = try resources.read({ try $0.signatureRequest(id) }) else {
      throw ServiceFailure(.permanent, "there is no signature request \(id); list them with: coulisse signatures list")
    }
    guard request.state.isOpen else {
      throw ServiceFailure(
        .permanent,
        "signature request \(id) is \(request.state.rawValue) and can't be signed any more; send the papers again")
    }
    let (row, bytes) = try FilingDesk(resources: resources).open(request.documentID)
    // What is signed is what was sent, to the byte.
    guard ContentHash.sha256(bytes) == row.sha256 else {
      throw ServiceFailure(
        .permanent,
        "\(row.path) was changed after it had been sent for signature, so it can't be signed; send the papers again")
    }
    let pages = try resources.printShop.merge([(row.name, bytes)]).pages
    let page = try resources.printShop.pdf(html: try page(request, row, pages, now), name: "signature page")
    let merged = try resources.printShop.merge([(row.name, bytes), ("signature page", page.bytes)])
    return try put(merged.bytes, title: request.title)
  }

  /// Takes a paper away that was made for nothing: meanwhile the request was closed.
  public func discard(_ paper: SignedPaper) throws(ServiceFailure) {
    let isKept = try resources.read { try $0.document(path: paper.path) }?.sha256 == paper.sha256
    if !isKept { _ = try resources.drive.remove(paper.path.split(separator: "/").map(String.init)) }
  }

  private func put(_ bytes: [UInt8], title: String) throws(ServiceFailure) -> SignedPaper {
    let disk = resources.drive
    try disk.makeFolder([FilingDesk.papers])
    let name = try disk.place(
      bytes, as: DriveName("\(title) ✓", extension: "pdf", fallback: "document"), in: [FilingDesk.papers],
      adopting: false, isTaken: FilingDesk(resources: resources).hasRow)
    return SignedPaper(
      name: name, path: "\(FilingDesk.papers)/\(name)", size: Int64(bytes.count), sha256: ContentHash.sha256(bytes))
  }

  private func page(
    _ request: SignatureRequestRow, _ document: DocumentRow, _ pages: Int, _ now: Instant
  ) throws(ServiceFailure) -> String {
    let text = declaration.templates[Self.template] ?? Self.plainPage
    let template = try DocumentTemplate(
      name: "templates/\(Self.template).html", text: text, parts: TemplateParts(of: declaration.templates))
    let signature = Value.object([
      ValueField("id", .integer(request.id)), ValueField("title", .text(request.title)),
      ValueField("signer_name", .text(request.signerName)), ValueField("signer_email", .text(request.signerEmail)),
      ValueField("signed_at", .text(moment(now))), ValueField("sha256", .text(document.sha256)),
      ValueField("pages", .integer(Int64(pages))),
    ])
    let data = try resources.read { tx in
      let world = ServiceWorld(transaction: tx, declaration: declaration, schema: try declaration.schema(), now: now)
      return try TemplateData(world).tree(
        deal: RecordRef(.deal, request.dealID), for: template, values: [ValueField("signature", signature)])
    }
    return try template.render(data)
  }

  /// "24 novembre 2026, 16:05:09 (Europe/Paris, UTC+01:00)": without doubt anywhere.
  private func moment(_ instant: Instant) -> String {
    let zone = TimeZone(identifier: declaration.timeZone) ?? TimeZone(identifier: "UTC") ?? .current
    let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000))
    guard let day = instant.day(utcOffset: offset) else { return "\(instant)" }
    let local = instant.milliseconds + Int64(offset) * 1000 - Instant(startOf: day).milliseconds
    let seconds = local / 1000
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let time = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    let ahead = abs(Int64(offset))
    let sign = offset < 0 ? "-" : "+"
    return "\(FrenchFormat().day(day)), \(time) (\(declaration.timeZone), UTC\(sign)\(two(ahead / 3600)):\(two(ahead / 60 % 60)))"
  }

  /// For a workspace without a template of its own.
  private static let plainPage = """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><title>Signature</title>
    <style>body { font-family: Inter, "Noto Sans", sans-serif; font-size: 11pt } td { padding: 2pt 12pt 2pt 0 }
    code { font-size: 8pt }</style></head>
    <body><h1>Signature</h1><table>
    <tr><td>Document</td><td>{{signature.title}}</td></tr>
    <tr><td>Signer</td><td>{{signature.signer_name}}, {{signature.signer_email}}</td></tr>
    <tr><td>Signed at</td><td>{{signature.signed_at}}</td></tr>
    <tr><td>Request</td><td>{{signature.id}}</td></tr>
    <tr><td>SHA-256</td><td><code>{{signature.sha256}}</code></td></tr>
    </table></body></html>
    """
}
