import CRM
import Foundation
import GRDB
import Services
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// The threads, the lock and the socket around the deterministic core.
@Suite("One engine a workspace, many callers")
struct ShellTests {
  private static let scripts = [
    "q": """
      on.enter("Créer documents", function (deal)
        deal.quote_number = accounting.create_quote(deal).number
        deal:move_to("Documents prêts", { from = "Créer documents" })
      end)
      """,
    "w": "on.enter('Confirmé', function (deal) wait(deal:becomes('won'), '60 days') deal.place = 'woken' end)",
  ]

  private func engine(
    _ shop: TestShop, unfused: Bool = false, outlasts: Bool = false, folder: WorkspaceFolder? = nil
  ) throws -> EngineThread {
    var configuration = EngineThread.Configuration()
    configuration.unfused = unfused
    configuration.outlastsFaults = outlasts
    let services = shop.services
    let engine = EngineThread(
      store: shop.store, sources: try WorkspaceFolder(shop.folder.url).sources(), configuration: configuration,
      watch: nil, folder: folder, services: { _ in services })
    engine.start()
    return engine
  }

  private static func move(_ deal: String, _ stage: String, id: String? = nil) -> EngineRequest {
    .transition(
      TransitionRequest(deal: deal, change: .move(stage: stage, from: nil), actor: "user:test", requestID: id))
  }

  /// Executes SQL beside the engine's own connection.
  private func sql(_ shop: TestShop, _ text: String) throws {
    let queue = try DatabaseQueue(path: WorkspaceFolder(shop.folder.url).database)
    try queue.write { try $0.execute(sql: text) }
    try queue.close()
  }

  @Test("8 callers move the same and different deals: each is answered after the commit, with its own runs", arguments: [false, true])
  func callers(unfused: Bool) throws {
    let shop = try TestShop(Self.scripts)
    let lines = try shop.store.read { try $0.value(shop.deal, "lines") }
    guard case .list(let parts)? = lines, case .record(let line)? = parts.first,
      case .record(let product)? = try shop.value("product", of: line),
      case .record(let organization)? = try shop.value("organization"), case .record(let person)? = try shop.value("person")
    else { throw EngineFault(.notFound, "the fixture's line") }
    for number in 0..<8 {
      let deal = try shop.addDeal("c\(number)")
      try shop.store.write { tx in
        try tx.set(deal, "organization", .record(organization), author: Author(actor: "test"), at: shop.now)
        try tx.set(deal, "person", .record(person), author: Author(actor: "test"), at: shop.now)
        try tx.replaceLines(
          of: deal, [[ValueField("product", .record(product)), ValueField("quantity", .decimal(.one))]],
          author: Author(actor: "test"), at: shop.now)
      }
    }
    let engine = try engine(shop, unfused: unfused)
    let faults = Mutex<[String]>([])
    inParallel(8) { caller in
      for round in 0..<6 {
        let own = round.isMultiple(of: 2)
        do {
          let answer = try engine.perform(Self.move(own ? "c\(caller)" : "d1", "Créer documents"))
          if own, !answer.moved || answer.stage != "Documents prêts" || answer.runs.map(\.status) != [.succeeded] {
            faults.withLock { $0.append("\(answer)") }
          }
          _ = try engine.perform(Self.move(own ? "c\(caller)" : "d1", "Qualifié"))
        } catch {
          faults.withLock { $0.append("\(error)") }
        }
      }
    }
    engine.stop()
    #expect(faults.withLock { $0 } == [])
    let states = try (1...9).flatMap { try shop.runStates(of: RecordRef(.deal, $0)) }
    #expect(states.allSatisfy { $0 == "q: succeeded" }, "\(states)")
    for number in 1...9 {
      let live = try shop.store.read { try $0.quotes(of: Int64(number)) }.filter(\.status.isLive)
      #expect(live.count == 1, "one live quote a deal (ALT-10)")
    }
  }

  @Test("a run under which SQLite rolls the whole transaction back costs itself; the rest of its group is done again (EngineLoop.turn, blame)")
  func lostGroup() throws {
    let shop = try TestShop([
      "a": "on.enter('Confirmé', function (deal) deal.place = deal.title end)",
      "b": "on.enter('Confirmé', function (deal) deal.promo = 'after' end)",
    ])
    for key in ["poison", "fine"] { _ = try shop.addDeal(key) }
    // ROLLBACK in a trigger ends the whole transaction, as a failed read or a full disk may.
    try sql(
      shop,
      """
      CREATE TRIGGER poison BEFORE UPDATE OF custom ON deal WHEN NEW.custom LIKE '%poison%'
      BEGIN SELECT RAISE(ROLLBACK, 'the disk gave up'); END
      """)
    let engine = try engine(shop)
    let answers = Mutex<[String: EngineAnswer]>([:])
    inParallel(3) { place in
      let deal = ["poison", "fine", "d1"][place]
      let answer = try? engine.perform(Self.move(deal, "Confirmé"))
      answers.withLock { $0[deal] = answer }
    }
    engine.stop()
    let found = answers.withLock { $0 }
    for deal in ["fine", "d1"] {
      #expect(found[deal]?.runs.map(\.status) == [.succeeded, .succeeded], "\(deal)")
    }
    #expect(try shop.store.integrityFaults().isEmpty)
    // The first segment is fused into the transition's commit: whatever became of the move, nothing of it is half done.
    let poison = try shop.store.read { try #require(try $0.find(.deal, key: "poison")) }
    if try shop.stageName(of: poison) == "Confirmé" {
      #expect(try shop.runStates(of: poison) == ["a: failed", "b: succeeded"])
    } else {
      #expect(try shop.runs(of: poison).isEmpty)
    }
  }

  @Test("a record that the database can't give back fails the run that reads it, and no other")
  func damagedRecord() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) deal.place = deal.person.name end)"])
    let fine = try shop.addDeal("fine")
    try sql(shop, "UPDATE person SET custom = 'no JSON at all'")
    let engine = try engine(shop)
    let broken = try engine.perform(Self.move("d1", "Confirmé"))
    #expect(broken.moved && broken.runs.map(\.status) == [.failed], "\(broken)")
    let other = try engine.perform(Self.move("fine", "Confirmé"))
    #expect(other.runs.map(\.status) == [.failed], "fine has no person: that is the script's own fault")
    engine.stop()
    #expect(try shop.runs(of: fine).count == 1)
  }

  @Test("the answer of a service is not lost while another program holds the database (EngineLoop.turn: postponed)")
  func postponedAnswer() throws {
    let shop = try TestShop(Self.scripts)
    let engine = try engine(shop, unfused: true, outlasts: true)
    _ = try engine.perform(Self.move("d1", "Qualifié"))  // It has begun.
    let other = try Store(path: WorkspaceFolder(shop.folder.url).database)
    let held = DispatchSemaphore(value: 0)
    let release = DispatchSemaphore(value: 0)
    // Long enough for the engine's own patience to end once.
    Thread.detachNewThread {
      try? other.write { _ in
        held.signal()
        _ = release.wait(timeout: .now() + 11)
      }
    }
    held.wait()
    let answer = Mutex<EngineAnswer?>(nil)
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      // The move itself may be refused while the lock is held: then it is asked again, as its caller would.
      for _ in 0..<5 where answer.withLock({ $0 }) == nil {
        let result = try? engine.perform(Self.move("d1", "Créer documents", id: "once"))
        answer.withLock { $0 = result }
      }
      done.signal()
    }
    done.wait()
    engine.stop()
    #expect(answer.withLock { $0?.runs.map(\.status) } == [.succeeded])
    #expect(try shop.quotes().map(\.number) == ["D-2026-0001"])
  }

  @Test("the lock is free again when its holder is gone, and only then (EngineLock.take: flock)")
  func lock() throws {
    let shop = try TestShop()
    defer { withExtendedLifetime(shop) {} }
    let folder = try WorkspaceFolder(shop.folder.url)
    var held = try EngineLock.take(folder, wait: false)
    #expect(held != nil)
    #expect(try EngineLock.take(folder, wait: false) == nil)
    let waiting = LockWait(folder)
    #expect(try waiting.lock(before: Date(timeIntervalSinceNow: 0.05)) == nil)
    held = nil
    #expect(try waiting.lock(before: Date(timeIntervalSinceNow: 300)) != nil)
    let abandoned = LockWait(folder)
    abandoned.giveUp()
    #expect(try LockWait(folder).lock(before: Date(timeIntervalSinceNow: 300)) != nil, "a wait that was given up does not keep the lock")
  }

  @Test("a command line asks the holder through its socket; a holder that begins to listen late is found too")
  func socket() throws {
    let shop = try TestShop(Self.scripts)
    let folder = try WorkspaceFolder(shop.folder.url)
    let lock = try #require(try EngineLock.take(folder, wait: false))
    let engine = try engine(shop)
    let answer = Mutex<EngineAnswer?>(nil)
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      let found = try? EngineAccess(folder).perform(Self.move("d1", "Créer documents"))
      answer.withLock { $0 = found }
      done.signal()
    }
    #expect(done.wait(timeout: .now() + 0.2) == .timedOut, "nobody listens yet")
    try EngineSocket.serve(folder, engine)
    done.wait()
    #expect(answer.withLock { $0?.stage } == "Documents prêts")
    #expect(throws: EngineFault.self) { try EngineAccess(folder).perform(Self.move("d1", "Nulle part")) }
    // The engine ends, its socket still stands there: nobody is told a lie, the next one does the work.
    engine.stop()
    withExtendedLifetime(lock) {}
    EngineSocket.close(folder)
  }

  @Test("who lost the answer asks again with the same id, and nothing is done twice: a move, a run on demand, a retry")
  func repeatedRequests() throws {
    let shop = try TestShop([
      "n": "on.demand('note', function (deal) deal:add_note('here') end)",
      "f": "on.enter('Confirmé', function (deal) error('broken') end)",
    ])
    let engine = try engine(shop)
    let moves = try (0..<2).map { _ in try engine.perform(Self.move("d1", "Confirmé", id: "m")) }
    #expect(moves[0] == moves[1])
    #expect(moves[1].from == "Qualifié" && moves[1].to == "Confirmé" && moves[1].runs.count == 1)
    let demands = try (0..<2).map { _ in
      try engine.perform(.demand(automation: "note", deal: "d1", actor: "user:test", requestID: "d"))
    }
    #expect(demands[0].runs == demands[1].runs && demands[1].runs.count == 1)
    let run = try #require(moves[0].runs.first?.id)
    var retry = RetryRequest.test(run, force: true)
    (retry.actor, retry.requestID) = ("user:test", "r")
    for _ in 0..<2 {
      let answer = try engine.perform(.retry(retry))
      #expect(answer.runs.map(\.status) == [.failed])
    }
    engine.stop()
    #expect(try shop.runs().count == 2)
    guard case .list(let notes)? = try shop.value("notes") else { return }
    #expect(notes.count == 1)
  }

  @Test("a command line that wakes a waiting run executes it and tells of it, with no engine beside (Dispatcher.react: wake)")
  func wakes() throws {
    let shop = try TestShop(Self.scripts)
    let access = EngineAccess(try WorkspaceFolder(shop.folder.url))
    let parked = try access.perform(Self.move("d1", "Confirmé"))
    #expect(parked.runs.map(\.status) == [.waiting])
    let woken = try access.perform(
      .transition(TransitionRequest(deal: "d1", change: .close(.won), actor: "user:test")))
    #expect(woken.runs.map(\.id) == parked.runs.map(\.id))
    #expect(woken.runs.map(\.status) == [.succeeded])
    #expect(try shop.value("place") == .text("woken"))
  }

  @Test("an engine that stays takes up a script that was saved, and keeps the last good workspace.lua (EngineThread.takeUp)")
  func savedScripts() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) deal.place = 'first' end)"])
    let engine = try engine(shop, folder: try WorkspaceFolder(shop.folder.url))
    _ = try engine.perform(Self.move("d1", "Confirmé"))
    #expect(try shop.value("place") == .text("first"))
    try shop.folder.write("scripts/a.lua", "on.enter('Qualifié', function (deal) deal.place = 'second, longer' end)")
    _ = try engine.perform(Self.move("d1", "Qualifié"))
    #expect(try shop.value("place") == .text("second, longer"))
    try shop.folder.write("workspace.lua", "return { pipelines = ")
    try shop.folder.write("scripts/a.lua", "on.enter('Confirmé', function (deal) deal.place = 'third' end)")
    let answer = try engine.perform(Self.move("d1", "Confirmé"))
    #expect(answer.moved && answer.runs.isEmpty, "the last version that could be read")
    engine.stop()
  }

  @Test("the watch names a guard inside a run, then the run again (RunInHand.end)")
  func watch() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appendingPathComponent("run-in-hand").path
    let watch = try RunInHand(path: path)
    let nothing = watch.begin(runID: 7)
    let run = watch.begin(runID: InHand.aGuard)
    #expect(run.runID == 7)
    watch.end(run)
    #expect(watch.begin(runID: 8) == run)
    watch.end(nothing)
    #expect(try RunInHand(path: path).takeVerdict() == nil, "a kill from outside carries no verdict")
  }

  @Test("an engine that stays removes what killed writers left in drive and outbox, and nothing else (removeLeftovers)")
  func leftovers() throws {
    let shop = try TestShop()
    let folder = try WorkspaceFolder(shop.folder.url)
    let old = ["drive/Clients/.coulisse-0123456789abcdef.part", "outbox/.coulisse-fedcba9876543210.part"]
    let kept = ["drive/Clients/Devis.pdf", "drive/Clients/.coulisse-notes.part"]
    for path in old + kept { try shop.folder.write(path, "half") }
    func left() -> [String] { (old + kept).filter { FileManager.default.fileExists(atPath: shop.folder.path($0)) } }
    let access = EngineAccess(folder)
    let log = EngineThread.Configuration().log
    access.removeLeftovers(log: log)
    #expect(left() == old + kept, "what was written just now may have a writer")
    access.removeLeftovers(log: log, now: Date(timeIntervalSinceNow: 7200))
    #expect(left() == kept)
  }
}

/// Checkpoints are off the writer's path.
@Suite("The log is kept short beside the engine")
struct LogKeeperTests {
  @Test("what commits write into the log is moved into the file by another connection, and is all there afterwards")
  func movesBeside() throws {
    let shop = try TestShop(["a": "on.enter('Confirmé', function (deal) deal.place = string.rep('x', 5000) end)"])
    let checkpointer = try #require(try Checkpointer(beside: shop.store))
    for _ in 0..<50 {
      try shop.move("Confirmé")
      try shop.move("Qualifié")
      _ = try checkpointer.pass()
    }
    while try checkpointer.pass() {}
    checkpointer.close()
    // The file alone, without its log, has it all.
    let copy = shop.folder.path("copy.db")
    try FileManager.default.copyItem(atPath: shop.folder.path("coulisse.db"), toPath: copy)
    let alone = try Store(path: copy)
    #expect(try alone.read { try $0.runs(of: shop.deal.id).count } == 50)
    #expect(try alone.integrityFaults() == [])
    #expect(try Checkpointer(beside: try Store()) == nil, "memory has no log")
  }
}
