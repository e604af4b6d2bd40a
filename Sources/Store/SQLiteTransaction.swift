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
    var stages: [StageRow]?
    /// Hash of sources → id.
    var bundles: [String: Int64] = [:]
    /// By table.
    var lastIDs: [String: Int64] = [:]
  }

  let db: Database
  let currency: Currency
  let isReader: Bool
  static let readerWrites = StoreError(.readOnly, "nothing can be written while a snapshot is read")
  var cache: [RecordRef: Record] = [:]
  /// Runs, events and stages as they were read or written last, and the highest ids given: nobody else writes while
  /// this transaction lasts.
  var known = Known()
  var pending: [RecordRef: Pending] = [:]
  /// The order in which records were first changed, so that the history is written in it.
  var pendingOrder: [RecordRef] = []

  init(_ db: Database, currency: Currency = .eur, isReader: Bool = false) {
    self.db = db
    self.currency = currency
    self.isReader = isReader
  }

  func savepoint<T>(_ body: () throws -> T) throws -> T {
    try flush()
    try control("SAVEPOINT segment")
    do {
      let result = try body()
      try flush()
      try control("RELEASE segment")
      return result
    } catch {
      forget()
      // A full disk, a failed read or lack of memory can roll back everything, and then there is no savepoint left.
      guard db.isInsideTransaction else {
        // A full disk passes, and is told as what it is.
        if let error = error as? StoreError, error.kind == .transactionLost || error.kind == .full { throw error }
        throw StoreError(.transactionLost, "SQLite rolled the whole transaction back: \(error)")
      }
      try control("ROLLBACK TO segment")
      try control("RELEASE segment")
      // Whoever catches it here is to see what it is, as after the whole transaction.
      if let error = error as? DatabaseError { throw SQLiteFault.storeError(error, file: "the database") }
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

  // Errors are translated here, not only when they leave the transaction: whoever is inside tells a refused value
  // from a damaged file, too.

  func execute(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws {
    if isReader { throw Self.readerWrites }
    try SQLiteFault.translatedAny(file: "the database") {
      try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
  }

  private func control(_ sql: String) throws {
    try SQLiteFault.translatedAny(file: "the database") { try db.cachedStatement(sql: sql).execute() }
  }

  func row(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws -> Row? {
    try SQLiteFault.translatedAny(file: "the database") {
      try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }
  }

  func rows(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws -> [Row] {
    try SQLiteFault.translatedAny(file: "the database") {
      try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
    }
  }

  func number(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws -> Int64? {
    try SQLiteFault.translatedAny(file: "the database") {
      try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }
  }

  func numbers<T: DatabaseValueConvertible & StatementColumnConvertible>(
    _ sql: String, _ arguments: StatementArguments = StatementArguments()
  ) throws -> [T] {
    try SQLiteFault.translatedAny(file: "the database") {
      try T.fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
    }
  }
}

extension Row {
  /// The value of a column. Where `row[index]` traps, this throws: a file may be damaged, or made by another hand.
  func at<T: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) throws -> T {
    try SQLiteFault.translatedAny(file: "the database") { try decode(atIndex: index) }
  }
}

/// Values to and from columns.
extension SQLiteTransaction {
  func decode(_ value: DatabaseValue, _ codec: RecordTable.Codec) throws -> Value {
    if value.isNull { return .null }
    switch codec {
    case .text:
      return .text(try text(value))
    case .boolean:
      return .boolean(try integer(value) != 0)
    case .integer:
      return .integer(try integer(value))
    case .cents:
      return .money(Money(cents: try integer(value), currency: currency))
    case .millionths:
      return .decimal(ExactDecimal(millionths: try integer(value)))
    case .instant:
      return .instant(Instant(milliseconds: try integer(value)))
    case .address:
      return .address(try decodeAddress(try text(value)))
    case .record(let kind):
      return .record(RecordRef(kind, try integer(value)))
    case .texts:
      return .list(try decodeTexts(try text(value)).map { .text($0) })
    }
  }

  func encode(_ value: Value, _ codec: RecordTable.Codec, field: String) throws -> DatabaseValue {
    switch (value, codec) {
    case (.null, _): return .null
    case (.text(let text), .text): return try whole(text, field).databaseValue
    case (.boolean(let flag), .boolean): return (flag ? 1 : 0).databaseValue
    case (.integer(let number), .integer): return number.databaseValue
    case (.money(let money), .cents):
      guard money.currency == currency else {
        throw StoreError(.constraint, "\(field): this workspace counts in \(currency), found \(money)")
      }
      return money.cents.databaseValue
    case (.decimal(let number), .millionths): return number.millionths.databaseValue
    case (.integer(let number), .millionths): return try ExactDecimal(number).millionths.databaseValue
    case (.instant(let instant), .instant): return instant.milliseconds.databaseValue
    case (.address(let address), .address): return address.json.text(pretty: false).databaseValue
    case (.record(let ref), .record(let kind)) where ref.kind == kind: return ref.id.databaseValue
    case (.list(let values), .texts):
      return encodeTexts(try values.map { try whole($0.plainText, field) }).databaseValue
    default:
      throw StoreError(.constraint, "the field \(field) can't hold \(value.summary)")
    }
  }

  /// The text, unless it holds a NUL: SQLite would keep it only up to there.
  func whole(_ text: String, _ field: String) throws -> String {
    if text.utf8.contains(0) { throw StoreError(.constraint, "\(field): text can't hold the character NUL") }
    return text
  }

  private func text(_ value: DatabaseValue) throws -> String {
    guard case .string(let text) = value.storage else {
      throw StoreError(.corrupted, "the database holds \(value) where text belongs. Restore it from a backup.")
    }
    return text
  }

  private func integer(_ value: DatabaseValue) throws -> Int64 {
    guard let number = Int64.fromDatabaseValue(value) else {
      throw StoreError(
        .corrupted, "the database holds \(value) where a whole number belongs. Restore it from a backup.")
    }
    return number
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
    let members = fields.sorted { $0.key < $1.key }.map { JSONMember($0.key, $0.value.json) }
    return JSON.object(members).text(pretty: false)
  }
}
