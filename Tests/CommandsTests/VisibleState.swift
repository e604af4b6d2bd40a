import Foundation
import Simulation
import Store

/// All that a workspace holds when no process works on it, a line each: every row of every table, and the files. Left
/// out are times and what follows from them.
struct VisibleState: Equatable {
  var lines: [String]

  /// Of whatever table.
  private static let left: Set = [
    "at", "created_at", "closed_at", "finished_at", "sent_at", "viewed_at", "begun_at", "answered_at", "due_at", "seed",
    "request", "sha256", "size", "files",
  ]

  init(_ root: URL) throws {
    let path = root.appendingPathComponent("coulisse.db").path
    let onlooker = try Onlooker(path)
    lines = try onlooker.rows("PRAGMA integrity_check").map { $0.joined() }
    let tables = try onlooker.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    // Schedules are noted by the first engine that minds the clock, which the undisturbed run may not have had.
    for table in tables.map({ $0[0] }) where table != "schedule" {
      let columns = try onlooker.rows("PRAGMA table_info(\(table))").map { $0[1] }.filter { !Self.left.contains(String($0)) }
      for row in try onlooker.rows("SELECT \(columns.joined(separator: ", ")) FROM \(table)") {
        let cells = zip(columns, row).filter { !$1.isEmpty }.map { "\($0)=\(Self.withoutTimes($1))" }
        lines.append("\(table) \(cells.joined(separator: " "))")
      }
    }
    for folder in ["drive", "outbox"] {
      let path = root.appendingPathComponent(folder).path
      guard FileManager.default.fileExists(atPath: path) else { continue }
      // What a killed writer left is removed an hour later.
      let files = try FileManager.default.subpathsOfDirectory(atPath: path).filter { !$0.contains(".coulisse-") }
      lines += Set(files.map { "\(folder)/\(Self.asFirst($0))" }).sorted()
    }
  }

  /// A signer whose process was killed after the signed paper was filed and before it was noted signs another one: what
  /// is noted is that one, and the first is a paper that no record names.
  private static func asFirst(_ text: String) -> String { text.replacingOccurrences(of: "✓ (2).pdf", with: "✓.pdf") }

  /// How many events there were.
  static func events(_ root: URL) throws -> Int {
    let onlooker = try Onlooker(root.appendingPathComponent("coulisse.db").path)
    return Int(try onlooker.rows("SELECT COUNT(*) FROM event").first?.first ?? "") ?? 0
  }

  /// Whether an engine would find something to do.
  static func hasWork(_ root: URL) throws -> Bool {
    let onlooker = try Onlooker(root.appendingPathComponent("coulisse.db").path)
    return try !onlooker.rows("SELECT id FROM run WHERE status IN ('queued', 'running', 'retrying') LIMIT 1").isEmpty
  }

  /// A time in a text is 24 bytes: `2026-11-24T19:31:59.296Z`.
  private static func withoutTimes(_ text: Substring) -> String {
    let bytes = Array(text.utf8)
    guard bytes.count >= 24 else { return String(text) }
    var kept: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if place + 24 <= bytes.count, bytes[place + 23] == UInt8(ascii: "Z"), bytes[place + 10] == UInt8(ascii: "T"),
        bytes[place + 4] == UInt8(ascii: "-")
      {
        kept += Array("TIME".utf8)
        place += 24
      } else {
        kept.append(bytes[place])
        place += 1
      }
    }
    return asFirst(String(decoding: kept, as: UTF8.self))
  }

  /// What one has and the other has not, for a message.
  func difference(from other: VisibleState) -> [String] {
    lines.difference(from: other.lines).prefix(12).map { change in
      switch change {
      case .insert(_, let line, _): "+ \(line.prefix(600))"
      case .remove(_, let line, _): "- \(line.prefix(600))"
      }
    }
  }
}
