import CRM

/// The places of a record's fields. There are a dozen at most, and short names are compared sooner than hashed.
struct FieldIndex: Sendable {
  let fields: [String]

  subscript(field: String) -> Int? { fields.firstIndex(of: field) }
}

/// How the rows of one kind of record lie in their table: one description from which reading, writing and searching
/// follow.
final class RecordTable: Sendable {
  enum Codec: Sendable {
    case text, boolean, integer, cents, millionths, instant, address, texts
    case record(RecordKind)
  }

  struct Column: Sendable {
    /// The field's key in the schema.
    var field: String
    /// The column's name.
    var name: String
    var codec: Codec
  }

  let kind: RecordKind
  let name: String
  let columns: [Column]
  let hasCustomFields: Bool
  /// Field key → place in `columns`.
  let index: FieldIndex
  /// The condition that finds one row by id (and position).
  let identity: String
  /// `SELECT` of one row.
  let select: String
  /// `SELECT` of all lines of a record, in their order, each with its position behind the columns; empty for kinds that
  /// are no lines.
  let selectAll: String

  private init(_ kind: RecordKind, _ columns: [Column], custom: Bool = false) {
    self.kind = kind
    self.name = kind.rawValue
    self.columns = columns
    hasCustomFields = custom
    index = FieldIndex(fields: columns.map(\.field))
    let names = (columns.map(\.name) + (custom ? ["custom"] : [])).joined(separator: ", ")
    switch kind {
    case .dealLine: identity = "deal_id = ? AND position = ?"
    case .quoteLine: identity = "quote_id = ? AND position = ?"
    default: identity = "id = ?"
    }
    select = "SELECT \(names) FROM \(kind.rawValue) WHERE \(identity)"
    let owner = identity.prefix { $0 != " " }
    selectAll =
      kind.isLine ? "SELECT \(names), position FROM \(kind.rawValue) WHERE \(owner) = ? ORDER BY position" : ""
  }

  private static func column(_ field: String, _ codec: Codec = .text) -> Column {
    if case .record = codec { return Column(field: field, name: field + "_id", codec: codec) }
    return Column(field: field, name: field, codec: codec)
  }

  /// By the kind's code: looked up several times for each field.
  private static let all: [RecordTable?] = {
    let key = column("key")
    let tables = [
      RecordTable(.user, [key, column("name"), column("email")]),
      RecordTable(
        .organization,
        [key, column("name"), column("address", .address), column("siret"), column("vat_number")], custom: true),
      RecordTable(
        .person,
        [
          key, column("first_name"), column("last_name"), column("email"), column("job_title"),
          column("address", .address), column("organization", .record(.organization)),
        ], custom: true),
      RecordTable(
        .product,
        [
          key, column("name"), column("description"), column("price", .cents), column("vat_rate", .millionths),
          column("sales_category"), column("category"), column("class"),
        ], custom: true),
      RecordTable(.pipeline, [column("name"), column("position", .integer)]),
      RecordTable(.stage, [column("name"), column("pipeline", .record(.pipeline)), column("position", .integer)]),
      RecordTable(
        .deal,
        [
          key, column("title"), column("pipeline", .record(.pipeline)), column("stage", .record(.stage)),
          column("status"), column("archived", .boolean), column("owner", .record(.user)),
          column("organization", .record(.organization)), column("person", .record(.person)), column("email"),
          column("created_at", .instant), column("closed_at", .instant),
        ], custom: true),
      RecordTable(
        .dealLine,
        [
          column("deal", .record(.deal)), column("position", .integer), column("product", .record(.product)),
          column("quantity", .millionths), column("price", .cents), column("discount"),
        ]),
      RecordTable(
        .note,
        [
          column("deal", .record(.deal)), column("text"), column("pinned", .boolean), column("created_at", .instant),
          column("author"),
        ]),
      RecordTable(
        .quote,
        [
          column("number"), column("deal", .record(.deal)), column("status"), column("url"), column("customer_name"),
          column("customer_address", .address), column("customer_siret"), column("total_without_tax", .cents),
          column("total_tax", .cents), column("total", .cents), column("created_at", .instant),
        ]),
      RecordTable(
        .quoteLine,
        [
          column("quote", .record(.quote)), column("position", .integer), column("product", .record(.product)),
          column("description"), column("quantity", .millionths), column("price", .cents), column("discount"),
          column("vat_rate", .millionths), column("total", .cents),
        ]),
      RecordTable(
        .card,
        [
          column("card_id"), column("deal", .record(.deal)), column("list"), column("title"), column("text"),
          column("url"), column("created_at", .instant),
        ]),
      RecordTable(
        .message,
        [
          column("recipient", .record(.user)), column("deal", .record(.deal)), column("text"),
          column("created_at", .instant),
        ]),
      RecordTable(
        .folder,
        [
          column("name"), column("parent", .record(.folder)), column("person", .record(.person)), column("path"),
          column("created_at", .instant),
        ]),
      RecordTable(
        .document,
        [
          column("title"), column("name"), column("deal", .record(.deal)), column("folder", .record(.folder)),
          column("template"), column("path"), column("content_type"), column("size", .integer), column("sha256"),
          column("created_at", .instant),
        ]),
      RecordTable(
        .signatureRequest,
        [
          column("title"), column("deal", .record(.deal)), column("state"), column("document", .record(.document)),
          column("signer", .record(.person)), column("signer_name"), column("signer_email"),
          column("sent_at", .instant), column("viewed_at", .instant), column("closed_at", .instant), column("reason"),
          column("signed_document", .record(.document)),
        ]),
      RecordTable(
        .email,
        [
          column("recipients", .texts), column("subject"), column("text"), column("deal", .record(.deal)),
          column("path"), column("created_at", .instant),
        ]),
    ]
    return RecordKind.allCases.map { kind in tables.first { $0.kind == kind } }
  }()

  static func of(_ kind: RecordKind) -> RecordTable? { all[Int(kind.code)] }
}
