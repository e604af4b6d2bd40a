import GRDB

/// Runs that wait for a service which is down, and the wish to cancel a run that is in the middle of a step: both must
/// survive the process.
enum Migration003 {
  static let identifier = "003 held runs, asked cancellations"

  static func apply(_ db: Database) throws {
    try db.execute(sql: sql)
  }

  /// `held_by` names the service with which the run's step is tried again; without `due_at` nothing but its recovery
  /// releases the run.
  static let sql = """
    ALTER TABLE run ADD COLUMN held_by TEXT CHECK (held_by IS NULL OR status = 'retrying');
    ALTER TABLE run ADD COLUMN cancel_asked INTEGER NOT NULL DEFAULT 0 CHECK (cancel_asked IN (0, 1));
    CREATE INDEX run_held ON run (held_by, lane_order) WHERE held_by IS NOT NULL;
    """
}
