import CRM
import Foundation
import GRDB

#if canImport(Glibc)
  import Glibc
#endif

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
  /// The connection's compiled statements.
  ///
  /// `nonisolated(unsafe)` is sound: they are used inside the queue's accesses, which are serialized, and forgotten when
  /// the store is closed or nobody has it any more.
  nonisolated(unsafe) private let statements: Statements
  /// What the last transaction knew, with the version of the data of which it is true.
  ///
  /// `nonisolated(unsafe)` is sound for the same reason: it is read and written inside the queue's accesses.
  nonisolated(unsafe) private var lasting: (version: UInt32, knowledge: LastingKnowledge)?
  private let currency: Currency
  /// Which file the path named when it was opened; nil for one in memory.
  private let file: FileIdentity?
  /// Held by every access, so that none can meet a connection that was closed: SQLite would crash.
  private let door = NSRecursiveLock()
  /// `nonisolated(unsafe)` is sound: it is private, and read and written under `door` only.
  nonisolated(unsafe) private var isClosed = false

  /// Opens the database at `path`, with WAL, foreign keys and FULL sync: a commit that was answered is on the disk.
  /// - Parameter currency: what amounts are in; the rows hold bare cents.
  /// - Throws: `StoreError` with kind `.newer`, `.corrupted`, `.readOnly`, `.locked` or `.notFound`.
  public convenience init(path: String, mode: Mode = .readWrite, currency: Currency = .eur) throws(StoreError) {
    try self.init(path: path, mode: mode, currency: currency, patience: 10)
  }

  /// - Parameter patience: for how many seconds a lock of another program is waited for.
  package init(path: String, mode: Mode, currency: Currency = .eur, patience: Double) throws(StoreError) {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if isFolder.boolValue || (mode == .readOnly && !exists) {
      let reason = isFolder.boolValue ? "a folder is there" : "make a workspace with: coulisse init DIR"
      throw StoreError(.notFound, "There is no database at \(path); \(reason)")
    }
    let folder = (path as NSString).deletingLastPathComponent
    if !exists, !folder.isEmpty, !FileManager.default.fileExists(atPath: folder) {
      throw StoreError(.notFound, "There is no folder \(folder); make a workspace with: coulisse init DIR")
    }
    let name = (path as NSString).lastPathComponent
    self.currency = currency
    (queue, statements) = try SQLiteFault.translated(file: name) {
      let queue = try DatabaseQueue(
        path: path, configuration: Store.configuration(readOnly: mode == .readOnly, patience: patience))
      try Store.prepare(queue, mode: mode, patience: patience, file: name)
      FaultPoint.reach(.databaseOpened)
      return (queue, try Store.statements(of: queue))
    }
    file = FileIdentity(path: path)
  }

  /// An empty database in memory, for script tests.
  public init(currency: Currency = .eur) throws(StoreError) {
    self.currency = currency
    file = nil
    (queue, statements) = try SQLiteFault.translated(file: "memory") {
      let queue = try DatabaseQueue(configuration: Store.configuration(readOnly: false, memory: true))
      try Migrations.migrator.migrate(queue)
      return (queue, try Store.statements(of: queue))
    }
  }

  deinit { statements.removeAll() }

  private static func statements(of queue: DatabaseQueue) throws -> Statements {
    try queue.writeWithoutTransaction { db in
      guard let connection = db.sqliteConnection else { throw StoreError(.other, "the database was closed") }
      return Statements(connection)
    }
  }

  /// One durable transaction: committed when `body` returns, rolled back when it throws.
  /// - Throws: what `body` throws, or a `StoreError` of the commit itself.
  public func write<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try access {
      try file?.check()
      var result: Result<T, any Error>?
      try queue.writeWithoutTransaction { db in
        var knowledge = LastingKnowledge()
        let before = lasting
        lasting = nil
        try statements.transaction("BEGIN IMMEDIATE") {
          FaultPoint.reach(.writeBegun)
          let present = before.flatMap { $0.version == statements.dataVersion ? $0.knowledge : nil }
          let transaction = SQLiteTransaction(db, statements, currency: currency, lasting: present)
          let value = try body(transaction)
          try transaction.flush()
          knowledge = transaction.known.lasting
          knowledge.keep(transaction.cache)
          result = .success(value)
          FaultPoint.reach(.writeReady)
          return true
        }
        lasting = (statements.dataVersion, knowledge)
      }
      FaultPoint.reach(.writeCommitted)
      guard let result else { throw StoreError(.other, "the transaction ended without a result") }
      return try result.get()
    }
  }

  /// Executes `body` in a transaction that is always rolled back: nothing that it writes is ever seen by others.
  public func rehearse<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try access {
      var result: T?
      try queue.writeWithoutTransaction { db in
        try statements.transaction("BEGIN IMMEDIATE") {
          // Written like the real thing, so that it is refused where the real thing would be.
          let transaction = SQLiteTransaction(db, statements, currency: currency)
          result = try body(transaction)
          try transaction.flush()
          return false
        }
      }
      guard let result else { throw StoreError(.other, "the rehearsal ended without a result") }
      return result
    }
  }

  /// A consistent snapshot. Writing in it is an error.
  public func read<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try access {
      var value: T?
      // Not the connection's own read: that switches query_only on and off, and with each switch SQLite forgets every
      // statement that it has compiled.
      try queue.writeWithoutTransaction { db in
        try statements.transaction("BEGIN") {
          let transaction = SQLiteTransaction(db, statements, currency: currency, isReader: true)
          value = try body(transaction)
          try transaction.flush()
          return false
        }
      }
      guard let value else { throw StoreError(.other, "the snapshot ended without a result") }
      return value
    }
  }

  /// SQLite's own integrity and foreign key checks: an empty list when all is well, else one line a fault.
  public func integrityFaults() throws -> [String] {
    try access {
      try queue.writeWithoutTransaction { db in
        let faults: [String]
        do {
          faults = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
          return [error.message ?? "the file is damaged"]
        }
        // Foreign keys can't be followed through broken pages.
        if !faults.isEmpty { return faults }
        return try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { row in
          "table \(row[0] as String? ?? "?") has a row that refers to a missing row of \(row[2] as String? ?? "?")"
        }
      }
    }
  }

  /// Where the file is; nil for one in memory.
  var path: String? { file?.path }

  /// Somebody else moves the log into the file; commits do it only when it has grown to so many pages.
  func leaveCheckpoints(untilPages pages: Int) throws(StoreError) {
    try SQLiteFault.translated(file: "the database") {
      try access {
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_autocheckpoint = \(pages)") }
      }
    }
  }

  /// Moves what the write-ahead log holds into the database file, as far as readers allow.
  public func checkpoint() throws {
    try access {
      try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.passive) }
    }
  }

  /// One transaction that removes what nothing refers to any more. References are not checked meanwhile: for each event
  /// that goes SQLite would read all runs, whose reference to it has no index, because an index would cost every run.
  func pruning<T>(_ body: (Database) throws -> T) throws -> T {
    try access {
      try file?.check()
      return try queue.writeWithoutTransaction { db in
        lasting = nil
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        defer { try? db.execute(sql: "PRAGMA foreign_keys = ON") }
        var result: T?
        try db.inTransaction(.immediate) {
          result = try body(db)
          return .commit
        }
        guard let result else { throw StoreError(.other, "the transaction ended without a result") }
        return result
      }
    }
  }

  /// Gives the connection outside of a transaction to whoever writes the whole file anew.
  func vacuuming<T>(_ body: (Database) throws -> T) throws -> T {
    try access {
      try file?.check()
      return try queue.writeWithoutTransaction(body)
    }
  }

  /// Gives the connection to whoever copies the whole database.
  func copy(_ body: (DatabaseQueue) throws -> Void) throws {
    try access { try body(queue) }
  }

  /// Closes the file; later calls are errors.
  public func close() throws {
    try door.withLock {
      statements.removeAll()
      try queue.close()
      isClosed = true
    }
  }

  private func access<T>(_ body: () throws -> T) throws -> T {
    try door.withLock {
      if isClosed { throw StoreError(.other, "the database was closed") }
      return try SQLiteFault.translatedAny(file: "the database", body)
    }
  }

  private static func configuration(readOnly: Bool, memory: Bool = false, patience: Double = 10) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = readOnly
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(patience)
    configuration.label = "coulisse"
    configuration.prepareDatabase { db in
      if !readOnly && !memory {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // A larger log between checkpoints: fewer pages are copied twice.
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
      }
      try db.execute(sql: "PRAGMA cache_size = -65536")
      try db.execute(sql: "PRAGMA temp_store = MEMORY")
      db.add(function: folded)
    }
    return configuration
  }

  /// Labels are searched for as people read them: accents and case do not count.
  private static let folded = DatabaseFunction("folded", argumentCount: 1, pure: true) { values in
    values.first.flatMap { String.fromDatabaseValue($0) }.map(Label.folded)
  }

  private static func prepare(_ queue: DatabaseQueue, mode: Mode, patience: Double, file: String) throws {
    let end = ContinuousClock.now + .seconds(min(patience, 2))
    while true {
      do {
        return try prepareOnce(queue, mode: mode, patience: patience, file: file)
      } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR && ContinuousClock.now < end {
        // Another program makes the tables of a new workspace at this moment, and this one saw half of it.
        Thread.sleep(forTimeInterval: 0.01)
      }
    }
  }

  private static func prepareOnce(_ queue: DatabaseQueue, mode: Mode, patience: Double, file: String) throws {
    let migrator = Migrations.migrator
    let known = migrator.migrations
    let applied = try queue.read(migrator.appliedIdentifiers)
    if !applied.isSubset(of: known) {
      throw StoreError(
        .newer,
        "\(file) was written by a newer version of coulisse than this one. Use that version, or a backup.")
    }
    // Only now: a file that is refused stays as it is.
    if mode == .readWrite {
      try startLog(queue, patience: patience)
    }
    if applied.isSuperset(of: known) { return }
    if mode == .readOnly {
      throw StoreError(
        .other, "\(file) has the layout of an earlier version. Open it once with: coulisse work --until-idle")
    }
    do {
      try migrator.migrate(queue)
    } catch {
      // Of two programs that open a new workspace at once, both find it empty; the later one finds the tables made.
      guard try queue.read(migrator.appliedIdentifiers).count > applied.count else { throw error }
      try prepareOnce(queue, mode: mode, patience: patience, file: file)
    }
  }

  /// The one statement for which SQLite does not wait by itself while another program writes, to a file without a log.
  private static func startLog(_ queue: DatabaseQueue, patience: Double) throws {
    let end = ContinuousClock.now + .seconds(patience)
    while true {
      do {
        return try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = WAL") }
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < end {
        Thread.sleep(forTimeInterval: 0.005)
      }
    }
  }
}

/// The migrations in their order. One that was released is never edited or removed.
enum Migrations {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration(Migration001.identifier, migrate: Migration001.apply)
    migrator.registerMigration(Migration002.identifier, migrate: Migration002.apply)
    migrator.registerMigration(Migration003.identifier, migrate: Migration003.apply)
    migrator.registerMigration(Migration004.identifier, migrate: Migration004.apply)
    return migrator
  }
}

/// A file by what it is, not by its name. SQLite goes on writing into a file that was removed or replaced under it, and
/// what it then commits is lost to everybody who opens the path.
private struct FileIdentity: Sendable {
  let path: String
  private let device: UInt64
  private let inode: UInt64

  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.path = path
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// - Throws: `StoreError` when the path names another file now, or none.
  func check() throws(StoreError) {
    if let present = FileIdentity(path: path), present.device == device, present.inode == inode { return }
    throw StoreError(
      .other, "\(path) was replaced or removed while it was open; nothing is written into the old file. Start again.")
  }
}
