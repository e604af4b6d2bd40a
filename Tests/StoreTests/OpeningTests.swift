import CRM
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Store

@Suite("Opening a database")
struct OpeningTests {
  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  // MARK: In force

  @Test("the write-ahead log, FULL sync, foreign keys and the wait for locks are in force on the connection")
  func pragmas() throws {
    let office = try Office()  // Its folder is there as long as it is.
    defer { withExtendedLifetime(office) {} }
    let values = try office.store.raw { tx throws in
      try ["journal_mode", "synchronous", "foreign_keys", "busy_timeout", "temp_store"].map { name in
        "\(name) \(try #require(try String.fetchOne(tx.db, sql: "PRAGMA \(name)")))"
      }
    }
    #expect(
      values == ["journal_mode wal", "synchronous 2", "foreign_keys 1", "busy_timeout 10000", "temp_store 2"])
  }

  @Test("what was committed is in database and log at once: a copy of the two files has it all, without any closing")
  func durable() throws {
    let office = try Office()
    try office.set("title", .text("after the checkpoint"))
    #expect(try bytes(office.path + "-wal").count > 0)
    let copy = office.folder.path("copy.db")
    for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: office.path + suffix, toPath: copy + suffix) }
    let other = try Store(path: copy)
    #expect(try other.read { try $0.value(office.deal, "title") } == .text("after the checkpoint"))
    #expect(try other.read { try $0.history(of: office.deal).count } == office.history().count)
    #expect(try other.integrityFaults() == [])
  }

  @Test("a checkpoint moves the log into the file, which then stands alone")
  func checkpoint() throws {
    let office = try Office()
    try office.store.checkpoint()
    let copy = office.folder.path("copy.db")
    try FileManager.default.copyItem(atPath: office.path, toPath: copy)
    #expect(try Store(path: copy).read { try $0.find(.deal, key: "d1") } == office.deal)
  }

  @Test("a closed store answers with errors")
  func closed() throws {
    let office = try Office()
    try office.store.close()
    #expect(fault { try office.store.read { _ in } }?.kind == .other)
  }

  // MARK: Migrations

  @Test("a released migration is never edited: the text of each is pinned")
  func pinned() {
    // FNV-1a: against accidents. A new migration adds a line here; a line that is here never changes.
    func hash(_ sql: String) -> String {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in sql.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      return String(hash, radix: 16)
    }
    #expect(hash(Migration001.sql) == "9d07a4447177550")
    #expect(hash(Migration002.sql) == "5b3f7b9e035055a5")
    #expect(hash(Migration003.sql) == "edfb480c158b759e")
    #expect(hash(Migration004.sql) == "386934cc44c5500c")
    #expect(
      Migrations.migrator.migrations
        == [
          "001 records, events, runs", "002 folders, documents, signatures, mail",
          "003 held runs, asked cancellations",
          "004 schedules, waits for the first of several",
        ])
  }

  @Test("a database of the first layout is brought up to date when it is opened, with all that is in it")
  func upgraded() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("old.db")
    let queue = try DatabaseQueue(path: path)
    try Migrations.migrator.migrate(queue, upTo: Migration001.identifier)
    try queue.write { db in
      try db.execute(sql: "INSERT INTO user (name, email, email_folded) VALUES ('Zoé', 'z@a.example', 'z@a.example')")
    }
    try queue.close()
    let store = try Store(path: path)
    #expect(try store.read { try $0.user(email: "z@a.example") } == RecordRef(.user, 1))
    #expect(try store.read { try $0.documents(of: nil) } == [])
    #expect(try store.integrityFaults() == [])
  }

  @Test("opening again finds everything and changes nothing")
  func reopened() throws {
    let office = try Office()
    try office.store.close()
    let before = try bytes(office.path)
    let store = try Store(path: office.path)
    #expect(try store.read { try $0.find(.deal, key: "d1") } == office.deal)
    try store.close()
    #expect(try bytes(office.path) == before)
  }

  @Test("many programs may open a new workspace at the same time")
  func race() throws {
    let folder = try TemporaryFolder()
    for round in 0..<5 {
      let path = folder.path("\(round).db")
      let faults = Faults()
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        do {
          let store = try Store(path: path)
          _ = try store.write { try $0.next(counter: "opened") }
        } catch {
          faults.add("\(error)")
        }
      }
      #expect(faults.all == [])
      #expect(try Store(path: path).write { try $0.next(counter: "opened") } == 5)
    }
  }

  @Test("a program that writes to a file without a log is waited for, although SQLite itself would not wait")
  func startOfLog() throws {
    let office = try Office()
    try office.store.close()
    try office.tamper("PRAGMA journal_mode = DELETE")
    let other = try DatabaseQueue(path: office.path)
    let (path, faults, group) = (office.path, Faults(), DispatchGroup())
    try other.inDatabase { db throws in
      try db.execute(sql: "BEGIN IMMEDIATE")
      DispatchQueue.global().async(group: group) {
        do { _ = try Store(path: path) } catch { faults.add("\(error)") }
      }
      Thread.sleep(forTimeInterval: 0.1)
      try db.execute(sql: "COMMIT")
    }
    group.wait()
    #expect(faults.all == [])
  }

  @Test(
    "a database of a newer version is refused with advice, and stays as it is, to the byte",
    arguments: ["wal", "delete"])
  func newer(journalMode: String) throws {
    let office = try Office()
    try office.store.close()
    try office.tamper("PRAGMA journal_mode = \(journalMode); INSERT INTO grdb_migrations VALUES ('999 the future')")
    let before = try bytes(office.path)
    for mode in [Store.Mode.readWrite, .readOnly] {
      let error = fault { _ = try Store(path: office.path, mode: mode) }
      #expect(error?.kind == .newer)
      #expect(error?.message.contains("newer version of coulisse") == true)
      #expect(error?.message.contains("Use that version, or a backup") == true)
    }
    #expect(try bytes(office.path) == before)
  }

  @Test("an earlier layout is not migrated by a reader, which says what to do; a writer migrates it")
  func earlier() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("coulisse.db")
    try Office.tamper(path, "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
    let error = fault { _ = try Store(path: path, mode: .readOnly) }
    #expect(error?.kind == .other)
    #expect(error?.message.contains("earlier version") == true)
    #expect(error?.message.contains("coulisse work --until-idle") == true)
    #expect(try Store(path: path).read { try $0.stages() } == [])
    #expect(try Store(path: path, mode: .readOnly).read { try $0.stages() } == [])
  }

  // MARK: What is in the way

  @Test("a reader makes no file: it says that there is none, and how to make one")
  func missing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("coulisse.db")
    let error = fault { _ = try Store(path: path, mode: .readOnly) }
    #expect(error?.kind == .notFound)
    #expect(error?.message.contains("coulisse init") == true)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("a folder that does not exist is not a matter of permissions")
  func missingFolder() throws {
    let folder = try TemporaryFolder()
    let error = fault { _ = try Store(path: folder.path("none/coulisse.db")) }
    #expect(error?.kind == .notFound)
    #expect(error?.message.contains("There is no folder") == true)
  }

  @Test("a path that is a folder can't be opened, in either mode", arguments: [Store.Mode.readWrite, .readOnly])
  func directory(mode: Store.Mode) throws {
    let folder = try TemporaryFolder()
    let error = fault { _ = try Store(path: folder.url.path, mode: mode) }
    #expect(error?.kind == .notFound)
    #expect(error?.message.contains("a folder is there") == true)
  }

  @Test(
    "a file that is no database is refused as damaged, and not overwritten",
    arguments: [Store.Mode.readWrite, .readOnly])
  func noDatabase(mode: Store.Mode) throws {
    let folder = try TemporaryFolder()
    let text = String(repeating: "These are my holidays. ", count: 500)
    try folder.write("coulisse.db", text)
    let error = fault { _ = try Store(path: folder.path("coulisse.db"), mode: mode) }
    #expect(error?.kind == .corrupted)
    #expect(error?.message.contains("coulisse.db") == true && error?.message.contains("backup") == true)
    #expect(try bytes(folder.path("coulisse.db")) == Data(text.utf8))
  }

  @Test("a truncated file is found out at opening or in use, as damaged; it is never a crash")
  func truncated() throws {
    let office = try Office()
    try office.store.close()
    let whole = try bytes(office.path)
    for part in [1, 2, 3, 5, 8] {
      try whole.prefix(whole.count * part / 10).write(to: URL(fileURLWithPath: office.path))
      let error = fault {
        let store = try Store(path: office.path)
        try store.write { tx throws in
          for kind in RecordKind.allCases where !kind.isLine { _ = try tx.find(kind, [], limit: nil) }
          _ = try tx.runs(matching: RunFilter())
          _ = try office.addDeal("d2", tx)
          _ = try office.run(tx, deal: 1)
        }
      }
      #expect(error?.kind == .corrupted, "\(part) tenths: \(error?.message ?? "")")
    }
  }

  @Test("pages overwritten in the middle: each access works or is an error of damage, and the check tells")
  func overwritten() throws {
    let office = try Office()
    try office.store.write { tx throws in for index in 0..<200 { _ = try office.addDeal("x\(index)", tx) } }
    try office.store.close()
    var broken = try bytes(office.path)
    // All but the first pages, which hold the list of tables and of migrations.
    let size = 4096
    for page in stride(from: 3 * size, to: broken.count - size, by: 2 * size) {
      broken.replaceSubrange(page + 8..<page + size, with: Data(repeating: 0xA5, count: size - 8))
    }
    try broken.write(to: URL(fileURLWithPath: office.path))
    var kinds: Set<StoreError.Kind> = []
    let store = try Store(path: office.path)
    #expect(try store.integrityFaults().count > 0)
    for kind in RecordKind.allCases where !kind.isLine {
      do {
        try store.read { tx in for ref in try tx.find(kind, [], limit: nil) { _ = try tx.record(ref) } }
      } catch let error as StoreError { kinds.insert(error.kind) }
    }
    #expect(kinds == [.corrupted])
  }

  @Test("a sound database has no faults; a row without its parent is one that names both tables")
  func integrity() throws {
    let office = try Office()
    #expect(try office.store.integrityFaults() == [])
    try office.tamper("UPDATE deal SET organization_id = 99")
    let faults = try office.store.integrityFaults()
    #expect(faults == ["table deal has a row that refers to a missing row of organization"])
  }

  @Test("an index that lost a row is a fault")
  func damagedIndex() throws {
    let office = try Office()
    try office.store.close()
    // The index stays as it is while its table seems to be another one.
    try office.tamper(
      """
      CREATE TABLE other (id INTEGER PRIMARY KEY, a TEXT);
      UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'other')
      WHERE name = 'card_of_deal'
      """)
    let store = try Store(path: office.path)
    #expect(try store.integrityFaults().isEmpty == false)
  }

  @Test("a lock of another program is an error that says to wait; nothing is lost by it")
  func locked() throws {
    let office = try Office()
    try office.store.close()
    let other = try DatabaseQueue(path: office.path)
    let store = try Store(path: office.path, mode: .readWrite, patience: 0.01)
    try other.inDatabase { db throws in
      try db.execute(sql: "BEGIN EXCLUSIVE")
      let error = fault { try store.write { try $0.synchronize(pipelines: []) } }
      #expect(error?.kind == .locked)
      #expect(error?.message.contains("locked by another program. Wait") == true)
      // Readers are not kept waiting.
      #expect(try store.read { try $0.find(.deal, key: "d1") } == office.deal)
      try db.execute(sql: "COMMIT")
    }
    try store.write { try $0.synchronize(pipelines: Office.pipelines) }
  }

  @Test("a lock that shuts out readers, too, is told at opening by the file's name")
  func lockedAtOpening() throws {
    let office = try Office()
    try office.store.close()
    let other = try DatabaseQueue(path: office.path)
    try other.inDatabase { db throws in
      try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE counter SET value = value; COMMIT")
      for mode in [Store.Mode.readWrite, .readOnly] {
        let error = fault { _ = try Store(path: office.path, mode: mode, patience: 0.01) }
        #expect(error?.kind == .locked)
        #expect(error?.message.hasPrefix("coulisse.db is locked") == true)
      }
    }
  }

  @Test("a reader's store can't write, whatever it tries")
  func readOnly() throws {
    let office = try Office()
    let store = try Store(path: office.path, mode: .readOnly)
    #expect(try store.read { try $0.value(office.deal, "title") } == .text("d1"))
    #expect(fault { try store.write { _ = try $0.next(counter: "n") } }?.kind == .readOnly)
    #expect(try store.integrityFaults() == [])
  }

  @Test("two stores on one file, two threads: no increment is lost")
  func twoWriters() throws {
    let office = try Office()
    let path = office.path
    let faults = Faults()
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      do {
        let store = try Store(path: path)
        for _ in 0..<40 { _ = try store.write { try $0.next(counter: "n") } }
      } catch { faults.add("\(error)") }
    }
    #expect(faults.all == [])
    #expect(try office.store.write { try $0.next(counter: "n") } == 81)
  }

  @Test("one store, several threads: each access is serialized")
  func oneStore() throws {
    let office = try Office()
    let store = office.store
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<10 { _ = try? store.write { try $0.next(counter: "n") } }
    }
    #expect(try store.write { try $0.next(counter: "n") } == 41)
  }
}

/// Errors of several threads.
final class Faults: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []
  var all: [String] { lock.withLock { lines } }
  func add(_ line: String) { lock.withLock { lines.append(line) } }
}
