import GRDB
import GRDBSQLite

/// The one place where SQLite's result codes become errors in the words of a person.
enum SQLiteFault {
  /// How errors call the file while a transaction is open.
  static let database = "the database"

  /// What SQLite says of the last call on a connection.
  static func lastError(_ connection: OpaquePointer, _ sql: String) -> StoreError {
    let code = ResultCode(rawValue: sqlite3_extended_errcode(connection))
    return storeError(
      DatabaseError(resultCode: code, message: String(cString: sqlite3_errmsg(connection)), sql: sql), file: database)
  }

  /// Runs `body` and turns what SQLite throws into a `StoreError`.
  static func translated<T>(file: String, _ body: () throws -> T) throws(StoreError) -> T {
    do {
      return try body()
    } catch let error as StoreError {
      throw error
    } catch let error as DatabaseError {
      throw storeError(error, file: file)
    } catch {
      throw StoreError(.other, "\(file): \(error)")
    }
  }

  /// The same for closures that also throw errors of their callers, which pass unchanged.
  static func translatedAny<T>(file: String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw storeError(error, file: file)
    }
  }

  static func storeError(_ error: DatabaseError, file: String) -> StoreError {
    let detail = error.message ?? "no details"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return StoreError(
        .locked, "\(file) is locked by another program. Wait until it has finished, or end it, and try again.")
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
      return StoreError(
        .readOnly, "\(file) can't be opened for writing (\(detail)). Check the permissions of the workspace's folder.")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return StoreError(
        .corrupted, "\(file) is damaged or is no coulisse database (\(detail)). Restore it from a backup.")
    case .SQLITE_ABORT:
      return StoreError(.transactionLost, "SQLite rolled the whole transaction back; nothing of it was written.")
    case .SQLITE_FULL:
      return StoreError(.full, "The disk is full; nothing was written. Free some space and try again.")
    case .SQLITE_IOERR:
      return StoreError(
        .full,
        "\(file) can't be read or written (\(detail)): the disk may be full or failing. Nothing was written. Free some "
          + "space and try again.")
    case .SQLITE_CONSTRAINT:
      return StoreError(.constraint, "The database refuses this: \(detail).")
    default:
      return StoreError(.other, "\(file): SQLite answered \(error.resultCode.rawValue), \(detail)")
    }
  }
}
