import CRM
import Engine
import Store

/// A workspace in which a great many runs have ended, and very many are queued and parked: what an engine that begins
/// there has to read before it executes, and what its work costs then.
public struct Growth {
  /// What it took, in operations of the disk, which depend on no clock.
  public struct Cost: Sendable {
    /// Pages read until the first run was executed, from nothing in memory.
    public var readsToFirst = 0
    /// Pages read and written for each run after that.
    public var readsEach = 0.0
    public var writesEach = 0.0
    /// Bytes of the log, at most.
    public var logSize = 0
    /// Seconds until the first run was executed, and for each run after it.
    public var toFirst = Duration.zero
    public var each = Duration.zero
  }

  /// - Parameters:
  ///   - disk: an empty one.
  ///   - ended: how many runs are over.
  ///   - open: how many are queued, and how many wait; each in a deal of its own.
  ///   - executed: how many of them are executed.
  public static func measure(_ disk: FaultDisk, ended: Int, open: Int, executed: Int = 200) throws -> Cost {
    let stage = try Stage("growth-\(ended)-\(open)")
    try prepare(disk, stage, ended: ended, open: open)
    var cost = Cost()
    let reads = disk.count(.read)
    let start = ContinuousClock.now
    var clock = Stage.start.milliseconds
    let process = try SimulatedProcess(
      disk,
      SimulatedProcess.SetUp(
        version: stage.versions[0], services: stage.services, unfused: false, replaysAlways: false, seed: 1,
        clock: {
          clock += 1
          return Instant(milliseconds: clock)
        },
        beginGroup: {
          var left = 1
          return {
            left -= 1
            return left >= 0
          }
        }))
    func turn() throws {
      if let failure = process.turn() { throw failure }
      guard !process.executed.isEmpty else { throw SimulationFault("nothing was executed") }
    }
    try turn()
    cost.readsToFirst = disk.count(.read) - reads
    cost.toFirst = ContinuousClock.now - start
    let (readsBefore, writesBefore, before) = (disk.count(.read), disk.count(.write), ContinuousClock.now)
    for _ in 0..<executed {
      try turn()
      cost.logSize = max(cost.logSize, disk.logSize)
    }
    cost.readsEach = Double(disk.count(.read) - readsBefore) / Double(executed)
    cost.writesEach = Double(disk.count(.write) - writesBefore) / Double(executed)
    cost.each = (ContinuousClock.now - before) / executed
    try process.end()
    return cost
  }

  /// The rows as the engine would have written them, in one statement each.
  private static func prepare(_ disk: FaultDisk, _ stage: Stage, ended: Int, open: Int) throws {
    let store = try Store(path: disk.database, mode: .readWrite, patience: 0)
    try store.write { tx in
      try Stage.fill(tx, stage.versions[0])
      _ = try tx.bundle(
        hash: stage.versions[0].sources.hash, files: stage.versions[0].encodedFiles, at: Stage.start)
    }
    try store.close()
    let now = Stage.start.milliseconds
    let onlooker = try Onlooker(disk.database)
    func numbers(_ count: Int) -> String {
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))"
    }
    func runs(_ first: Int, _ status: String, segment: Int, topic: String, due: String, finished: String, deal: String) -> String {
      """
      INSERT INTO run (id, deal_id, event_id, bundle_id, automation, file, place, origin, path, status, lane_order,
        segment, seed, wake_topic, due_at, created_at, finished_at)
      SELECT \(first) + i, \(deal), 1, 1, 'count', 'scripts/automations.lua', 1, 1, 'count@deal:1', '\(status)',
        (\(first) + i) * 1048576, \(segment), 1, \(topic), \(due), \(now), \(finished) FROM n
      """
    }
    try onlooker.execute(
      """
      PRAGMA journal_mode = MEMORY;
      BEGIN;
      INSERT INTO event (id, name, deal_id, data, actor, origin, path, at)
      VALUES (1, 'deal.moved', 1, '{"$object":[["from","Neuf"],["to","Devis"]]}', 'user:w', 1, '', \(now));
      \(numbers(open * 2)) INSERT INTO deal (id, title, pipeline_id, stage_id, created_at)
        SELECT 1000 + i, 'Deal', 1, 1, \(now) FROM n;
      \(numbers(ended)) \(runs(0, "succeeded", segment: 0, topic: "NULL", due: "NULL", finished: "\(now)", deal: "i % 1000 + 1001"));
      \(numbers(open)) \(runs(ended, "waiting", segment: 1, topic: "'deal:' || (1000 + i) || '/status/won'", due: "\(now) + 86400000 + i", finished: "NULL", deal: "1000 + i"));
      \(numbers(open)) INSERT INTO journal (run_id, segment, entries, step_kind, step_name, step_key, step_hash,
          step_arguments, step_state, step_answer, begun_at)
        SELECT \(ended) + i, 0, '[]', 'wait', 'wait deal:1 won', 'run:' || i || '/wait:1', '', 'null', 'begun', 'null', \(now)
        FROM n;
      \(numbers(open)) \(runs(ended + open, "queued", segment: 0, topic: "NULL", due: "NULL", finished: "NULL", deal: "1000 + \(open) + i"));
      COMMIT;
      PRAGMA journal_mode = WAL;
      """)
  }
}
