import CRM
import Engine
import Foundation
import Services
import Store

/// Holds the rows of documents and mail against the files that should be there.
struct PaperAudit {
  var documents = 0
  var emails = 0
  /// Paths relative to the workspace.
  var missing: [String] = []
  /// Documents whose content is not what was made: a person corrected them.
  var corrected: [DocumentRow] = []

  /// - Parameter root: the workspace's folder, or one that is about to become it.
  init(database: String, root: URL, currency: Currency) throws {
    let store = try Store(path: database, mode: .readOnly, currency: currency)
    let (documents, emails) = try store.read { tx in (try tx.documents(of: nil), try tx.emails(of: nil)) }
    try? store.close()
    self.documents = documents.count
    self.emails = emails.count
    let drive = DriveDisk(root: root.appendingPathComponent("drive"))
    for row in documents {
      let path = row.path.split(separator: "/").map(String.init)
      if let bytes = try? drive.read(path, limit: Int.max - 1).bytes {
        if ContentHash.sha256(bytes) != row.sha256 { corrected.append(row) }
      } else if (try? drive.entry(path))?.kind == .file {
        corrected.append(row)  // Somebody is at it just now.
      } else {
        missing.append("drive/\(row.path)")
      }
    }
    let outbox = DriveDisk(root: root.appendingPathComponent("outbox"))
    for row in emails {
      let path = row.path.split(separator: "/").map(String.init)
      if (try? outbox.entry(path))?.kind != .file { missing.append("outbox/\(row.path)") }
    }
  }

  var members: [JSONMember] {
    [
      JSONMember("documents", .integer(Int64(documents))), JSONMember("emails", .integer(Int64(emails))),
      JSONMember("missing", .array(missing.map { .string($0) })),
      JSONMember(
        "corrected",
        .array(
          corrected.map {
            .object([
              JSONMember("id", .integer($0.id)), JSONMember("url", Exporter.address(.document, $0.id)),
              JSONMember("path", .string($0.path)),
            ])
          })),
    ]
  }

  /// What is worth saying to a person.
  func tell() {
    for row in corrected { Terminal.note("corrected by hand: document \(row.id), drive/\(Terminal.visible(row.path))") }
    for path in missing { Terminal.warn("\(path) is missing; it was moved or removed by hand") }
  }
}
