import CRM

/// A record as it is in the present transaction: the stored fields of one row. Links to other rows (a deal's lines,
/// its notes) and computed fields are asked for by `StoreTransaction.value`.
public struct Record: Sendable {
  public var ref: RecordRef
  /// Built-in stored fields, in the order of the table's description; `nil` for NULL never appears, `.null` does.
  var columns: [Value]
  /// Custom fields that are set.
  var custom: [String: Value]

  /// The importer's own name for the record.
  public var key: String? { if case .text(let key) = self[field: "key"] { key } else { nil } }

  /// The stored value of a field; `.null` when it is empty or no stored field has this key.
  public subscript(field field: String) -> Value {
    if let index = RecordTable.of(ref.kind)?.index[field] { return columns[index] }
    return custom[field] ?? .null
  }
}

/// Who changes something, for the history: a person, or an automation in a run.
public struct Author: Hashable, Sendable {
  /// `user:floriane@altitude.example`, `automation:pin_brief`, `clock`, `import`.
  public var actor: String
  public var runID: Int64?

  public init(actor: String, runID: Int64? = nil) {
    self.actor = actor
    self.runID = runID
  }
}

/// One line of a record's history.
public struct HistoryEntry: Sendable {
  public var at: Instant
  public var author: Author
  /// Field key, old and new value.
  public var changes: [(field: String, old: Value, new: Value)]
  /// Ids of the stages, when the deal was moved.
  public var stageFrom: Int64?
  public var stageTo: Int64?
}

/// A stage as stored. Its identity is its id; its name may be written in several ways (ALT-04).
public struct StageRow: Hashable, Sendable {
  public var id: Int64
  public var pipelineID: Int64
  public var name: String
  public var folded: String
  public var position: Int
  /// No longer in `workspace.lua`, but deals or their history still name it.
  public var isRetired: Bool
}
