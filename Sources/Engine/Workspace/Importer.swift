import CRM
import Store

/// Everything that is wrong with an import. Nothing of it was imported.
public struct ImportFault: Error, Sendable, CustomStringConvertible {
  /// Where in the document (`deals[3].lines[0].quantity`) and what; at most `limit` of them.
  public var faults: [(path: String, message: String)]

  /// More faults than this are not looked for.
  public static let limit = 50

  public init(faults: [(path: String, message: String)]) { self.faults = faults }

  public var description: String {
    var lines = ["nothing was imported:"]
    lines += faults.map { $0.path.isEmpty ? "  \($0.message)" : "  \($0.path): \($0.message)" }
    if faults.count >= Self.limit { lines.append("  (there may be more; these are the first \(Self.limit))") }
    return lines.joined(separator: "\n")
  }
}

/// What an import did, by kind of record.
public struct ImportSummary: Sendable, Hashable {
  public struct Count: Sendable, Hashable {
    public var created = 0
    /// Records with a key that was there, of which something changed.
    public var updated = 0
    /// Records that were already as the document says.
    public var unchanged = 0

    public var total: Int { created + updated + unchanged }
  }

  public var counts: [RecordKind: Count] = [:]

  public init() {}

  public subscript(kind: RecordKind) -> Count { counts[kind] ?? Count() }
}

/// Takes records from a JSON document into a workspace: all of them or, if anything is wrong, none.
///
/// The document is first checked as a whole, then written; a record whose `key` is in the workspace is updated with
/// the fields that the document gives, all others are created. An import is data, not a change of stage: no guard and
/// no automation runs.
public struct Importer {
  let schema: RecordSchema
  let declaration: WorkspaceDeclaration

  public init(schema: RecordSchema, declaration: WorkspaceDeclaration) {
    self.schema = schema
    self.declaration = declaration
  }

  /// The document's sections, in an order in which records come after those that they name.
  static let sections: [(name: String, kind: RecordKind)] = [
    ("users", .user), ("organizations", .organization), ("persons", .person), ("products", .product),
    ("deals", .deal),
  ]

  /// Imports the document inside `tx`, which must be rolled back when this throws.
  /// - Parameter progress: called with the number of records that are written and of all, now and then.
  /// - Throws: `ImportFault` with everything that is wrong, `StoreError`.
  public func run(
    _ document: JSON, in tx: any StoreTransaction, author: Author, at: Instant, progress: ((Int, Int) -> Void)? = nil
  ) throws -> ImportSummary {
    try tx.synchronize(pipelines: declaration.pipelines)
    let job = ImportJob(schema: schema, tx: tx, stages: try StageLookup(tx), author: author, at: at)
    let drafts = try job.check(document)
    guard job.faults.isEmpty else { throw ImportFault(faults: job.faults) }
    return try job.write(drafts, progress: progress)
  }
}

/// One import under way. `Importer+Checking` fills the drafts, `Importer+Writing` writes them.
final class ImportJob {
  /// A record as the document gives it, checked.
  struct Draft {
    var kind: RecordKind
    var path: String
    var key: String?
    var existing: RecordRef?
    var fields: [ValueField] = []
    /// Fields that name another record.
    var links: [(field: String, target: Link)] = []
    // Of deals only; nil: the document does not say.
    var pipeline: Int64?
    var stage: StageRow?
    var status: DealStatus?
    var archived: Bool?
    var participants: [Link]?
    var lines: [(product: Link?, fields: [ValueField])]?
    var notes: [(text: String, pinned: Bool)]?
  }

  /// What a key in the document stands for.
  enum Link {
    case stored(RecordRef)
    /// A record of the same document.
    case draft(RecordKind, String)
  }

  /// A kind and a key in it.
  struct Name: Hashable {
    var kind: RecordKind
    var key: String
  }

  let schema: RecordSchema
  let tx: any StoreTransaction
  let stages: StageLookup
  let author: Author
  let at: Instant
  var faults: [(path: String, message: String)] = []
  /// Keys of the document's own records.
  var announced: Set<Name> = []
  /// Keys that were looked up in the database.
  var stored: [Name: RecordRef?] = [:]
  /// The document's records that are written.
  var written: [Name: RecordRef] = [:]

  init(schema: RecordSchema, tx: any StoreTransaction, stages: StageLookup, author: Author, at: Instant) {
    self.schema = schema
    self.tx = tx
    self.stages = stages
    self.author = author
    self.at = at
  }

  var isFull: Bool { faults.count >= ImportFault.limit }

  func note(_ path: String, _ message: String) {
    if !isFull { faults.append((path, message)) }
  }
}
