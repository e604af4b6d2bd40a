import CRM
import Foundation
import Simulation
import Store
import TestSupport
import Testing

/// A database of each release, in the middle of its work: opened by this program, it is brought up to date and goes on.
/// Its journals are golden ones: they were written by that release, and must replay.
@Suite("Databases of earlier releases open and go on")
struct UpgradeTests {
  private static let releases = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Releases")

  /// Every release from which somebody may come, the first schema made of the second one: what it had not is taken away.
  static let schemas: [(name: String, dump: String, before: String)] = [
    ("002", "schema-002", ""),
    (
      "001", "schema-002",
      """
      PRAGMA foreign_keys = OFF;
      DROP TABLE email; DROP TABLE signature_request; DROP TABLE document; DROP TABLE folder;
      DELETE FROM grdb_migrations WHERE identifier LIKE '002%';
      """
    ),
  ]

  @Test("what waits, backs off, is queued or was in a dead process's hand goes on with the scripts it was queued with", arguments: schemas.map(\.name))
  func goesOn(release: String) throws {
    let schema = try #require(Self.schemas.first { $0.name == release })
    // Its scripts have changed since; what was queued keeps its own.
    let workspace = try Workspace(.starter, scripts: ["offer": "on.enter('Confirmé', function (deal) error('another script') end)"])
    for file in ["coulisse.db", "coulisse.db-wal", "coulisse.db-shm"] where workspace.exists(file) { try workspace.remove(file) }
    let path = workspace.path("coulisse.db")
    do {
      let database = try Onlooker(path)
      try database.execute(
        try String(contentsOf: Self.releases.appendingPathComponent("\(schema.dump).sql"), encoding: .utf8))
      try database.execute(schema.before)
    }
    try workspace.write(
      "workspace.lua",
      """
      return {
        seller = { name = "Altitude" },
        pipelines = { { name = "Ventes", stages = { "Qualifié", "Proposition", "Confirmé" } } },
        fields = { deal = { { key = "drawn", label = "Tiré" } } },
      }
      """)

    try workspace.did("work", "--until-idle")
    let store = try Store(path: path)
    func runs() throws -> [String] {
      try store.read { tx in
        try (1...5).flatMap { deal in
          try tx.runs(of: Int64(deal)).map { "\(deal) \($0.automation) \($0.status.rawValue)" }
        }
      }
    }
    #expect(
      try runs() == [
        "1 offer waiting", "1 second succeeded", "2 nap succeeded", "3 offer waiting", "3 second succeeded",
        "4 offer waiting", "4 second succeeded", "5 offer waiting", "5 second succeeded",
      ])

    // What they wait for comes: each goes through its whole journal, and comes to its end.
    for deal in ["waiting", "running", "answered", "retrying"] { try workspace.did("deals", "win", deal) }
    #expect(try runs().allSatisfy { $0.hasSuffix("succeeded") })
    for deal: Int64 in [1, 3, 4, 5] {
      let notes = try store.read { tx -> [String] in
        guard case .list(let notes)? = try tx.value(RecordRef(.deal, deal), "notes") else { return [] }
        return try notes.compactMap { note in
          guard case .record(let ref) = note else { return nil }
          return try tx.value(ref, "text")?.plainText
        }
      }
      // The same numbers were drawn, the same order gone through, the same moment seen.
      #expect(notes.contains("reached, true, true") && notes.contains("true, false"), "deal \(deal): \(notes)")
      #expect(try store.read { try $0.cards(of: deal) }.count == 1)
      #expect(try store.read { try $0.messages(of: deal) }.count == 1)
    }
    #expect(try store.integrityFaults() == [])
  }
}
