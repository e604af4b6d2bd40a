import CRM
import Foundation
import Testing

@testable import Store

/// A damaged file, or one that somebody made to do harm, gives errors; it never ends the process.
@Suite("Hostile databases")
struct HostileTests {
  private func everything(
    _ office: Office, _ tx: any StoreTransaction, kinds: [RecordKind] = RecordKind.allCases
  ) throws {
    for kind in kinds {
      let schema = RecordSchema.builtIn.fields(of: kind)
      let refs =
        kind.isLine
        ? (1...3).map { RecordRef(kind: kind, id: 1, part: $0) } : try tx.find(kind, [], limit: nil)
      for ref in refs {
        _ = try tx.record(ref)
        for field in schema { _ = try tx.value(ref, field.key) }
        _ = try tx.history(of: ref)
      }
    }
    _ = try tx.stages()
    _ = try tx.event(1)
    _ = try tx.bundleFiles(1)
    _ = try (tx.liveQuote(of: 1), tx.quotes(of: 1), tx.cards(of: nil), tx.messages(of: nil))
    _ = try (tx.runs(matching: RunFilter()), tx.journal(of: 1), tx.nextQueued(), tx.nextDue())
  }

  private func filled() throws -> Office {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try tx.insert(office.quote("D-1"))
      _ = try tx.insert(
        CardRow(key: "k", cardID: "c", dealID: 1, list: "l", title: "t", text: "t", url: "u", createdAt: Office.now))
      _ = try tx.insert(MessageRow(key: "k", recipientID: 1, dealID: 1, text: "t", createdAt: Office.now))
      _ = try office.add(
        .note,
        ["deal": .record(office.deal), "text": .text("x"), "created_at": .instant(Office.now), "author": .text("x")], tx
      )
      try office.run(tx)
      _ = try tx.countRun(origin: 1)
      try tx.write(
        JournalRow(
          runID: 1, segment: 0, entries: "[]",
          step: .init(kind: .operation, name: "n", key: "k", hash: "h", arguments: .null, begunAt: Office.now)))
    }
    return office
  }

  @Test("what is read here is read without error when nothing is wrong")
  func sound() throws {
    let office = try filled()
    try office.store.read { try everything(office, $0) }
  }

  // Each column of each table, without its constraints, with each kind of value that does not belong there.
  @Test(
    "any value in any column is read or refused as damage, and written over or refused",
    arguments: [
      "user", "organization", "person", "product", "pipeline", "stage", "deal", "deal_line", "participant", "note",
      "quote",
      "quote_line", "card", "message", "history", "event", "bundle", "run", "journal", "counter", "origin",
    ])
  func anyValue(table: String) throws {
    let office = try filled()
    let kinds = RecordKind(rawValue: table).map { $0 == .dealLine ? [$0, .deal] : [$0] } ?? [.deal]
    let columns = try office.store.raw {
      try $0.rows("SELECT name FROM pragma_table_info('\(table)')").map { try $0.at(0) as String }
    }
    try office.loosen()
    var poisoned = 0
    let poisons = ["NULL", "'abc'", "x'ff00'", "1.5", "9223372036854775807", "-9223372036854775808"]
    for column in columns {
      for poison in poisons {
        let uses = poison == "'abc'" || poison.hasPrefix("9")
        do {
          try office.store.raw { tx in
            // Until the rollback, no rule but uniqueness holds.
            try tx.execute("PRAGMA defer_foreign_keys = ON")
            try tx.execute("PRAGMA ignore_check_constraints = ON")
            do {
              try tx.execute("UPDATE OR IGNORE \(table) SET \"\(column)\" = \(poison)")
              poisoned += 1
            } catch let error as StoreError where error.message.contains("mismatch") { throw Broken() }
            for attempt in [{ try everything(office, tx, kinds: kinds) }, { if uses { try use(office, tx) } }] {
              do { try tx.savepoint(attempt) } catch let error as StoreError {
                #expect(
                  [.corrupted, .constraint, .notFound, .other].contains(error.kind), "\(column) = \(poison): \(error)")
              } catch is ValueFault {
                // An amount out of bounds, found out in computing.
              }
            }
            throw Broken()
          }
        } catch is Broken {}
      }
    }
    #expect(poisoned > columns.count * poisons.count / 2)
  }

  private func use(_ office: Office, _ tx: any StoreTransaction) throws {
    try tx.synchronize(pipelines: Office.pipelines)
    _ = try tx.next(counter: "n")
    _ = try tx.requeue(office.run(tx))
    _ = try tx.countRun(origin: 1)
    try tx.set(office.deal, "email", .text("x"), author: Office.author, at: Office.now)
    try tx.close(office.deal, .won, archived: true, author: Office.author, request: nil, at: Office.now)
    try tx.setStatus(.sent, ofQuote: 1)
  }

  @Test(
    "text where a number belongs says so, and what to do",
    arguments: [
      ("UPDATE run SET place = 'abc'", "run"), ("UPDATE card SET created_at = 'abc'", "card"),
      ("UPDATE quote SET total = 'abc'", "quote"), ("UPDATE note SET pinned = 'abc'", "note"),
      ("UPDATE run SET status = 'paused'", "run"), ("UPDATE quote SET status = 'lost'", "quote"),
      ("UPDATE deal SET custom = '{\"a\": 1.5}'", "deal"), ("UPDATE deal SET custom = '{'", "deal"),
      ("UPDATE deal SET custom = '[]'", "deal"), ("UPDATE history SET changes = '{\"a\": [1.5, 2]}'", "history"),
      ("UPDATE organization SET address = 'Paris'", "organization"), ("UPDATE event SET data = '{'", "event"),
      ("UPDATE journal SET step_arguments = 'x'", "journal"), ("UPDATE journal SET step_state = 'hoped'", "journal"),
      ("UPDATE run SET warnings = '{'", "run"), ("UPDATE note SET text = x'ff00'", "note"),
    ])
  func damage(sql: String, table: String) throws {
    let office = try filled()
    try office.tamper(sql)
    let error = fault { try office.store.read { try everything(office, $0) } }
    #expect(error?.kind == .corrupted, "\(error?.message ?? "")")
  }

  @Test("text that is no UTF-8 is read with replacement characters")
  func noUnicode() throws {
    let office = try filled()
    try office.tamper("UPDATE deal SET title = CAST(x'41ff42' AS TEXT)")
    #expect(try office.value("title") == .text("A\u{FFFD}B"))
    try office.store.read { try everything(office, $0) }
  }

  @Test("a line's position beyond what a record can name is damage")
  func position() throws {
    let office = try filled()
    try office.tamper("UPDATE deal_line SET position = 4294967297 WHERE position = 1")
    #expect(fault { _ = try office.value("lines") }?.kind == .corrupted)
  }

  @Test("ids at the end of the numbers are damage, where the next one would overflow", arguments: ["run", "event"])
  func ids(table: String) throws {
    for id in ["9223372036854775807", "8796093022208"] {
      let office = try filled()
      try office.tamper("UPDATE \(table) SET id = \(id)")
      #expect(fault { try office.store.write { _ = try office.run($0) } }?.kind == .corrupted)
    }
    let office = try filled()
    try office.tamper("UPDATE run SET lane_order = 9223372036854775807")
    #expect(fault { try office.store.write { _ = try $0.requeue(#require(try $0.run(1))) } }?.kind == .corrupted)
  }

  @Test("a trigger that somebody left in the file can fail a change, not half of it")
  func trigger() throws {
    let office = try filled()
    try office.tamper("CREATE TRIGGER no AFTER UPDATE ON deal BEGIN SELECT RAISE(ABORT, 'no'); END")
    let before = try office.history().count
    #expect(fault { try office.set("title", .text("x")) }?.message.contains("no") == true)
    #expect(try office.history().count == before)
    #expect(try office.value("title") == .text("d1"))
  }

  @Test("a missing table is an error, at whatever call")
  func missingTable() throws {
    let office = try filled()
    try office.tamper("DROP TABLE run")
    let error = fault { _ = try office.store.read { try $0.nextQueued() } }
    #expect(error?.kind == .other)
    #expect(error?.message.contains("no such table: run") == true)
  }
}
