import CRM

extension SQLiteTransaction {
  // MARK: Schedules

  func schedules() throws -> [ScheduleRow] {
    try rows("SELECT automation, file, rule, settled_at, due_at FROM schedule ORDER BY due_at, automation").map { row in
      try ScheduleRow(
        automation: row.at(0), file: row.at(1), rule: row.at(2), settledAt: Instant(milliseconds: row.at(3)),
        dueAt: (row.at(4) as Int64?).map(Instant.init(milliseconds:)))
    }
  }

  func write(_ schedule: ScheduleRow) throws {
    try execute(
      "INSERT OR REPLACE INTO schedule (automation, file, rule, settled_at, due_at) VALUES (?, ?, ?, ?, ?)",
      [
        schedule.automation, schedule.file, schedule.rule, schedule.settledAt.milliseconds, schedule.dueAt?.milliseconds,
      ])
  }

  func deleteSchedule(of automation: String) throws {
    try execute("DELETE FROM schedule WHERE automation = ?", [automation])
  }

  // MARK: Waits

  func note(topics: [String], of runID: Int64) throws {
    try flushRuns()
    for topic in topics { try execute("INSERT OR IGNORE INTO wait_topic (topic, run_id) VALUES (?, ?)", [topic, runID]) }
  }

  func topics(of runID: Int64) throws -> [String] {
    try rows("SELECT topic FROM wait_topic WHERE run_id = ? ORDER BY topic", [runID]).map { try $0.at(0) }
  }

  // MARK: The clock

  func runsParked(after moment: Instant) throws -> [Int64] {
    try flushRuns()
    return try numbers(
      """
      SELECT run.id FROM journal CROSS JOIN run ON run.id = journal.run_id AND journal.segment = run.segment - 1
      WHERE journal.step_state = 'begun' AND journal.begun_at > ? AND run.due_at > ? AND run.finished_at IS NULL
        AND run.status IN ('waiting', 'retrying')
      ORDER BY run.due_at, run.id
      """, [moment.milliseconds, moment.milliseconds])
  }
}
