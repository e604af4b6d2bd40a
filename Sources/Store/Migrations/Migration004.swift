import GRDB

/// Time: schedules, and runs that wait for the first of several things.
///
/// `schedule` holds what the clock knows of each automation of `on.schedule`: the rule as it was read, up to which
/// moment it has been looked after, and when it is due next (null: never).
///
/// `wait_topic` holds the topics of runs that wait for more than one; `run.wake_topic` stays that of all others. That
/// a run leaves none of them behind when it is woken stands in the schema: a stale one would wake it out of its next wait.
///
/// `journal_begun` finds what began in the future, under a clock that was wrong, among however many parked runs.
enum Migration004 {
  static let identifier = "004 schedules, waits for the first of several"

  static func apply(_ db: Database) throws {
    try db.execute(sql: sql)
  }

  static let sql = """
    CREATE TABLE schedule (
      automation TEXT PRIMARY KEY,
      file TEXT NOT NULL,
      rule TEXT NOT NULL,
      settled_at INTEGER NOT NULL,
      due_at INTEGER
    ) WITHOUT ROWID, STRICT;

    CREATE TABLE wait_topic (
      topic TEXT NOT NULL,
      run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
      PRIMARY KEY (topic, run_id)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX wait_topic_of_run ON wait_topic (run_id);

    CREATE INDEX journal_begun ON journal (begun_at) WHERE step_state = 'begun';

    CREATE TRIGGER run_woken AFTER UPDATE OF status ON run WHEN old.status = 'waiting' AND new.status <> 'waiting'
    BEGIN
      DELETE FROM wait_topic WHERE run_id = old.id;
    END;
    """
}
