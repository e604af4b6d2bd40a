import CRM
import GRDB

/// `StoreTransaction` on SQLite. Records that were read stay in memory until the transaction ends or a savepoint is
/// rolled back, and changes are written in one statement a record: a script that sets five fields costs one update
/// and one line of history.
///
/// Not Sendable: it lives inside one GRDB access, on that access's thread.
final class SQLiteTransaction: StoreTransaction {
  /// Changes of one record that are not in the database yet.
  struct Pending {
    var author: Author
    var at: Instant
    /// In the order of their first assignment.
    var changes: [(field: String, old: Value, new: Value)] = []
    var stageFrom: Int64?
    var stageTo: Int64?
    var request: String?
  }

  struct Known {
    var runs: [Int64: RunRow] = [:]
    var events: [Int64: EventRow] = [:]
    /// A deal's product lines, in their order.
    var lines: [Int64: Value] = [:]
    var lasting = LastingKnowledge()
  }

  let db: Database
  let statements: Statements
  let currency: Currency
  let isReader: Bool
  static let readerWrites = StoreError(.readOnly, "nothing can be written while a snapshot is read")
  var cache: [RecordRef: Record] = [:]
  /// Runs, events and stages as they were read or written last, and the highest ids given: nobody else writes while
  /// this transaction lasts.
  var known = Known()
  /// New runs that are in no table yet: one that ends in the commit in which it was queued is written once.
  var unwrittenRuns: [RunRow] = []
  var pending: [RecordRef: Pending] = [:]
  /// The order in which records were first changed, so that the history is written in it.
  var pendingOrder: [RecordRef] = []

  /// - Parameter lasting: what the transaction before this one knew, if nobody has written since.
  init(
    _ db: Database, _ statements: Statements, currency: Currency = .eur, isReader: Bool = false,
    lasting: LastingKnowledge? = nil
  ) {
    self.db = db
    self.statements = statements
    if let lasting {
      known.lasting = lasting
      cache = lasting.records
    }
    self.currency = currency
    self.isReader = isReader
  }

  func savepoint<T>(_ body: () throws -> T) throws -> T {
    try flushRecords()
    let unwritten = unwrittenRuns
    try control("SAVEPOINT segment")
    do {
      let result = try body()
      try flushRecords()
      try control("RELEASE segment")
      return result
    } catch {
      forget()
      // Whatever the part wrote of them is undone with it.
      unwrittenRuns = unwritten
      // A full disk, a failed read or lack of memory can roll back everything, and then there is no savepoint left.
      guard statements.isInsideTransaction else {
        // A full disk passes, and is told as what it is.
        if let error = error as? StoreError, error.kind == .transactionLost || error.kind == .full { throw error }
        throw StoreError(.transactionLost, "SQLite rolled the whole transaction back: \(error)")
      }
      try control("ROLLBACK TO segment")
      try control("RELEASE segment")
      throw error
    }
  }

  /// Drops what was read and what is not written yet.
  private func forget() {
    cache.removeAll(keepingCapacity: true)
    known = Known()
    pending.removeAll(keepingCapacity: true)
    pendingOrder.removeAll(keepingCapacity: true)
  }

  // MARK: Statements

  func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
    if isReader { throw Self.readerWrites }
    try control(sql, arguments)
  }

  private func control(_ sql: String, _ arguments: StatementArguments = []) throws {
    try statements.execute(sql, arguments) { _ in true }
  }

  /// A query's first row, for `map` to read.
  func row(_ sql: String, _ arguments: StatementArguments = []) -> FirstRow {
    FirstRow(statements: statements, sql: sql, arguments: arguments)
  }

  /// A query's rows, for `map` to read.
  func rows(_ sql: String, _ arguments: StatementArguments = []) -> Rows {
    Rows(statements: statements, sql: sql, arguments: arguments)
  }

  /// The first column of the first row; nil without one, and for NULL.
  func number(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
    try row(sql, arguments).map { try $0.at(0) as Int64? } ?? nil
  }

  /// The first column of each row.
  func numbers<T: ColumnValue>(_ sql: String, _ arguments: StatementArguments = []) throws -> [T] {
    try rows(sql, arguments).map { try $0.at(0) }
  }
}

/// A query that is executed when its first row is read.
struct FirstRow {
  let statements: Statements
  let sql: String
  let arguments: StatementArguments

  /// What `read` makes of the first row; nil when there is none.
  func map<T>(_ read: (ResultRow) throws -> T) throws -> T? {
    var found: T?
    try statements.execute(sql, arguments) { row in
      found = try read(row)
      return false
    }
    return found
  }
}

/// A query that is executed when its rows are read.
struct Rows {
  let statements: Statements
  let sql: String
  let arguments: StatementArguments

  /// What `read` makes of each row.
  func map<T>(_ read: (ResultRow) throws -> T) throws -> [T] {
    var found: [T] = []
    try statements.execute(sql, arguments) { row in
      found.append(try read(row))
      return true
    }
    return found
  }
}

/// Values to and from columns.
extension SQLiteTransaction {
  func decode(_ row: ResultRow, _ place: Int, _ codec: RecordTable.Codec) throws -> Value {
    let place = Int32(place)
    if row.isNull(place) { return .null }
    switch codec {
    case .text:
      return .text(try row.text(place))
    case .boolean:
      return .boolean(try row.integer(place) != 0)
    case .integer:
      return .integer(try row.integer(place))
    case .cents:
      return .money(Money(cents: try row.integer(place), currency: currency))
    case .millionths:
      return .decimal(ExactDecimal(millionths: try row.integer(place)))
    case .instant:
      return .instant(Instant(milliseconds: try row.integer(place)))
    case .address:
      return .address(try decodeAddress(try row.text(place)))
    case .record(let kind):
      return .record(RecordRef(kind, try row.integer(place)))
    case .texts:
      return .list(try decodeTexts(try row.text(place)).map { .text($0) })
    }
  }

  func encode(_ value: Value, _ codec: RecordTable.Codec, field: String) throws -> (any Bindable)? {
    switch (value, codec) {
    case (.null, _): return nil
    case (.text(let text), .text): return try whole(text, field)
    case (.boolean(let flag), .boolean): return (flag ? Int64(1) : 0)
    case (.integer(let number), .integer): return number
    case (.money(let money), .cents):
      guard money.currency == currency else {
        throw StoreError(.constraint, "\(field): this workspace counts in \(currency), found \(money)")
      }
      return money.cents
    case (.decimal(let number), .millionths): return number.millionths
    case (.integer(let number), .millionths): return try ExactDecimal(number).millionths
    case (.instant(let instant), .instant): return instant.milliseconds
    case (.address(let address), .address): return address.json.text(pretty: false)
    case (.record(let ref), .record(let kind)) where ref.kind == kind: return ref.id
    case (.list(let values), .texts):
      return encodeTexts(try values.map { try whole($0.plainText, field) })
    default:
      throw StoreError(.constraint, "the field \(field) can't hold \(value.summary)")
    }
  }

  /// The text, unless it holds a NUL: SQLite would keep it only up to there.
  func whole(_ text: String, _ field: String) throws -> String {
    if text.utf8.contains(0) { throw StoreError(.constraint, "\(field): text can't hold the character NUL") }
    return text
  }

  func decodeCustom(_ text: String) throws -> [String: Value] {
    if text == "{}" { return [:] }
    return try stored(text) {
      guard case .object(let members) = try JSON(parsing: text, depthLimit: Self.jsonDepth) else {
        throw ValueFault("expected a JSON object")
      }
      var fields: [String: Value] = [:]
      fields.reserveCapacity(members.count)
      for member in members { fields[member.name] = try Value(json: member.value) }
      return fields
    }
  }

  func decodeAddress(_ text: String) throws -> Address { try stored(text) { try Address(json: JSON(parsing: text)) } }

  func decodeTexts(_ text: String) throws -> [String] {
    try stored(text) {
      guard let texts = try JSON(parsing: text).arrayValue?.map(\.stringValue), !texts.contains(nil) else {
        throw ValueFault("expected a list of texts")
      }
      return texts.compactMap { $0 }
    }
  }

  func encodeTexts(_ texts: [String]) -> String { JSON.array(texts.map { .string($0) }).text(pretty: false) }

  func decodeValue(_ text: String) throws -> Value { try stored(text) { try Value(journalText: text) } }

  /// Each table in a value takes three levels of JSON; the columns' own lists and objects take some more.
  static let jsonDepth = 3 * Value.depthLimit + 8

  /// Reads a text that this program wrote into a column; what can't be read is damage, not somebody's bad input.
  func stored<T>(_ text: String, _ read: () throws -> T) throws -> T {
    do {
      return try read()
    } catch {
      throw StoreError(
        .corrupted, "the database holds \(text.prefix(40)), which can't be read: \(error). Restore it from a backup.")
    }
  }

  func encodeCustom(_ fields: [String: Value]) -> String {
    var text = JSONText()
    text.beginObject()
    for name in fields.keys.sorted() {
      text.name(name)
      text.value(fields[name] ?? .null)
    }
    text.endObject()
    return text.text
  }
}
