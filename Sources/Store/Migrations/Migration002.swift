import GRDB

/// What a run's script printed is kept with the run, for whoever looks after it.
enum Migration002 {
  static let identifier = "002 printed lines of runs"

  static func apply(_ db: Database) throws {
    try db.execute(sql: "ALTER TABLE run ADD COLUMN printed TEXT")
  }
}
