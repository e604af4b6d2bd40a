import CRM
import Foundation
import GRDB

/// One workspace's database. Write access goes through `write`, whose closure gets the transaction by hand, so the
/// scope of every commit can be seen in the code.
///
/// A `Store` may be used from several threads; each access is serialized. The closures run on the thread of the
/// caller and must not call `write` or `read` again.
public final class Store: Sendable {
  /// How a database is opened.
  public enum Mode: Sendable {
    /// Creates the file if there is none, and migrates.
    case readWrite
    /// Never creates, migrates or writes.
    case readOnly
  }

  private let queue: DatabaseQueue

  /// Opens the database at `path`, with WAL, foreign keys and FULL sync: a commit that was answered is on the disk.
  /// - Throws: `StoreError` with kind `.newer`, `.corrupted`, `.readOnly`, `.locked` or `.notFound`.
  public init(path: String, mode: Mode = .readWrite) throws(StoreError) {
    if mode == .readOnly, !FileManager.default.fileExists(atPath: path) {
      throw StoreError(.notFound, "There is no database at \(path). Make a workspace with: coulisse init DIR")
    }
    let name = (path as NSString).lastPathComponent
    queue = try SQLiteFault.translated(file: name) {
      let queue = try DatabaseQueue(path: path, configuration: Store.configuration(readOnly: mode == .readOnly))
      try Store.prepare(queue, mode: mode, file: name)
      return queue
    }
  }

  /// An empty database in memory, for script tests.
  public init() throws(StoreError) {
    queue = try SQLiteFault.translated(file: "memory") {
      let queue = try DatabaseQueue(configuration: Store.configuration(readOnly: false, memory: true))
      try Migrations.migrator.migrate(queue)
      return queue
    }
  }

  /// One durable transaction: committed when `body` returns, rolled back when it throws.
  /// - Throws: what `body` throws, or a `StoreError` of the commit itself.
  public func write<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try SQLiteFault.translatedAny(file: "the database") {
      var result: Result<T, any Error>?
      try queue.writeWithoutTransaction { db in
        try db.inTransaction(.immediate) {
          let transaction = SQLiteTransaction(db)
          let value = try body(transaction)
          try transaction.flush()
          result = .success(value)
          return .commit
        }
      }
      guard let result else { throw StoreError(.other, "the transaction ended without a result") }
      return try result.get()
    }
  }

  /// Executes `body` in a transaction that is always rolled back: nothing that it writes is ever seen by others.
  public func rehearse<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try SQLiteFault.translatedAny(file: "the database") {
      var result: T?
      try queue.writeWithoutTransaction { db in
        try db.inTransaction(.immediate) {
          result = try body(SQLiteTransaction(db))
          return .rollback
        }
      }
      guard let result else { throw StoreError(.other, "the rehearsal ended without a result") }
      return result
    }
  }

  /// A consistent snapshot. Writing in it is an error.
  public func read<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try SQLiteFault.translatedAny(file: "the database") {
      try queue.read { db in try body(SQLiteTransaction(db)) }
    }
  }

  /// SQLite's own integrity and foreign key checks: an empty list when all is well, else one line a fault.
  public func integrityFaults() throws -> [String] {
    try SQLiteFault.translatedAny(file: "the database") {
      try queue.writeWithoutTransaction { db in
        var faults = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        faults += try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { row in
          "table \(row[0] as String? ?? "?") has a row that refers to a missing row of \(row[2] as String? ?? "?")"
        }
        return faults
      }
    }
  }

  /// Moves what the write-ahead log holds into the database file, as far as readers allow.
  public func checkpoint() throws {
    try SQLiteFault.translatedAny(file: "the database") {
      try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.passive) }
    }
  }

  /// Closes the file; later calls are errors.
  public func close() throws { try queue.close() }

  private static func configuration(readOnly: Bool, memory: Bool = false) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = readOnly
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(10)
    configuration.label = "coulisse"
    // Nothing here observes the database, so statements need not be compiled with an authorizer's eye on them.
    configuration.maximumReaderCount = 1
    configuration.prepareDatabase { db in
      if !readOnly && !memory {
        try db.execute(sql: "PRAGMA journal_mode = WAL")
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // A larger log between checkpoints: fewer pages are copied twice.
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
      }
      try db.execute(sql: "PRAGMA cache_size = -65536")
      try db.execute(sql: "PRAGMA temp_store = MEMORY")
    }
    return configuration
  }

  private static func prepare(_ queue: DatabaseQueue, mode: Mode, file: String) throws {
    let migrator = Migrations.migrator
    let (superseded, complete) = try queue.read { db in
      (try migrator.hasBeenSuperseded(db), try migrator.hasCompletedMigrations(db))
    }
    if superseded {
      throw StoreError(
        .newer,
        "\(file) was written by a newer version of coulisse than this one. Use that version, or a backup.")
    }
    if complete { return }
    if mode == .readOnly {
      throw StoreError(
        .other, "\(file) has the layout of an earlier version. Open it once with: coulisse work --until-idle")
    }
    try migrator.migrate(queue)
  }
}

/// The migrations in their order. One that was released is never edited or removed.
enum Migrations {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration(Migration001.identifier, migrate: Migration001.apply)
    migrator.registerMigration(Migration002.identifier, migrate: Migration002.apply)
    return migrator
  }
}
