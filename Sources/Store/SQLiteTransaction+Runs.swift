import CRM

// Where a query says `+status`, the plus keeps SQLite to the index of the lane or of what is due: that of open runs
// would read all that are queued or waiting anywhere.

/// Room between two runs' places in a lane, for wake-ups.
private let laneStep: Int64 = 1 << 20

extension SQLiteTransaction {
  /// The highest id of a table that only grows; ids so high that places in a lane would overflow are damage.
  private func lastID(_ table: String) throws -> Int64 {
    if let known = known.lasting.lastIDs[table] { return known }
    var last = try number("SELECT MAX(id) FROM \(table)") ?? 0
    if table == "run", let unwritten = unwrittenRuns.last { last = max(last, unwritten.id) }
    guard last >= 0, last < Int64.max / laneStep - 1 else {
      throw StoreError(.corrupted, "the table \(table) has a row with the id \(last). Restore it from a backup.")
    }
    known.lasting.lastIDs[table] = last
    return last
  }

  func append(_ event: EventRow) throws -> EventRow {
    try flushRecords()
    var event = event
    event.id = try lastID("event") + 1
    if event.origin == 0 { event.origin = event.id }
    try execute(
      """
      INSERT INTO event (id, name, deal_id, data, actor, run_id, origin, path, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        event.id, event.name, event.dealID, try event.data.journalText(), event.author.actor,
        event.author.runID, event.origin, event.path, event.at.milliseconds,
      ])
    known.lasting.lastIDs["event"] = event.id
    known.events[event.id] = event
    return event
  }

  func event(_ id: Int64) throws -> EventRow? {
    if let event = known.events[id] { return event }
    return try row("SELECT name, deal_id, data, actor, run_id, origin, path, at FROM event WHERE id = ?", [id]).map { row in
      try EventRow(
        id: id, name: row.at(0), dealID: row.at(1), data: decodeValue(row.at(2)),
        author: Author(actor: row.at(3), runID: row.at(4)), origin: row.at(5), path: row.at(6),
        at: Instant(milliseconds: row.at(7)))
    }
  }

  func bundle(hash: String, files: @autoclosure () throws -> String, at: Instant) throws -> Int64 {
    if let id = known.lasting.bundles[hash] { return id }
    var id = try number("SELECT id FROM bundle WHERE hash = ?", [hash])
    if id == nil {
      try execute(
        "INSERT INTO bundle (hash, files, created_at) VALUES (?, ?, ?)", [hash, try files(), at.milliseconds])
      id = statements.lastInsertedRowID
    }
    known.lasting.bundles[hash] = id
    return id ?? 0
  }

  func bundleHash(_ id: Int64) throws -> String? {
    if let found = known.lasting.bundles.first(where: { $0.value == id }) { return found.key }
    guard let hash = try row("SELECT hash FROM bundle WHERE id = ?", [id]).map({ try $0.at(0) as String }) else { return nil }
    known.lasting.bundles[hash] = id
    return hash
  }

  func bundleFiles(_ id: Int64) throws -> (hash: String, files: String)? {
    try row("SELECT hash, files FROM bundle WHERE id = ?", [id]).map { (try $0.at(0), try $0.at(1)) }
  }

  func insert(_ run: RunRow) throws -> RunRow {
    var run = run
    run.id = try lastID("run") + 1
    run.laneOrder = run.id * laneStep
    known.lasting.lastIDs["run"] = run.id
    known.runs[run.id] = run
    unwrittenRuns.append(run)
    return run
  }

  /// Writes the runs that are in no table yet. Called before anything looks for runs there, or refers to them.
  func flushRuns() throws {
    if unwrittenRuns.isEmpty { return }
    // As with records, what the database refuses stays, and no commit goes without it.
    var done = 0
    defer { unwrittenRuns.removeFirst(done) }
    for run in unwrittenRuns {
      try write(run)
      done += 1
    }
  }

  private func write(_ run: RunRow) throws {
    if !run.status.isFinished { known.lasting.forgetQueue() }
    try execute(
      """
      INSERT INTO run (id, deal_id, event_id, bundle_id, automation, file, place, origin, path, status, lane_order,
        segment, attempts, seed, wake_topic, due_at, error, warnings, created_at, finished_at, printed, held_by,
        cancel_asked)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        run.id, run.dealID, run.eventID, run.bundleID, run.automation, run.file, run.place, run.origin, run.path,
        run.status.rawValue, run.laneOrder, run.segment, run.attempts, run.seed, run.wakeTopic,
        run.dueAt?.milliseconds, run.error, linesText(run.warnings), run.createdAt.milliseconds,
        run.finishedAt?.milliseconds, linesText(run.printed), run.heldBy, run.cancelAsked ? 1 : 0,
      ])
  }

  func update(_ run: RunRow) throws {
    if let place = unwrittenRuns.firstIndex(where: { $0.id == run.id }) {
      unwrittenRuns[place].takeChanges(of: run)
      known.runs[run.id] = unwrittenRuns[place]
      return
    }
    known.lasting.forgetQueue()
    try execute(
      """
      UPDATE run SET bundle_id = ?, status = ?, lane_order = ?, segment = ?, attempts = ?, wake_topic = ?, due_at = ?,
        error = ?, warnings = ?, finished_at = ?, printed = ?, path = ?, held_by = ?, cancel_asked = ? WHERE id = ?
      """,
      [
        run.bundleID, run.status.rawValue, run.laneOrder, run.segment, run.attempts, run.wakeTopic,
        run.dueAt?.milliseconds, run.error, linesText(run.warnings), run.finishedAt?.milliseconds,
        linesText(run.printed), run.path, run.heldBy, run.cancelAsked ? 1 : 0, run.id,
      ])
    // What an update does not write must not seem to be written.
    if var stored = known.runs[run.id] {
      stored.takeChanges(of: run)
      known.runs[run.id] = stored
    }
  }

  func requeue(_ run: RunRow) throws -> RunRow {
    var run = run
    run.status = .queued
    run.wakeTopic = nil
    run.dueAt = nil
    run.heldBy = nil
    run.finishedAt = nil
    run.error = nil
    try flushRuns()
    let newest = try lastID("run") * laneStep
    let last =
      try number(
        "SELECT MAX(lane_order) FROM run WHERE deal_id IS ? AND finished_at IS NULL AND +status IN ('queued', 'running')",
        [run.dealID]) ?? 0
    guard last < Int64.max else {
      throw StoreError(.corrupted, "a run has the place \(last) in its lane. Restore the database from a backup.")
    }
    run.laneOrder = max(newest, last) + 1
    try update(run)
    return run
  }

  private func linesText(_ lines: [String]) -> String? {
    lines.isEmpty ? nil : JSON.array(lines.map { .string($0) }).text(pretty: false)
  }

  private func lines(_ text: String?) throws -> [String] {
    try text.map { text in try stored(text) { try JSON(parsing: text).arrayValue?.compactMap(\.stringValue) ?? [] } } ?? []
  }

  func countRun(origin: Int64) throws -> Int {
    try execute(
      "INSERT INTO origin (event_id, runs) VALUES (?, 1) ON CONFLICT (event_id) DO UPDATE SET runs = runs + 1",
      [origin])
    return Int(try number("SELECT runs FROM origin WHERE event_id = ?", [origin]) ?? 0)
  }

  // MARK: Looking runs up

  private static let runColumns = """
    id, deal_id, event_id, bundle_id, automation, file, place, origin, path, status, lane_order, segment, attempts,
    seed, wake_topic, due_at, error, warnings, created_at, finished_at, printed, held_by, cancel_asked
    """

  private func runs(_ clause: String, _ arguments: StatementArguments = []) throws -> [RunRow] {
    try flushRuns()
    return try storedRuns(clause, arguments)
  }

  private func storedRuns(_ clause: String, _ arguments: StatementArguments) throws -> [RunRow] {
    try rows("SELECT \(Self.runColumns) FROM run \(clause)", arguments).map(decodeRun)
  }

  private func decodeRun(_ row: ResultRow) throws -> RunRow {
    let id: Int64 = try row.at(0)
    let word: String = try row.at(9)
    guard let status = RunStatus(rawValue: word) else {
      throw StoreError(.corrupted, "run \(id) has the unknown status \(word)")
    }
    return try RunRow(
      id: id, dealID: row.at(1), eventID: row.at(2), bundleID: row.at(3), automation: row.at(4), file: row.at(5),
      place: row.at(6), origin: row.at(7), path: row.at(8), status: status, laneOrder: row.at(10),
      segment: row.at(11), attempts: row.at(12), seed: row.at(13), wakeTopic: row.at(14),
      dueAt: (row.at(15) as Int64?).map(Instant.init(milliseconds:)), heldBy: row.at(21),
      cancelAsked: row.at(22) as Int != 0, error: row.at(16), warnings: try lines(row.at(17)),
      printed: try lines(row.at(20)), createdAt: Instant(milliseconds: row.at(18)),
      finishedAt: (row.at(19) as Int64?).map(Instant.init(milliseconds:)))
  }

  func run(_ id: Int64) throws -> RunRow? {
    if let run = known.runs[id] ?? unwrittenRuns.first(where: { $0.id == id }) { return run }
    let run = try storedRuns("WHERE id = ?", [id]).first
    known.runs[id] = run
    return run
  }

  func openRuns(_ statuses: [RunStatus], limit: Int?) throws -> [RunRow] {
    let names = statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    return try runs(
      "WHERE finished_at IS NULL AND status IN (\(names)) ORDER BY lane_order, id LIMIT ?", [limit ?? -1])
  }

  func openRuns(_ statuses: [RunStatus], of dealID: Int64) throws -> [RunRow] {
    let names = statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    return try runs(
      "WHERE deal_id = ? AND finished_at IS NULL AND +status IN (\(names)) ORDER BY lane_order, id", [dealID])
  }

  func nextQueued() throws -> RunRow? {
    try flushRuns()
    if known.lasting.queueIsEmpty { return nil }
    let next = try runs(
      """
      WHERE finished_at IS NULL AND status = 'queued' AND NOT EXISTS (
        SELECT 1 FROM run AS busy
        WHERE busy.finished_at IS NULL AND busy.status = 'running' AND busy.deal_id IS run.deal_id)
      ORDER BY lane_order, id LIMIT 1
      """
    ).first
    // Without one, all that is queued stands behind a running one, whose end is written before their turn comes.
    known.lasting.queueIsEmpty = next == nil
    return next
  }

  func headOfLane(_ dealID: Int64?) throws -> RunRow? {
    let stored = try storedRuns(
      "WHERE deal_id IS ? AND finished_at IS NULL AND +status IN ('queued', 'running') ORDER BY lane_order, id LIMIT 1",
      [dealID]
    ).first
    // Those that are not written yet are asked in memory: most runs are the head of their lane, and end, before that.
    return unwrittenRuns.reduce(stored) { head, run in
      guard run.dealID == dealID, run.status == .queued || run.status == .running else { return head }
      guard let head else { return run }
      return (run.laneOrder, run.id) < (head.laneOrder, head.id) ? run : head
    }
  }

  func runs(of dealID: Int64) throws -> [RunRow] { try runs("WHERE deal_id = ? ORDER BY id", [dealID]) }

  func runs(matching filter: RunFilter) throws -> [RunRow] {
    var conditions: [String] = []
    var arguments: StatementArguments = []
    if !filter.statuses.isEmpty {
      conditions.append("status IN (\(filter.statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")))")
    }
    if let automation = filter.automation {
      conditions.append("automation = ?")
      arguments.append(automation)
    }
    if let dealID = filter.dealID {
      conditions.append("deal_id = ?")
      arguments.append(dealID)
    }
    if let since = filter.since {
      conditions.append("created_at >= ?")
      arguments.append(since.milliseconds)
    }
    if let text = filter.errorText {
      // In the words of the message, not in the notation around them.
      conditions.append("instr(folded(iif(json_valid(error), json_extract(error, '$.message'), error)), ?) > 0")
      arguments.append(Label.folded(text))
    }
    let filterText = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    arguments.append(max(0, filter.limit))
    return try runs("\(filterText) ORDER BY id DESC LIMIT ?", arguments)
  }

  func heldRuns(by service: String, limit: Int?) throws -> [RunRow] {
    try runs("WHERE held_by = ? AND due_at IS NULL ORDER BY lane_order, id LIMIT ?", [service, limit ?? -1])
  }

  func backingOffRuns(of service: String, limit: Int) throws -> [RunRow] {
    try runs("WHERE held_by = ? AND due_at IS NOT NULL ORDER BY lane_order, id LIMIT ?", [service, limit])
  }

  func holdingServices() throws -> [(service: String, runs: Int)] {
    try flushRuns()
    if let known = known.lasting.holding { return known }
    let holding = try rows(
      "SELECT held_by, COUNT(*) FROM run WHERE held_by IS NOT NULL AND due_at IS NULL GROUP BY held_by ORDER BY held_by"
    ).map { row in (service: try row.at(0) as String, runs: try row.at(1) as Int) }
    known.lasting.holding = holding
    return holding
  }

  func waitingRuns(topic: String) throws -> [RunRow] {
    try runs(
      """
      WHERE id IN (SELECT id FROM run WHERE wake_topic = ? UNION ALL SELECT run_id FROM wait_topic WHERE topic = ?)
        AND +status = 'waiting'
      ORDER BY lane_order, id
      """, [topic, topic])
  }

  func dueRuns(now: Instant, limit: Int) throws -> [RunRow] {
    try flushRuns()
    if let next = known.lasting.nextDue, next.map({ $0 > now }) ?? true { return [] }
    return try runs(
      """
      WHERE due_at IS NOT NULL AND due_at <= ? AND finished_at IS NULL AND +status IN ('waiting', 'retrying')
      ORDER BY due_at, id LIMIT ?
      """, [now.milliseconds, limit])
  }

  func nextDue() throws -> Instant? {
    try flushRuns()
    if let next = known.lasting.nextDue { return next }
    let next = try number(
      """
      SELECT due_at FROM run
      WHERE due_at IS NOT NULL AND finished_at IS NULL AND +status IN ('waiting', 'retrying')
      ORDER BY due_at LIMIT 1
      """
    ).map(Instant.init(milliseconds:))
    known.lasting.nextDue = .some(next)
    return next
  }

  // MARK: Journal

  func journal(of runID: Int64) throws -> [JournalRow] {
    try journal("WHERE run_id = ? ORDER BY segment", [runID], runID)
  }

  func journal(of runID: Int64, segment: Int) throws -> JournalRow? {
    try journal("WHERE run_id = ? AND segment = ?", [runID, segment], runID).first
  }

  private func journal(
    _ clause: String, _ arguments: StatementArguments, _ runID: Int64
  ) throws -> [JournalRow] {
    try rows(
      """
      SELECT segment, entries, step_kind, step_name, step_key, step_hash, step_arguments, step_state, step_answer,
        step_attempts, begun_at, answered_at FROM journal \(clause)
      """, arguments
    ).map { row in
      var step: JournalRow.Step?
      let (kindWord, stateWord): (String?, String?) = (try row.at(2), try row.at(7))
      if kindWord != nil || stateWord != nil {
        guard let kind = kindWord.flatMap(JournalRow.Step.Kind.init(rawValue:)),
          let state = stateWord.flatMap(JournalRow.Step.State.init(rawValue:))
        else {
          throw StoreError(
            .corrupted, "the journal of run \(runID) has a step \(kindWord ?? "?") that is \(stateWord ?? "?")")
        }
        step = try JournalRow.Step(
          kind: kind, name: row.at(3), key: row.at(4), hash: row.at(5), arguments: decodeValue(row.at(6)),
          state: state, answer: (row.at(8) as String?).map(decodeValue) ?? .null, attempts: row.at(9),
          begunAt: Instant(milliseconds: row.at(10)),
          answeredAt: (row.at(11) as Int64?).map(Instant.init(milliseconds:)))
      }
      return try JournalRow(runID: runID, segment: row.at(0), entries: row.at(1), step: step)
    }
  }

  func write(_ row: JournalRow) throws {
    try flushRuns()
    let step = row.step
    try execute(
      """
      INSERT OR REPLACE INTO journal (run_id, segment, entries, step_kind, step_name, step_key, step_hash,
        step_arguments, step_state, step_answer, step_attempts, begun_at, answered_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        row.runID, row.segment, row.entries, step?.kind.rawValue, step?.name, step?.key, step?.hash,
        try step?.arguments.journalText(), step?.state.rawValue,
        try step?.answer.journalText(), step?.attempts ?? 0,
        step?.begunAt.milliseconds, step?.answeredAt?.milliseconds,
      ])
  }

  func deleteJournal(of runID: Int64, from segment: Int) throws {
    try execute("DELETE FROM journal WHERE run_id = ? AND segment >= ?", [runID, segment])
  }
}
