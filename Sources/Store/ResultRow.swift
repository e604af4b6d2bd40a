import GRDBSQLite

/// The row at which a statement stands: its columns are read in place. It is gone with the next step.
struct ResultRow {
  private let statement: OpaquePointer

  init(_ statement: OpaquePointer) { self.statement = statement }

  /// The value of a column.
  /// - Throws: `StoreError.corrupted` when something else is there: a file may be damaged, or made by another hand.
  func at<T: ColumnValue>(_ index: Int) throws -> T { try T(self, Int32(index)) }

  func isNull(_ index: Int32) -> Bool { sqlite3_column_type(statement, index) == SQLITE_NULL }

  func integer(_ index: Int32) throws -> Int64 {
    guard sqlite3_column_type(statement, index) == SQLITE_INTEGER else { throw misplaced(index, "a whole number") }
    return sqlite3_column_int64(statement, index)
  }

  func text(_ index: Int32) throws -> String {
    guard sqlite3_column_type(statement, index) == SQLITE_TEXT, let start = sqlite3_column_text(statement, index)
    else { throw misplaced(index, "text") }
    let count = Int(sqlite3_column_bytes(statement, index))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  private func misplaced(_ index: Int32, _ expected: String) -> StoreError {
    let found =
      switch sqlite3_column_type(statement, index) {
      case SQLITE_NULL: "nothing"
      case SQLITE_INTEGER: "the number \(sqlite3_column_int64(statement, index))"
      case SQLITE_FLOAT: "the number \(sqlite3_column_double(statement, index))"
      case SQLITE_BLOB: "bytes"
      default: "text"
      }
    let column = sqlite3_column_name(statement, index).map { String(cString: $0) } ?? "\(index + 1)"
    return StoreError(
      .corrupted,
      "the database holds \(found) in the column \(column), where \(expected) belongs. Restore it from a backup.")
  }
}

/// A type that a column can be read as.
protocol ColumnValue {
  init(_ row: ResultRow, _ index: Int32) throws
}

extension Int64: ColumnValue {
  init(_ row: ResultRow, _ index: Int32) throws { self = try row.integer(index) }
}

extension Int: ColumnValue {
  init(_ row: ResultRow, _ index: Int32) throws { self = Int(try row.integer(index)) }
}

extension Int32: ColumnValue {
  init(_ row: ResultRow, _ index: Int32) throws {
    let number = try row.integer(index)
    guard let small = Int32(exactly: number) else {
      throw StoreError(.corrupted, "the database holds the place \(number), which no list has. Restore it from a backup.")
    }
    self = small
  }
}

extension String: ColumnValue {
  init(_ row: ResultRow, _ index: Int32) throws { self = try row.text(index) }
}

extension Optional: ColumnValue where Wrapped: ColumnValue {
  init(_ row: ResultRow, _ index: Int32) throws { self = row.isNull(index) ? nil : try Wrapped(row, index) }
}
