import GRDB

/// The one place where SQLite's result codes become errors in the words of a person.
enum SQLiteFault {
  /// Runs `body` and turns what SQLite throws into a `StoreError`.
  static func translated<T>(file: String, _ body: () throws -> T) throws(StoreError) -> T {
    do {
      return try body()
    } catch let error as StoreError {
      throw error
    } catch let error as DatabaseError {
      throw storeError(error, file: file)
    } catch let error as RowDecodingError {
      throw misplaced(error)
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
    } catch let error as RowDecodingError {
      throw misplaced(error)
    }
  }

  /// A column holds what no run of this program wrote there.
  private static func misplaced(_ error: RowDecodingError) -> StoreError {
    StoreError(.corrupted, "The database is damaged: \(error). Restore it from a backup.")
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
