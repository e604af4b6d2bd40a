import CRM
import Foundation
import Testing

@testable import Store

@Suite("Transactions")
struct TransactionTests {
  /// Title of the deal, as another connection sees it.
  private func seenByOthers(_ office: Office) throws -> Value? {
    try Store(path: office.path, mode: .readOnly).read { try $0.value(office.deal, "title") }
  }

  private func set(_ tx: any StoreTransaction, _ title: String, _ office: Office) throws {
    try tx.set(office.deal, "title", .text(title), author: Office.author, at: Office.now)
  }

  @Test("what throws is rolled back whole: records, history, events, runs, counters; the error comes out as it is")
  func rollback() throws {
    let office = try Office()
    let before = try office.history().count
    #expect(throws: Broken.self) {
      try office.store.write { tx throws in
        try set(tx, "changed", office)
        try tx.flush()
        try office.run(tx)
        _ = try tx.next(counter: "n")
        _ = try tx.insert(office.quote("D-1"))
        throw Broken()
      }
    }
    #expect(try office.value("title") == .text("d1"))
    #expect(try office.history().count == before)
    for table in ["event", "run", "bundle", "counter", "quote", "quote_line"] {
      #expect(try office.store.count(table) == 0, "\(table)")
    }
  }

  @Test("a commit that the schema refuses is rolled back whole")
  func refusedCommit() throws {
    let office = try Office()
    #expect(
      fault {
        try office.store.write { tx throws in
          _ = try tx.next(counter: "n")
          try set(tx, "", office)
        }
      }?.kind == .constraint)
    #expect(try office.store.count("counter") == 0)
    #expect(try office.value("title") == .text("d1"))
  }

  @Test("others see a commit whole, and nothing before it")
  func isolation() throws {
    let office = try Office()
    try office.store.write { tx throws in
      try set(tx, "changed", office)
      try tx.flush()
      #expect(try seenByOthers(office) == .text("d1"))
    }
    #expect(try seenByOthers(office) == .text("changed"))
  }

  @Test("a counter has no gaps: what was rolled back is given again")
  func counter() throws {
    let office = try Office()
    #expect(try office.store.write { try $0.next(counter: "quote-2026") } == 1)
    #expect(throws: Broken.self) {
      try office.store.write { tx throws in
        #expect(try tx.next(counter: "quote-2026") == 2)
        throw Broken()
      }
    }
    try office.store.write { tx throws in
      _ = try? tx.savepoint {
        #expect(try tx.next(counter: "quote-2026") == 2)
        throw Broken()
      }
      #expect(try tx.next(counter: "quote-2026") == 2)
      #expect(try tx.next(counter: "quote-2027") == 1)
    }
  }

  // MARK: Savepoints

  @Test("savepoints nest, and each is rolled back alone, with what was read and what was still to be written")
  func savepoints() throws {
    let office = try Office()
    try office.store.write { tx throws in
      try set(tx, "outer", office)
      let result = try tx.savepoint {
        try set(tx, "first", office)
        #expect(throws: Broken.self) {
          try tx.savepoint {
            try set(tx, "second", office)
            try tx.set(office.organization, "name", .text("changed"), author: Office.author, at: Office.now)
            throw Broken()
          }
        }
        #expect(try tx.value(office.deal, "title") == .text("first"))
        return 7
      }
      #expect(result == 7)
      #expect(throws: Broken.self) {
        try tx.savepoint {
          try set(tx, "third", office)
          try tx.flush()
          throw Broken()
        }
      }
      #expect(try tx.value(office.deal, "title") == .text("first"))
      #expect(try tx.value(office.organization, "name") == .text("ACME"))
    }
    #expect(try office.value("title") == .text("first"))
    #expect(try office.changes().suffix(2) == ["title: \"d1\" -> \"outer\"", "title: \"outer\" -> \"first\""])
    #expect(try office.changes(of: office.organization).count == 1)
  }

  @Test("a savepoint that fails takes with it those inside that had succeeded")
  func innerSuccess() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try? tx.savepoint {
        let note = try tx.savepoint {
          try office.add(
            .note,
            [
              "deal": .record(office.deal), "text": .text("x"), "created_at": .instant(Office.now),
              "author": .text("x"),
            ], tx)
        }
        #expect(try tx.record(note) != nil)
        throw Broken()
      }
      #expect(try tx.value(office.deal, "notes") == .list([]))
      #expect(try tx.record(RecordRef(.note, 1)) == nil)
    }
    #expect(try office.store.count("note") == 0)
  }

  @Test("what a savepoint can't write fails it at its end, and nothing of it stays")
  func refusedAtRelease() throws {
    let office = try Office()
    try office.store.write { tx throws in
      let error = fault {
        try tx.savepoint {
          try tx.set(office.organization, "name", .text("changed"), author: Office.author, at: Office.now)
          try set(tx, "", office)
        }
      }
      #expect(error?.kind == .constraint)
      #expect(try tx.value(office.deal, "title") == .text("d1"))
      #expect(try tx.value(office.organization, "name") == .text("ACME"))
    }
  }

  @Test("who catches a refusal and goes on can't commit the rest without it; a better value mends it")
  func poisoned() throws {
    let office = try Office()
    func work(_ tx: any StoreTransaction, mend: Bool) throws {
      try set(tx, "", office)
      try tx.set(office.organization, "name", .text("changed"), author: Office.author, at: Office.now)
      // As a script's pcall around a search.
      #expect(fault { _ = try tx.find(.deal, [], limit: nil) }?.kind == .constraint)
      if mend { try set(tx, "good", office) }
    }
    #expect(fault { try office.store.write { try work($0, mend: false) } }?.kind == .constraint)
    #expect(try office.value("name", of: office.organization) == .text("ACME"))
    try office.store.write { try work($0, mend: true) }
    #expect(try office.value("title") == .text("good"))
    #expect(try office.value("name", of: office.organization) == .text("changed"))
    #expect(try office.changes(of: office.organization).last == "name: \"ACME\" -> \"changed\"")
    #expect(try office.changes().last == "title: \"d1\" -> \"good\"")
  }

  // MARK: Lost transactions

  private func note(_ tx: any StoreTransaction, _ office: Office, length: Int = 1) throws {
    try office.add(
      .note,
      [
        "deal": .record(office.deal), "text": .text(String(repeating: "x", count: length)),
        "created_at": .instant(Office.now), "author": .text("x"),
      ], tx)
  }

  @Test("a full disk that makes SQLite roll everything back is told as one: the whole transaction is to be done again")
  func full() throws {
    let office = try Office()
    let error = fault {
      try office.store.raw { tx throws in
        try set(tx, "before", office)
        try tx.execute("PRAGMA max_page_count = 1")
        try tx.savepoint { try tx.savepoint { try note(tx, office, length: 1_000_000) } }
      }
    }
    #expect(error?.kind == .full)
    #expect(error?.message.contains("disk is full") == true)
    #expect(try office.value("title") == .text("d1"))
    try office.store.raw { try $0.execute("PRAGMA max_page_count = 100000") }
    try office.set("title", .text("after"))
    #expect(try office.value("title") == .text("after"))
  }

  @Test("outside of savepoints a full disk is said to be full")
  func plainFull() throws {
    let office = try Office()
    let error = fault {
      try office.store.raw { tx throws in
        try tx.execute("PRAGMA max_page_count = 1")
        try note(tx, office, length: 1_000_000)
      }
    }
    #expect(error?.kind == .full)
    #expect(error?.message.contains("Free some space") == true)
    #expect(try office.store.count("note") == 0)
  }

  @Test("after a loss nothing can be written by itself, even if the error is swallowed")
  func swallowed() throws {
    let office = try Office()
    try office.tamper("CREATE TRIGGER lose BEFORE INSERT ON note BEGIN SELECT RAISE(ROLLBACK, 'lost'); END")
    let error = fault {
      try office.store.write { tx throws in
        try tx.savepoint {
          try? note(tx, office)
          #expect(fault { _ = try tx.next(counter: "n") }?.kind == .transactionLost)
          _ = try? tx.savepoint { _ = try tx.next(counter: "n") }
        }
      }
    }
    #expect(error?.kind == .transactionLost)
    #expect(fault { try office.store.write { try? note($0, office) } }?.kind == .transactionLost)
    #expect(try office.store.count("counter") == 0)
    #expect(try office.store.write { try $0.next(counter: "n") } == 1)
  }

  // MARK: Rehearsals and readers

  @Test("promise 8: a rehearsal shows its own changes to itself and leaves nothing: rows, counters, files")
  func rehearsal() throws {
    let office = try Office()
    try office.store.checkpoint()
    func files() throws -> [Data] {
      try ["", "-wal"].map { try Data(contentsOf: URL(fileURLWithPath: office.path + $0)) }
    }
    let before = try files()
    let title = try office.store.rehearse { tx throws in
      try set(tx, "rehearsed", office)
      #expect(try tx.next(counter: "n") == 1)
      try office.run(tx)
      _ = try tx.insert(office.quote("D-1"))
      try tx.flush()
      #expect(try seenByOthers(office) == .text("d1"))
      return try tx.value(office.deal, "title")
    }
    #expect(title == .text("rehearsed"))
    #expect(try files() == before)
    #expect(try office.value("title") == .text("d1"))
    #expect(try office.store.write { try $0.next(counter: "n") } == 1)
    #expect(try office.store.write { try office.run($0).id } == 1)
  }

  @Test("a rehearsal is refused what the real thing would be refused")
  func refusedRehearsal() throws {
    let office = try Office()
    #expect(fault { try office.store.rehearse { try set($0, "", office) } }?.kind == .constraint)
    #expect(throws: Broken.self) { try office.store.rehearse { _ in throw Broken() } }
  }

  @Test("a reader can't write: neither at once nor by what would be written at the end")
  func reader() throws {
    let office = try Office()
    #expect(fault { try office.store.read { _ = try $0.next(counter: "n") } }?.kind == .readOnly)
    #expect(fault { try office.store.read { try set($0, "x", office) } }?.kind == .readOnly)
    #expect(try office.value("title") == .text("d1"))
    try office.set("title", .text("writers still can"))
  }

  @Test("a reader's snapshot stays the same while others write")
  func snapshot() throws {
    let office = try Office()
    let other = try Store(path: office.path)
    try office.store.read { tx throws in
      #expect(try tx.stages().count == 5)
      try other.write { try $0.set(office.deal, "title", .text("new"), author: Office.author, at: Office.now) }
      #expect(try tx.value(office.deal, "title") == .text("d1"))
    }
    #expect(try office.value("title") == .text("new"))
  }

  @Test("a store in memory is a whole one, for script tests, and each its own")
  func memory() throws {
    let (store, other) = (try Store(), try Store())
    try store.write { try $0.synchronize(pipelines: Office.pipelines) }
    #expect(try store.read { try $0.stages().count } == 5)
    #expect(try other.read { try $0.stages().count } == 0)
    #expect(try store.raw { try $0.number("PRAGMA foreign_keys") } == 1)
  }
}
