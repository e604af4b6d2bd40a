import CRM
import Foundation
import Testing

@testable import Store

/// What must never be false stands in the schema: it holds for the program that forgets it.
@Suite("Constraints of the schema")
struct ConstraintTests {
  private func refused(_ office: Office, _ sql: String) -> String? {
    let error = fault { try office.store.raw { try $0.execute(sql) } }
    #expect(error?.kind == .constraint, "\(sql)")
    return error?.message
  }

  @Test("ALT-10: a deal has one live quote; a replaced one makes room, and can't come back beside it")
  func oneLiveQuote() throws {
    let office = try Office()
    let first = try office.store.write { try $0.insert(office.quote("D-1")) }
    #expect(fault { try office.store.write { _ = try $0.insert(office.quote("D-2")) } }?.kind == .constraint)
    try office.store.write { tx throws in
      try tx.setStatus(.replaced, ofQuote: first.id)
      _ = try tx.insert(office.quote("D-2"))
    }
    #expect(fault { try office.store.write { try $0.setStatus(.draft, ofQuote: first.id) } }?.kind == .constraint)
    try office.addDeal("d2")
    _ = try office.store.write { try $0.insert(office.quote("D-3", deal: 2)) }
    #expect(try office.store.read { try $0.quotes(of: 1).map(\.status) } == [.replaced, .draft])
  }

  @Test("a quote's number is given once, in whatever deal")
  func uniqueNumber() throws {
    let office = try Office()
    try office.addDeal("d2")
    _ = try office.store.write { try $0.insert(office.quote("D-1")) }
    let error = fault { try office.store.write { _ = try $0.insert(office.quote("D-1", deal: 2)) } }
    #expect(error?.kind == .constraint && error?.message.contains("quote.number") == true)
  }

  @Test("a quote's total is net and tax")
  func quoteTotal() throws {
    let office = try Office()
    var quote = try office.quote("D-1")
    quote.totalTax = .euros(6)
    #expect(fault { try office.store.write { _ = try $0.insert(quote) } }?.kind == .constraint)
  }

  @Test("unknown statuses are refused: of a deal, a quote, a run, a step")
  func statuses() throws {
    let office = try Office()
    #expect(fault { try office.set("status", .text("gagné")) }?.kind == .constraint)
    try office.store.write { tx throws in
      _ = try tx.insert(office.quote("D-1"))
      try office.run(tx)
      try tx.write(JournalRow(runID: 1, segment: 0, entries: "[]", step: nil))
    }
    _ = refused(office, "UPDATE quote SET status = 'lost'")
    _ = refused(office, "UPDATE run SET status = 'paused'")
    _ = refused(office, "UPDATE journal SET step_kind = 'guess', step_state = 'begun'")
    _ = refused(office, "UPDATE journal SET step_kind = 'wait', step_state = 'hoped'")
    _ = refused(office, "UPDATE journal SET step_kind = 'wait'")
  }

  @Test("a quote that is not live carries its own id, a live one none")
  func superseded() throws {
    let office = try Office()
    _ = try office.store.write { try $0.insert(office.quote("D-1")) }
    _ = refused(office, "UPDATE quote SET superseded = 1")
    _ = refused(office, "UPDATE quote SET status = 'refused'")
  }

  // A refused statement changes nothing, so one office does for many.

  @Test("ALT-29: quantities are above 0, prices not below, rates from 0 to 100; required texts are not empty")
  func bounds() throws {
    let office = try Office()
    _ = try office.store.write { try $0.insert(office.quote("D-1")) }
    for sql in [
      "UPDATE deal_line SET quantity = 0", "UPDATE deal_line SET quantity = -1", "UPDATE deal_line SET price = -1",
      "UPDATE deal_line SET position = 0", "UPDATE product SET price = -1", "UPDATE product SET vat_rate = 100000001",
      "UPDATE product SET vat_rate = -1", "UPDATE quote_line SET quantity = 0", "UPDATE quote_line SET price = -1",
      "UPDATE quote_line SET vat_rate = 100000001", "UPDATE organization SET siret = '1'",
      "UPDATE deal SET archived = 2", "UPDATE deal SET title = ''", "UPDATE deal SET title = NULL",
      "UPDATE user SET name = ''", "UPDATE user SET email = ''", "UPDATE organization SET name = ''",
      "UPDATE product SET name = ''", "UPDATE stage SET retired = 2", "INSERT INTO counter VALUES ('n', -1)",
      // STRICT tables hold no other types.
      "UPDATE deal SET created_at = 'yesterday'", "UPDATE deal_line SET price = 1.5", "UPDATE deal SET title = x'00'",
    ] { _ = refused(office, sql) }
  }

  @Test("rows refer to rows that are there")
  func foreignKeys() throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try tx.insert(office.quote("D-1"))
      try office.run(tx)
      try tx.write(JournalRow(runID: 1, segment: 0, entries: "[]", step: nil))
    }
    for sql in [
      "UPDATE deal SET organization_id = 99", "UPDATE deal SET person_id = 99", "UPDATE deal SET owner_id = 99",
      "UPDATE deal SET stage_id = 99", "UPDATE deal SET pipeline_id = 99", "UPDATE person SET organization_id = 99",
      "UPDATE deal_line SET product_id = 99", "UPDATE stage SET pipeline_id = 99 WHERE id = 2",
      "UPDATE run SET deal_id = 99",
      "UPDATE run SET event_id = 99", "UPDATE run SET bundle_id = 99", "UPDATE event SET deal_id = 99",
      "INSERT INTO origin VALUES (99, 1)", "UPDATE journal SET run_id = 99", "DELETE FROM deal", "DELETE FROM stage",
      "UPDATE quote SET deal_id = 99", "DELETE FROM quote",
      "INSERT INTO participant VALUES (1, 1, 99)",
      "INSERT INTO history VALUES ('deal', 9, 1, 0, 'x', NULL, NULL, 99, 1, '{}')",
      "INSERT INTO note (deal_id, text, created_at, author) VALUES (99, 'x', 0, 'x')",
      "INSERT INTO card VALUES (1, 'k', 'c', 99, 'l', 't', 't', 'u', 0)",
      "INSERT INTO message VALUES (1, 'k', 99, NULL, 't', 0)",
    ] { #expect(refused(office, sql)?.contains("FOREIGN KEY") == true, "\(sql)") }
  }

  @Test("a run waits for something only while it waits, and has ended exactly if it is finished")
  func runStates() throws {
    let office = try Office()
    try office.store.write { _ = try office.run($0, .waiting, topic: "deal:1:won") }
    _ = refused(office, "UPDATE run SET status = 'queued'")
    _ = refused(office, "UPDATE run SET status = 'running', finished_at = 1, wake_topic = NULL")
    for status in RunStatus.allCases where status.isFinished {
      _ = refused(office, "UPDATE run SET status = '\(status.rawValue)', wake_topic = NULL")
      try office.store.write { _ = try office.run($0, status) }
    }
  }

  @Test("importers' keys are unique within a kind, and any number of records has none")
  func keys() throws {
    let office = try Office()
    #expect(fault { try office.addDeal("d1") }?.message.contains("deal.key") == true)
    #expect(fault { try office.add(.organization, ["key": .text("acme"), "name": .text("x")]) }?.kind == .constraint)
    try office.add(.organization, ["key": .text("d1"), "name": .text("another kind")])
    try office.add(.organization, ["name": .text("without")])
    try office.add(.organization, ["name": .text("without, too")])
  }

  @Test("two users can't have one e-mail address, in whatever case, at insertion and later")
  func emails() throws {
    let office = try Office()
    #expect(
      fault { try office.add(.user, ["name": .text("x"), "email": .text("FLORIANE@altitude.example")]) }?.kind
        == .constraint)
    let other = try office.add(.user, ["name": .text("x"), "email": .text("x@altitude.example")])
    #expect(fault { try office.set("email", .text("floriane@ALTITUDE.example"), of: other) }?.kind == .constraint)
  }

  @Test("what is refused inside a transaction is an error of the store there, too, for whoever catches it")
  func inside() throws {
    let office = try Office()
    try office.store.write { tx throws in
      let error = fault { _ = try office.addDeal("d1", tx) }
      #expect(error?.kind == .constraint)
      #expect(error?.message.contains("deal.key") == true)
      let second = fault {
        try tx.savepoint { try tx.set(office.deal, "title", .null, author: Office.author, at: Office.now) }
      }
      #expect(second?.kind == .constraint)
    }
  }
}
