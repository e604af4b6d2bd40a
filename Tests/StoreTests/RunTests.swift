import CRM
import Foundation
import Testing

@testable import Store

@Suite("Events, runs, journal, lanes")
struct RunTests {
  // MARK: Events and bundles

  @Test("an event comes back with all that it says; its ids only grow, and its origin is itself unless it has one")
  func events() throws {
    let office = try Office()
    try office.store.write { tx throws in
      let first = try office.event(tx)
      let data = Value.object([
        ValueField("amount", .money(.euros(5))), ValueField("deep", nested(60)), ValueField("nul", .text("a\0b")),
      ])
      let second = try tx.append(
        EventRow(
          name: "signature", dealID: nil, data: data, author: Author(actor: "automation:a", runID: 3), origin: first.id,
          path: "a@deal:1 > b@deal:2", at: Instant(milliseconds: -5)))
      #expect(first.id == 1 && first.origin == 1)
      #expect(second.id == 2 && second.origin == 1)
      let read = try #require(try tx.event(2))
      #expect(read.name == "signature" && read.dealID == nil && read.data == data && read.path == "a@deal:1 > b@deal:2")
      #expect(read.author == Author(actor: "automation:a", runID: 3) && read.at == Instant(milliseconds: -5))
      #expect(try tx.event(3) == nil)
    }
  }

  /// A list in a list, so many levels deep.
  private func nested(_ depth: Int) -> Value { (0..<depth).reduce(.integer(1)) { value, _ in .list([value]) } }

  @Test("an event is appended after what is pending, so that the history is written before it")
  func eventFlushes() throws {
    let office = try Office()
    try office.store.raw { tx throws in
      try tx.set(office.deal, "title", .text("x"), author: Office.author, at: Office.now)
      _ = try office.event(tx)
      #expect(tx.pending.isEmpty)
    }
  }

  @Test("sources are stored once for each hash, and asked for only then")
  func bundles() throws {
    let office = try Office()
    try office.store.write { tx throws in
      var asked = 0
      func files(_ text: String) -> String {
        asked += 1
        return text
      }
      let first = try tx.bundle(hash: "h1", files: files("one"), at: Office.now)
      #expect(try tx.bundle(hash: "h1", files: files("other"), at: Office.now) == first)
      let second = try tx.bundle(hash: "h2", files: files("two"), at: Office.now)
      #expect(asked == 2 && first != second)
      #expect(try tx.bundleFiles(first)?.files == "one" && tx.bundleFiles(first)?.hash == "h1")
      #expect(try tx.bundleFiles(second)?.files == "two")
      #expect(try tx.bundleFiles(9) == nil)
    }
    #expect(try office.store.count("bundle") == 2)
  }

  // MARK: Runs

  @Test("a run comes back with every field, as inserted and as updated")
  func roundTrip() throws {
    let office = try Office()
    try office.store.write { tx throws in
      var run = try office.run(tx, .waiting, topic: "deal:1:won", due: 99)
      func same(_ a: RunRow?, _ b: RunRow) -> Bool { a.map { "\($0)" } == "\(b)" }
      #expect(same(try tx.run(run.id), run))
      run.status = .failed
      run.segment = 3
      run.attempts = 2
      run.wakeTopic = nil
      run.dueAt = nil
      run.error = "{\"a\":\"é\"}"
      run.warnings = ["one", "two \"2\"\n\0"]
      run.finishedAt = Instant(milliseconds: 5)
      run.bundleID = try tx.bundle(hash: "other", files: "{}", at: Office.now)
      try tx.update(run)
      #expect(same(try tx.run(run.id), run))
      #expect(try tx.run(2) == nil)
    }
  }

  @Test("runs from one origin are counted")
  func counted() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try office.event(tx)
      _ = try office.event(tx)
      #expect(try (1...3).map { _ in try tx.countRun(origin: 1) } == [1, 2, 3])
      #expect(try tx.countRun(origin: 2) == 1)
    }
  }

  @Test("promise 5: queued runs go in the order in which they were queued, over all lanes")
  func queueOrder() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try office.addDeal("d2", tx)
      for deal: Int64? in [2, 1, nil, 1] { try office.run(tx, deal: deal) }
      var order: [Int64] = []
      while var next = try tx.nextQueued() {
        order.append(next.id)
        next.status = .succeeded
        next.finishedAt = Office.now
        try tx.update(next)
      }
      #expect(order == [1, 2, 3, 4])
    }
  }

  @Test("promise 5: a lane in which something runs is passed over; waiting, retrying and failed runs leave it free")
  func busyLanes() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try office.addDeal("d2", tx)
      var first = try office.run(tx, deal: 1)
      try office.run(tx, deal: 1)
      try office.run(tx, deal: 2)
      var free = try office.run(tx, deal: nil)
      try office.run(tx, deal: nil)
      first.status = .running
      try tx.update(first)
      #expect(try tx.nextQueued()?.id == 3)
      #expect(try tx.headOfLane(1)?.id == 1)
      // Runs without a deal share a lane, too.
      free.status = .running
      try tx.update(free)
      var third = try #require(try tx.run(3))
      third.status = .running
      try tx.update(third)
      #expect(try tx.nextQueued() == nil)
      for status in [RunStatus.waiting, .retrying, .failed, .succeeded, .cancelled] {
        first.status = status
        first.finishedAt = status.isFinished ? Office.now : nil
        try tx.update(first)
        #expect(try tx.nextQueued()?.id == 2, "\(status)")
        #expect(try tx.headOfLane(1)?.id == 2)
      }
      #expect(try tx.headOfLane(nil)?.id == 4)
      #expect(try tx.headOfLane(9) == nil)
    }
  }

  @Test("promise 5: a wake-up queues behind everything that is queued, and before everything that comes later")
  func requeue() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try office.addDeal("d2", tx)
      var first = try office.run(tx, .waiting, topic: "t", due: 5)
      let second = try office.run(tx, .retrying, due: 5)
      try office.run(tx)
      try office.run(tx, deal: 2)
      first.error = "x"
      let woken = try tx.requeue(first)
      #expect(woken.status == .queued && woken.wakeTopic == nil && woken.dueAt == nil && woken.error == nil)
      _ = try tx.requeue(second)
      try office.run(tx)
      #expect(try tx.openRuns([.queued], of: 1).map(\.id) == [3, 1, 2, 5])
      #expect(try tx.openRuns([.queued], limit: nil).map(\.id) == [3, 4, 1, 2, 5])
      // Again and again, without a new run: still behind.
      for _ in 0..<50 { for id: Int64 in [2, 1] { _ = try tx.requeue(#require(try tx.run(id))) } }
      #expect(try tx.openRuns([.queued], of: 1).map(\.id) == [3, 5, 2, 1])
    }
  }

  @Test("a failed run that is retried is open again")
  func retried() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try tx.requeue(office.run(tx, .failed))
      #expect(try tx.nextQueued()?.id == 1)
      #expect(try tx.run(1)?.finishedAt == nil)
    }
  }

  @Test("due runs are those waiting or retrying whose time has come, the earliest first, no more than asked for")
  func due() throws {
    let office = try Office()
    try office.store.write { tx throws in
      #expect(try tx.nextDue() == nil)
      try office.run(tx, .waiting, topic: "t", due: 30)
      try office.run(tx, .retrying, due: 10)
      try office.run(tx, .waiting, due: 20)
      try office.run(tx, .waiting, topic: "t")
      try office.run(tx, .queued, due: 1)
      try office.run(tx, .cancelled, due: 1)
      func due(_ now: Int64, limit: Int = 10) throws -> [Int64] {
        try tx.dueRuns(now: Instant(milliseconds: now), limit: limit).map(\.id)
      }
      #expect(try due(9) == [])
      #expect(try due(10) == [2])
      #expect(try due(100) == [2, 3, 1])
      #expect(try due(100, limit: 2) == [2, 3])
      #expect(try tx.nextDue() == Instant(milliseconds: 10))
      _ = try tx.requeue(#require(try tx.run(2)))
      #expect(try tx.nextDue() == Instant(milliseconds: 20))
    }
  }

  @Test("waiting runs are found by exactly their topic")
  func topics() throws {
    let office = try Office()
    try office.store.write { tx throws in
      for topic in ["deal:1:won", "deal:1:lost", "deal:1:won", "deal:1"] { try office.run(tx, .waiting, topic: topic) }
      #expect(try tx.waitingRuns(topic: "deal:1:won").map(\.id) == [1, 3])
      #expect(try tx.waitingRuns(topic: "deal:1%").map(\.id) == [])
      _ = try tx.requeue(#require(try tx.run(1)))
      #expect(try tx.waitingRuns(topic: "deal:1:won").map(\.id) == [3])
    }
  }

  @Test("a deal's runs are the oldest first; lists by filter are the latest first, and bounded")
  func lists() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try office.addDeal("d2", tx)
      try office.run(tx, .succeeded, automation: "a")
      try office.run(tx, deal: 2, .failed, automation: "a")
      try office.run(tx, .failed, automation: "b")
      try office.run(tx, deal: nil, .queued, automation: "b'; --")
      #expect(try tx.runs(of: 1).map(\.id) == [1, 3])
      func found(_ change: (inout RunFilter) -> Void) throws -> [Int64] {
        var filter = RunFilter()
        change(&filter)
        return try tx.runs(matching: filter).map(\.id)
      }
      #expect(try found { _ in } == [4, 3, 2, 1])
      #expect(try found { $0.limit = 2 } == [4, 3])
      #expect(try found { $0.limit = -1 } == [])
      #expect(try found { $0.statuses = [.failed] } == [3, 2])
      #expect(
        try found {
          $0.statuses = [.failed, .queued]
          $0.dealID = 1
        } == [3])
      #expect(try found { $0.automation = "a" } == [2, 1])
      #expect(try found { $0.automation = "b'; --" } == [4])
      #expect(try tx.openRuns([.queued, .running], limit: 0).isEmpty)
      #expect(try tx.openRuns([], limit: nil).isEmpty)
      #expect(try tx.openRuns([.failed], limit: nil).isEmpty)
    }
  }

  // MARK: Journal

  @Test("the journal comes back exactly, in the order of segments; a segment written again replaces itself")
  func journal() throws {
    let office = try Office()
    try office.store.write { tx throws in
      try office.run(tx)
      try office.run(tx)
      var step = JournalRow.Step(
        kind: .operation, name: "accounting.create_quote", key: "quote:deal:1", hash: "abc",
        arguments: .list([.record(office.deal), .object([ValueField("nul", .text("a\0b"))])]),
        begunAt: Instant(milliseconds: 1))
      try tx.write(JournalRow(runID: 1, segment: 1, entries: "[1]", step: nil))
      try tx.write(JournalRow(runID: 1, segment: 0, entries: "[]", step: step))
      try tx.write(JournalRow(runID: 2, segment: 0, entries: "[]", step: nil))
      #expect(
        try tx.journal(of: 1).map { "\($0)" } == [
          "\(JournalRow(runID: 1, segment: 0, entries: "[]", step: step))",
          "\(JournalRow(runID: 1, segment: 1, entries: "[1]", step: nil))",
        ])
      step.state = .answered
      step.attempts = 2
      step.answer = .object([ValueField("number", .text("D-1")), ValueField("total", .money(.euros(1)))])
      step.answeredAt = Instant(milliseconds: 2)
      try tx.write(JournalRow(runID: 1, segment: 0, entries: "[2]", step: step))
      #expect(try "\(tx.journal(of: 1)[0])" == "\(JournalRow(runID: 1, segment: 0, entries: "[2]", step: step))")
      try tx.deleteJournal(of: 1, from: 1)
      #expect(try tx.journal(of: 1).map(\.segment) == [0])
      try tx.deleteJournal(of: 1, from: 0)
      #expect(try tx.journal(of: 1).isEmpty)
      #expect(try tx.journal(of: 2).count == 1)
      #expect(try tx.journal(of: 9).isEmpty)
    }
  }

  @Test("values as deep as a script may pass can be read again; deeper ones are refused when they are written")
  func depth() throws {
    let office = try Office()
    let tables = (0..<Value.depthLimit).reduce(Value.integer(1)) { value, _ in .object([ValueField("x", value)]) }
    func write(_ value: Value, _ tx: any StoreTransaction) throws {
      try tx.write(
        JournalRow(
          runID: 1, segment: 0, entries: "[]",
          step: .init(kind: .wait, name: "x", key: "k", hash: "h", arguments: value, answer: value, begunAt: Office.now)
        ))
    }
    try office.store.write { tx throws in
      try office.run(tx)
      try write(tables, tx)
      #expect(try tx.journal(of: 1).first?.step?.arguments == tables)
      #expect(try tx.journal(of: 1).first?.step?.answer == tables)
      #expect(throws: ValueFault.self) { try write(.list([tables]), tx) }
      try tx.set(office.deal, "own", tables, author: Office.author, at: Office.now)
    }
    #expect(try office.value("own") == tables)
    #expect(try office.history().last?.changes.first?.new == tables)
  }
}
