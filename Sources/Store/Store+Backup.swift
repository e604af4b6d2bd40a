import CRM
import Foundation
import GRDB

extension Store {
  /// Copies the database as it is at one moment into a new file at `path`, with SQLite's online backup: others may
  /// write meanwhile, and what they commit is in the copy as a whole or not at all. The copy is on the disk when this
  /// returns.
  /// - Throws: `StoreError`; a copy that was begun may be left then.
  public func backup(to path: String) throws {
    if FileManager.default.fileExists(atPath: path) {
      throw StoreError(.other, "there is a file at \(path) already; a copy of the database needs a new one")
    }
    try copy { source in
      let copy = try DatabaseQueue(path: path)
      // In one step: a step that comes after a commit of somebody else would begin again from the top.
      try source.backup(to: copy)
      // Without a log beside it, so that this one file is all of it.
      try copy.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA journal_mode = DELETE")
      }
      try copy.close()
    }
  }
}
