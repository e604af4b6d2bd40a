import CRM
import GRDB

/// What a pass over ended runs removed.
public struct Pruned: Sendable, Hashable {
  /// With their journals.
  public var runs = 0
  public var events = 0
  /// Sources that no run needs any more.
  public var bundles = 0
  /// Whether there is more to remove at once.
  public var more = false
  /// Whether the file is smaller now.
  public var shrank = false

  /// Nothing so far.
  public init() {}
}

extension Store {
  /// Removes one slice of what the workspace no longer keeps: runs that ended long ago or are beyond the number that is
  /// kept, their journals, events and sources. What an open run needs stays: its own rows, the event that caused it, the
  /// origin of its path, its sources.
  /// - Parameters:
  ///   - present: the hash of the sources that later runs will be queued with.
  ///   - limit: how many rows of a kind go in one transaction, so that nobody waits long for the writer.
  public func prune(_ retention: Retention, present: String, now: Instant, limit: Int = 500) throws -> Pruned {
    try pruning { db in try Pruning(db: db, retention: retention, now: now, limit: limit).slice(present: present) }
  }

  /// Gives the room that pruned rows left back to the file system, when that is more than half of the file: until then
  /// new rows fill it. The whole rest is written anew, so it is for a quiet hour.
  /// - Returns: whether the file is smaller now.
  public func shrink() throws -> Bool {
    try vacuuming { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
      guard free > 1000, free * 2 > pages else { return false }
      // The file that it is written into first may be large, and belongs on the disk.
      try db.execute(sql: "PRAGMA temp_store = FILE")
      defer { try? db.execute(sql: "PRAGMA temp_store = MEMORY") }
      try db.execute(sql: "VACUUM")
      _ = try db.checkpoint(.truncate)
      return true
    }
  }
}

/// One slice of pruning.
private struct Pruning {
  let db: Database
  let retention: Retention
  let now: Instant
  let limit: Int

  private var cutoff: Int64 { now.milliseconds - retention.age.milliseconds }

  func slice(present: String) throws -> Pruned {
    var pruned = Pruned()
    pruned.runs = try removeRuns()
    if pruned.runs == limit {
      pruned.more = true
      return pruned
    }
    pruned.events = try removeEvents()
    pruned.more = pruned.events == limit
    if !pruned.more { pruned.bundles = try removeBundles(present) }
    return pruned
  }

  private func removeRuns() throws -> Int {
    // The newest run stays: ids go on from it, and with an id the keys of effects that services remember.
    let newest = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM run") ?? 0
    let (lastBeyond, _) = newest.subtractingReportingOverflow(Int64(retention.runs))
    let ids = try Int64.fetchAll(
      db,
      sql: """
        SELECT id FROM run WHERE finished_at IS NOT NULL AND (finished_at < ? OR id <= ?) AND id < ? ORDER BY id LIMIT ?
        """, arguments: [cutoff, lastBeyond, newest, limit])
    for id in ids {
      try db.cachedStatement(sql: "DELETE FROM journal WHERE run_id = ?").execute(arguments: [id])
      try db.cachedStatement(sql: "DELETE FROM run WHERE id = ?").execute(arguments: [id])
    }
    return ids.count
  }

  /// Ids of events grow with those of their runs, so what is older than the event of the oldest ended run that is kept
  /// belongs to no ended run. Origins stay as long as any run descends from them: one that is retried goes on from there.
  private func removeEvents() throws -> Int {
    let floor = try Int64.fetchOne(
      db, sql: "SELECT event_id FROM run WHERE finished_at IS NOT NULL ORDER BY id LIMIT 1") ?? Int64.max
    // The newest event stays: ids go on from it.
    let ids = try Int64.fetchAll(
      db,
      sql: """
        SELECT id FROM event
        WHERE id < ? AND at < ? AND id < (SELECT MAX(id) FROM event)
          AND id NOT IN (SELECT event_id FROM run WHERE finished_at IS NULL)
          AND id NOT IN (SELECT origin FROM run)
        ORDER BY id LIMIT ?
        """, arguments: [floor, cutoff, limit])
    for id in ids {
      try db.cachedStatement(sql: "DELETE FROM origin WHERE event_id = ?").execute(arguments: [id])
      try db.cachedStatement(sql: "DELETE FROM event WHERE id = ?").execute(arguments: [id])
    }
    return ids.count
  }

  private func removeBundles(_ present: String) throws -> Int {
    try db.execute(
      sql: """
        DELETE FROM bundle WHERE hash <> ? AND created_at < ?
          AND id NOT IN (SELECT DISTINCT bundle_id FROM run) AND id < (SELECT MAX(id) FROM bundle)
        """, arguments: [present, cutoff])
    return db.changesCount
  }
}
