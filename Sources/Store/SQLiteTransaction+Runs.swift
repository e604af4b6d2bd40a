import CRM
import GRDB

/// Room between two runs' places in a lane, for wake-ups.
private let laneStep: Int64 = 1 << 20

extension SQLiteTransaction {
  func append(_ event: EventRow) throws -> EventRow {
    try flush()
    var event = event
    event.id = (try number("SELECT MAX(id) FROM event") ?? 0) + 1
    if event.origin == 0 { event.origin = event.id }
    try execute(
      """
      INSERT INTO event (id, name, deal_id, data, actor, run_id, origin, path, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        event.id, event.name, event.dealID, event.data.json.text(pretty: false), event.author.actor,
        event.author.runID, event.origin, event.path, event.at.milliseconds,
      ])
    return event
  }

  func event(_ id: Int64) throws -> EventRow? {
    try row("SELECT name, deal_id, data, actor, run_id, origin, path, at FROM event WHERE id = ?", [id]).map { row in
      EventRow(
        id: id, name: row[0], dealID: row[1], data: try Value(json: JSON(parsing: row[2] as String)),
        author: Author(actor: row[3], runID: row[4]), origin: row[5], path: row[6], at: Instant(milliseconds: row[7]))
    }
  }

  func bundle(hash: String, files: @autoclosure () throws -> String, at: Instant) throws -> Int64 {
    if let id = try number("SELECT id FROM bundle WHERE hash = ?", [hash]) { return id }
    try execute(
      "INSERT INTO bundle (hash, files, created_at) VALUES (?, ?, ?)", [hash, try files(), at.milliseconds])
    return db.lastInsertedRowID
  }

  func bundleFiles(_ id: Int64) throws -> (hash: String, files: String)? {
    try row("SELECT hash, files FROM bundle WHERE id = ?", [id]).map { ($0[0], $0[1]) }
  }

  func insert(_ run: RunRow) throws -> RunRow {
    var run = run
    run.id = (try number("SELECT MAX(id) FROM run") ?? 0) + 1
    run.laneOrder = run.id * laneStep
    try execute(
      """
      INSERT INTO run (id, deal_id, event_id, bundle_id, automation, file, place, origin, path, status, lane_order,
        segment, attempts, seed, wake_topic, due_at, error, warnings, created_at, finished_at, printed)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        run.id, run.dealID, run.eventID, run.bundleID, run.automation, run.file, run.place, run.origin, run.path,
        run.status.rawValue, run.laneOrder, run.segment, run.attempts, run.seed, run.wakeTopic,
        run.dueAt?.milliseconds, run.error, linesText(run.warnings), run.createdAt.milliseconds,
        run.finishedAt?.milliseconds, linesText(run.printed),
      ])
    return run
  }

  func update(_ run: RunRow) throws {
    try execute(
      """
      UPDATE run SET bundle_id = ?, status = ?, lane_order = ?, segment = ?, attempts = ?, wake_topic = ?, due_at = ?,
        error = ?, warnings = ?, finished_at = ?, printed = ? WHERE id = ?
      """,
      [
        run.bundleID, run.status.rawValue, run.laneOrder, run.segment, run.attempts, run.wakeTopic,
        run.dueAt?.milliseconds, run.error, linesText(run.warnings), run.finishedAt?.milliseconds,
        linesText(run.printed), run.id,
      ])
  }

  func requeue(_ run: RunRow) throws -> RunRow {
    var run = run
    run.status = .queued
    run.wakeTopic = nil
    run.dueAt = nil
    run.finishedAt = nil
    run.error = nil
    let newest = (try number("SELECT MAX(id) FROM run") ?? 0) * laneStep
    let last =
      try number(
        "SELECT MAX(lane_order) FROM run WHERE deal_id IS ? AND finished_at IS NULL AND status IN ('queued', 'running')",
        [run.dealID]) ?? 0
    run.laneOrder = max(newest, last) + 1
    try update(run)
    return run
  }

  private func linesText(_ lines: [String]) -> String? {
    lines.isEmpty ? nil : JSON.array(lines.map { .string($0) }).text(pretty: false)
  }

  private func lines(_ text: String?) throws -> [String] {
    try text.map { try JSON(parsing: $0).arrayValue?.compactMap(\.stringValue) ?? [] } ?? []
  }

  func countRun(origin: Int64) throws -> Int {
    try execute(
      "INSERT INTO origin (event_id, runs) VALUES (?, 1) ON CONFLICT (event_id) DO UPDATE SET runs = runs + 1", [origin])
    return Int(try number("SELECT runs FROM origin WHERE event_id = ?", [origin]) ?? 0)
  }

  // MARK: Looking runs up

  private static let runColumns = """
    id, deal_id, event_id, bundle_id, automation, file, place, origin, path, status, lane_order, segment, attempts,
    seed, wake_topic, due_at, error, warnings, created_at, finished_at, printed
    """

  private func runs(_ clause: String, _ arguments: StatementArguments = StatementArguments()) throws -> [RunRow] {
    try rows("SELECT \(Self.runColumns) FROM run \(clause)", arguments).map(decodeRun)
  }

  private func decodeRun(_ row: Row) throws -> RunRow {
    guard let status = RunStatus(rawValue: row[9]) else {
      throw StoreError(.corrupted, "run \(row[0] as Int64) has the unknown status \(row[9] as String)")
    }
    return RunRow(
      id: row[0], dealID: row[1], eventID: row[2], bundleID: row[3], automation: row[4], file: row[5], place: row[6],
      origin: row[7], path: row[8], status: status, laneOrder: row[10], segment: row[11], attempts: row[12],
      seed: row[13], wakeTopic: row[14], dueAt: (row[15] as Int64?).map(Instant.init(milliseconds:)), error: row[16],
      warnings: try lines(row[17]), printed: try lines(row[20]), createdAt: Instant(milliseconds: row[18]),
      finishedAt: (row[19] as Int64?).map(Instant.init(milliseconds:)))
  }

  func run(_ id: Int64) throws -> RunRow? { try runs("WHERE id = ?", [id]).first }

  func openRuns(_ statuses: [RunStatus], limit: Int?) throws -> [RunRow] {
    let names = statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    let bound = limit.map { " LIMIT \($0)" } ?? ""
    return try runs("WHERE finished_at IS NULL AND status IN (\(names)) ORDER BY lane_order, id\(bound)")
  }

  func openRuns(_ statuses: [RunStatus], of dealID: Int64) throws -> [RunRow] {
    let names = statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    return try runs(
      "WHERE deal_id = ? AND finished_at IS NULL AND status IN (\(names)) ORDER BY lane_order, id", [dealID])
  }

  func nextQueued() throws -> RunRow? {
    try runs(
      """
      WHERE finished_at IS NULL AND status = 'queued' AND NOT EXISTS (
        SELECT 1 FROM run AS busy
        WHERE busy.finished_at IS NULL AND busy.status = 'running' AND busy.deal_id IS run.deal_id)
      ORDER BY lane_order, id LIMIT 1
      """
    ).first
  }

  func headOfLane(_ dealID: Int64?) throws -> RunRow? {
    try runs(
      "WHERE deal_id IS ? AND finished_at IS NULL AND status IN ('queued', 'running') ORDER BY lane_order, id LIMIT 1",
      [dealID]
    ).first
  }

  func runs(of dealID: Int64) throws -> [RunRow] { try runs("WHERE deal_id = ? ORDER BY id", [dealID]) }

  func runs(matching filter: RunFilter) throws -> [RunRow] {
    var conditions: [String] = []
    var arguments: [DatabaseValue] = []
    if !filter.statuses.isEmpty {
      conditions.append("status IN (\(filter.statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")))")
    }
    if let automation = filter.automation {
      conditions.append("automation = ?")
      arguments.append(automation.databaseValue)
    }
    if let dealID = filter.dealID {
      conditions.append("deal_id = ?")
      arguments.append(dealID.databaseValue)
    }
    let filterText = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    return try runs("\(filterText) ORDER BY id DESC LIMIT \(max(0, filter.limit))", StatementArguments(arguments))
  }

  func waitingRuns(topic: String) throws -> [RunRow] {
    try runs("WHERE wake_topic = ? AND status = 'waiting' ORDER BY lane_order, id", [topic])
  }

  func dueRuns(now: Instant, limit: Int) throws -> [RunRow] {
    try runs(
      """
      WHERE finished_at IS NULL AND status IN ('waiting', 'retrying') AND due_at IS NOT NULL AND due_at <= ?
      ORDER BY due_at, id LIMIT \(limit)
      """, [now.milliseconds])
  }

  func nextDue() throws -> Instant? {
    try number(
      "SELECT MIN(due_at) FROM run WHERE finished_at IS NULL AND status IN ('waiting', 'retrying')"
    ).map(Instant.init(milliseconds:))
  }

  // MARK: Journal

  func journal(of runID: Int64) throws -> [JournalRow] {
    try rows(
      """
      SELECT segment, entries, step_kind, step_name, step_key, step_hash, step_arguments, step_state, step_answer,
        step_attempts, begun_at, answered_at FROM journal WHERE run_id = ? ORDER BY segment
      """, [runID]
    ).map { row in
      var step: JournalRow.Step?
      if let kind = (row[2] as String?).flatMap(JournalRow.Step.Kind.init(rawValue:)),
        let state = (row[7] as String?).flatMap(JournalRow.Step.State.init(rawValue:))
      {
        step = JournalRow.Step(
          kind: kind, name: row[3], key: row[4], hash: row[5],
          arguments: try Value(json: JSON(parsing: row[6] as String)), state: state,
          answer: try (row[8] as String?).map { try Value(json: JSON(parsing: $0)) } ?? .null, attempts: row[9],
          begunAt: Instant(milliseconds: row[10]),
          answeredAt: (row[11] as Int64?).map(Instant.init(milliseconds:)))
      }
      return JournalRow(runID: runID, segment: row[0], entries: row[1], step: step)
    }
  }

  func write(_ row: JournalRow) throws {
    let step = row.step
    try execute(
      """
      INSERT OR REPLACE INTO journal (run_id, segment, entries, step_kind, step_name, step_key, step_hash,
        step_arguments, step_state, step_answer, step_attempts, begun_at, answered_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        row.runID, row.segment, row.entries, step?.kind.rawValue, step?.name, step?.key, step?.hash,
        step.map { $0.arguments.json.text(pretty: false) }, step?.state.rawValue,
        step.map { $0.answer.json.text(pretty: false) }, step?.attempts ?? 0,
        step?.begunAt.milliseconds, step?.answeredAt?.milliseconds,
      ])
  }

  func deleteJournal(of runID: Int64, from segment: Int) throws {
    try execute("DELETE FROM journal WHERE run_id = ? AND segment >= ?", [runID, segment])
  }
}
