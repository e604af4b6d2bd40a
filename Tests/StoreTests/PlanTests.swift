import CRM
import GRDB
import Testing

@testable import Store

/// What the engine asks all the time is answered from an index, however many runs there have been.
@Suite("Query plans")
struct PlanTests {
  /// The plan of each statement that `body` executes; a plain insertion has none.
  private func plans(_ body: (any StoreTransaction) throws -> Void) throws -> [String] {
    let office = try Office()
    return try office.store.raw { tx in
      try tx.flush()
      var statements: [String] = []
      tx.db.trace { event in
        if case .statement(let statement) = event { statements.append(statement.sql) }
      }
      try body(tx)
      tx.db.trace(options: [])
      return try statements.map { sql in
        let constant = sql.replacingOccurrences(of: "?", with: "1")
        return try Row.fetchAll(tx.db, sql: "EXPLAIN QUERY PLAN " + constant).map { $0["detail"] as String }.joined(
          separator: "; ")
      }.filter { !$0.isEmpty }
    }
  }

  private func expect(
    _ index: String, sorted: Bool = true, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (any StoreTransaction) throws -> Void
  ) throws {
    let plans = try plans(body)
    #expect(!plans.isEmpty, sourceLocation: sourceLocation)
    for plan in plans {
      #expect(!plan.contains("SCAN"), "\(plan)", sourceLocation: sourceLocation)
      #expect(plan.contains(index), "\(plan)", sourceLocation: sourceLocation)
      if sorted { #expect(!plan.contains("TEMP B-TREE"), "\(plan)", sourceLocation: sourceLocation) }
    }
  }

  @Test("the next queued run is the first of the queue, which is kept in order; busy lanes are looked up")
  func nextQueued() throws { try expect("run_open (status=?)") { _ = try $0.nextQueued() } }

  @Test("the next due run is the first of those that are due, which are kept in order")
  func due() throws {
    try expect("run_due (due_at>?") { _ = try $0.dueRuns(now: Office.now, limit: 1) }
    try expect("run_due (due_at>?") { _ = try $0.nextDue() }
  }

  @Test("waiting runs are found by their topic")
  func topic() throws { try expect("run_topic (wake_topic=?)", sorted: false) { _ = try $0.waitingRuns(topic: "t") } }

  @Test("the topics of a wait for several things are found by topic and by run, and a wait begun in the future by when it began")
  func severalTopics() throws {
    try expect("wait_topic USING PRIMARY KEY (topic=?)", sorted: false) { _ = try $0.waitingRuns(topic: "t") }
    try expect("wait_topic_of_run (run_id=?)") { _ = try $0.topics(of: 1) }
    try expect("journal_begun (begun_at>?)", sorted: false) { _ = try $0.runsParked(after: Office.now) }
  }

  @Test("a lane, its head and its end are found by the deal")
  func lane() throws {
    try expect("run_of_deal (deal_id=?)", sorted: false) { _ = try $0.headOfLane(1) }
    try expect("run_of_deal (deal_id=?)", sorted: false) { _ = try $0.openRuns([.waiting], of: 1) }
    try expect("run_of_deal (deal_id=?)") { _ = try $0.runs(of: 1) }
  }

  @Test("a wake-up looks at its own lane, not at all that is queued")
  func requeue() throws {
    let run = RunRow(
      id: 1, dealID: 1, eventID: 1, bundleID: 1, automation: "a", file: "a", place: 0, origin: 1, path: "", seed: 1,
      createdAt: Office.now)
    let plans = try plans { _ = try $0.requeue(run) }
    #expect(plans.contains { $0.contains("run_of_deal (deal_id=?)") })
    #expect(plans.allSatisfy { !$0.contains("SCAN") && !$0.contains("run_open") })
  }

  @Test("keys, e-mail addresses, quotes and cards are found by their own indexes")
  func keys() throws {
    for kind in [RecordKind.deal, .person, .organization, .product, .user] {
      try expect("(key=?)") { _ = try $0.find(kind, key: "k") }
    }
    try expect("(email_folded=?)") { _ = try $0.user(email: "x") }
    try expect("(number=?)") { _ = try $0.quote(number: "D-1") }
    try expect("quote_of_deal (deal_id=? AND superseded=?)") { _ = try $0.liveQuote(of: 1) }
    try expect("(effect_key=?)") { _ = try $0.card(key: "k") }
    try expect("(card_id=?)") { _ = try $0.card(cardID: "k") }
    try expect("(effect_key=?)") { _ = try $0.message(key: "k") }
    try expect("(hash=?)") { _ = try $0.bundle(hash: "h", files: "", at: Office.now) }
  }

  @Test("a record, its lists, its history and a run's journal are found by their keys")
  func parts() throws {
    try expect("PRIMARY KEY (rowid=?)") { _ = try $0.record(RecordRef(.deal, 1)) }
    for (field, index) in [
      ("lines", "PRIMARY KEY (deal_id=?)"), ("participants", "PRIMARY KEY (deal_id=?)"),
      ("notes", "note_of_deal (deal_id=?)"),
      ("cards", "card_of_deal (deal_id=?)"), ("messages", "message_of_deal (deal_id=?)"),
    ] {
      let plans = try plans { _ = try $0.value(RecordRef(.deal, 1), field) }
      #expect(plans.last?.contains(index) == true && plans.last?.contains("TEMP B-TREE") == false, "\(plans)")
    }
    try expect("PRIMARY KEY (record_kind=? AND record_id=?)") { _ = try $0.history(of: RecordRef(.deal, 1)) }
    try expect("PRIMARY KEY (record_kind=? AND record_id=?)") {
      _ = try $0.handled(request: "r", of: RecordRef(.deal, 1))
    }
    try expect("PRIMARY KEY (run_id=?)") { _ = try $0.journal(of: 1) }
  }
}
