import GRDB
import GRDBSQLite

/// The compiled statements of one connection, kept by their text, and their execution. Values are bound and columns are
/// read where SQLite has them: most of a transition's statements read or write one row, and to copy its values through
/// general containers would cost more than SQLite's own work.
///
/// Not Sendable: it is used inside the accesses of its connection only, one at a time.
final class Statements {
  private let connection: OpaquePointer
  private var compiled: [String: CompiledStatement] = [:]
  /// The same, by where the text stands in memory: nearly all are literals, which always stand at one place, and to
  /// hash a whole text for each execution is a good part of what a short one costs.
  private var placed: [CompiledStatement?] = Array(repeating: nil, count: 256)
  /// A search compiles a text for each combination of fields: so many texts are kept, then all are forgotten.
  private static let limit = 500

  init(_ connection: OpaquePointer) { self.connection = connection }

  var lastInsertedRowID: Int64 { sqlite3_last_insert_rowid(connection) }

  /// Rows that the last statement changed.
  var changes: Int { Int(sqlite3_changes(connection)) }

  /// A number that changes with every commit on this connection, and when a transaction begins that sees a commit of
  /// another one.
  var dataVersion: UInt32 {
    var version: UInt32 = 0
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_DATA_VERSION, &version)
    return version
  }

  /// Forgets all, so that the connection can be closed.
  func removeAll() {
    compiled.removeAll()
    for place in placed.indices { placed[place] = nil }
  }

  /// Executes a statement inside the open transaction, with a call of `read` for each row until it answers false.
  /// - Throws: `StoreError`, `.transactionLost` if SQLite has rolled the transaction back: what came now would be
  ///   committed by itself. What `read` throws.
  func execute(_ sql: String, _ arguments: StatementArguments, _ read: (ResultRow) throws -> Bool) throws {
    guard isInsideTransaction else {
      throw SQLiteFault.storeError(DatabaseError(resultCode: .SQLITE_ABORT), file: SQLiteFault.database)
    }
    try step(sql, arguments, read)
  }

  var isInsideTransaction: Bool { sqlite3_get_autocommit(connection) == 0 }

  /// Executes `body` between `begin` and a commit, or a rollback if it answers false or throws.
  func transaction(_ begin: String, _ body: () throws -> Bool) throws {
    try step(begin, []) { _ in true }
    do {
      if try body() { return try execute("COMMIT", []) { _ in true } }
    } catch {
      rollBack()
      throw error
    }
    rollBack()
  }

  /// What fails here was rolled back by SQLite itself.
  private func rollBack() {
    if isInsideTransaction { try? step("ROLLBACK", []) { _ in true } }
  }

  private func step(_ sql: String, _ arguments: StatementArguments, _ read: (ResultRow) throws -> Bool) throws {
    let statement = try take(sql)
    statement.isBusy = true
    defer { statement.finish() }
    try statement.bind(arguments)
    while true {
      switch sqlite3_step(statement.handle) {
      case SQLITE_ROW:
        if try !read(ResultRow(statement.handle)) { return }
      case SQLITE_DONE:
        return
      default:
        throw SQLiteFault.lastError(connection, sql)
      }
    }
  }

  private func take(_ sql: String) throws -> CompiledStatement {
    // Texts this short are kept in the variable itself, and quickly hashed.
    if sql.utf8.count < 16 { return try find(sql) }
    let address = sql.utf8.withContiguousStorageIfAvailable { UInt(bitPattern: $0.baseAddress) } ?? 0
    let place = Int((address >> 3) % UInt(placed.count))
    // Equal texts at one address are told by their addresses; whatever else stands there is compared in full.
    if let statement = placed[place], !statement.isBusy, statement.sql == sql { return statement }
    let statement = try find(sql)
    placed[place] = statement
    return statement
  }

  private func find(_ sql: String) throws -> CompiledStatement {
    if let statement = compiled[sql], !statement.isBusy { return statement }
    let statement = try CompiledStatement(sql, connection)
    if compiled.count >= Self.limit { removeAll() }
    // One that is busy now stays with whoever executes it, and goes with him.
    compiled[sql] = statement
    return statement
  }
}

/// One compiled statement.
final class CompiledStatement {
  let handle: OpaquePointer
  private let connection: OpaquePointer
  let sql: String
  /// While its rows are read: whoever wants to execute the same text meanwhile compiles another one.
  var isBusy = false

  init(_ sql: String, _ connection: OpaquePointer) throws {
    var handle: OpaquePointer?
    let status = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard status == SQLITE_OK, let handle else { throw SQLiteFault.lastError(connection, sql) }
    self.handle = handle
    self.connection = connection
    self.sql = sql
  }

  deinit { sqlite3_finalize(handle) }

  func bind(_ arguments: StatementArguments) throws {
    guard sqlite3_bind_parameter_count(handle) == Int32(arguments.count) else {
      throw StoreError(.other, "\(arguments.count) values are given for the statement \(sql)")
    }
    // A statement that was finished has NULL in every place.
    for place in arguments.indices {
      guard let status = arguments[place]?.bind(to: handle, at: Int32(place + 1)), status != SQLITE_OK else { continue }
      throw SQLiteFault.lastError(connection, sql)
    }
  }

  func finish() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
    isBusy = false
  }
}

/// What a statement's places are filled with, in their order; nil is NULL.
typealias StatementArguments = [(any Bindable)?]

/// A value that SQLite can hold.
protocol Bindable {
  /// - Returns: SQLite's result code.
  func bind(to statement: OpaquePointer, at place: Int32) -> Int32
}

extension Int64: Bindable {
  func bind(to statement: OpaquePointer, at place: Int32) -> Int32 { sqlite3_bind_int64(statement, place, self) }
}

extension Int: Bindable {
  func bind(to statement: OpaquePointer, at place: Int32) -> Int32 { sqlite3_bind_int64(statement, place, Int64(self)) }
}

extension Int32: Bindable {
  func bind(to statement: OpaquePointer, at place: Int32) -> Int32 { sqlite3_bind_int64(statement, place, Int64(self)) }
}

extension String: Bindable {
  /// SQLite's own mark for "copy it before you return": the text may move or end behind this call.
  private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  func bind(to statement: OpaquePointer, at place: Int32) -> Int32 {
    var text = self
    return text.withUTF8 { bytes in
      // A place without an address would become NULL, which an empty text is not.
      guard let start = bytes.baseAddress else { return sqlite3_bind_text(statement, place, "", 0, Self.copied) }
      return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { start in
        sqlite3_bind_text64(statement, place, start, UInt64(bytes.count), Self.copied, UInt8(SQLITE_UTF8))
      }
    }
  }
}
