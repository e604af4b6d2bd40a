import CRM
import Store

/// Documents, requests for signatures and mail: what a deal has brought forth, which no import takes.
extension Exporter {
  public func document(_ row: DocumentRow) -> JSON {
    .object([
      JSONMember("id", .integer(row.id)), JSONMember("title", .string(row.title)),
      JSONMember("name", .string(row.name)),
      JSONMember("template", Self.text(row.template)), JSONMember("url", Self.address(.document, row.id)),
      JSONMember("path", .string(row.path)), JSONMember("created_at", Self.time(row.createdAt)),
    ])
  }

  public func signature(_ row: SignatureRequestRow) -> JSON {
    .object([
      JSONMember("id", .integer(row.id)), JSONMember("title", .string(row.title)),
      JSONMember("state", .string(row.state.rawValue)), JSONMember("signer", .string(row.signerName)),
      JSONMember("url", Self.address(.signatureRequest, row.id)), JSONMember("sent_at", Self.time(row.sentAt)),
      JSONMember("closed_at", Self.time(row.closedAt)), JSONMember("reason", Self.text(row.reason)),
      JSONMember("signed_document", row.signedDocumentID.map { Self.address(.document, $0) } ?? .null),
    ])
  }

  public func email(_ row: EmailRow) -> JSON {
    .object([
      JSONMember("id", .integer(row.id)), JSONMember("to", .array(row.recipients.map { .string($0) })),
      JSONMember("subject", .string(row.subject)), JSONMember("text", .string(row.text)),
      JSONMember("path", .string(row.path)), JSONMember("created_at", Self.time(row.createdAt)),
    ])
  }

  public static func address(_ kind: RecordKind, _ id: Int64) -> JSON { text(WorkspaceAddress.of(RecordRef(kind, id))) }
  public static func time(_ instant: Instant?) -> JSON { text(instant?.description) }
  private static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}
