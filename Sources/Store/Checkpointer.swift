import GRDB

/// Moves what the write-ahead log holds into the database file, on a connection of its own: it blocks no writer, and no
/// commit waits for it. SQLite begins the log anew when all of it has been moved; where the writer never pauses that long,
/// the writer moves the small rest itself once the log has grown to `Checkpointer.longestLog`.
public final class Checkpointer: Sendable {
  /// Pages of the log at which the writer helps: 128 MB of 4 KB pages.
  static let longestLog = 32_000

  private let queue: DatabaseQueue

  /// - Returns: nil for a store in memory, which has no log.
  /// - Throws: `StoreError` when the file can't be opened once more; then the writer goes on doing it by itself.
  public init?(beside store: Store) throws(StoreError) {
    guard let path = store.path else { return nil }
    queue = try SQLiteFault.translated(file: path) {
      var configuration = Configuration()
      configuration.label = "coulisse.checkpoints"
      configuration.busyMode = .immediateError
      configuration.prepareDatabase { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
      }
      return try DatabaseQueue(path: path, configuration: configuration)
    }
    try store.leaveCheckpoints(untilPages: Self.longestLog)
  }

  /// Moves what is there.
  /// - Returns: whether some of it is left.
  /// - Throws: `StoreError.locked` when somebody else is at it.
  public func pass() throws(StoreError) -> Bool {
    try SQLiteFault.translated(file: "the database") {
      try queue.writeWithoutTransaction { db in
        let result = try db.checkpoint(.passive)
        return result.checkpointedFrameCount < result.walFrameCount
      }
    }
  }

  /// Closes the connection.
  public func close() { try? queue.close() }
}
