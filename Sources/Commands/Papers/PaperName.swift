import CRM
import Engine
import Store

/// How documents and signature requests are named at the command line: 3, #3, coulisse://signatures/3. They have no
/// keys of their own.
enum PaperName {
  static func document(_ name: String, _ tx: any StoreTransaction) throws -> DocumentRow {
    if let id = try id(name, .document), let row = try tx.document(id) { return row }
    throw CommandFault("there is no document \"\(name)\"; list them with: coulisse documents list")
  }

  static func signature(_ name: String, _ tx: any StoreTransaction) throws -> SignatureRequestRow {
    if let id = try id(name, .signatureRequest), let row = try tx.signatureRequest(id) { return row }
    throw CommandFault("there is no signature request \"\(name)\"; list them with: coulisse signatures list")
  }

  /// - Throws: `CommandFault` for what names something, and something else, or nothing at all.
  private static func id(_ name: String, _ kind: RecordKind) throws -> Int64? {
    let address = WorkspaceAddress.of(RecordRef(kind, 12)) ?? ""
    if let ref = WorkspaceAddress.record(name) {
      guard ref.kind == kind else {
        throw CommandFault("expected \(kind.phrase), found the address of \(ref.kind.phrase): \(name)")
      }
      return ref.id
    }
    if let id = Int64(name.hasPrefix("#") ? String(name.dropFirst()) : name) { return id }
    throw CommandFault("expected \(kind.phrase) like 12, #12 or \(address), found \"\(name)\"")
  }
}
