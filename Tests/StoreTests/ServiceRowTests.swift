import CRM
import Foundation
import Testing

@testable import Store

@Suite("What the local services keep")
struct ServiceRowTests {
  @Test("a quote comes back with every field and line, by number, by deal, and as the live one")
  func quote() throws {
    let office = try Office()
    let quote = try office.store.write { try $0.insert(office.quote("D-1")) }
    #expect(quote.id == 1)
    try office.store.read { tx throws in
      for read in [try tx.quote(number: "D-1"), try tx.liveQuote(of: 1), try tx.quotes(of: 1).first] {
        #expect(read.map { "\($0)" } == "\(quote)")
      }
      #expect(try tx.quote(number: "d-1") == nil)
      #expect(try tx.liveQuote(of: 2) == nil && tx.quotes(of: 2).isEmpty)
    }
  }

  @Test(
    "a quote's status is set, also for who read it before; only live states keep it live",
    arguments: QuoteStatus.allCases)
  func status(status: QuoteStatus) throws {
    let office = try Office()
    try office.store.write { tx throws in
      _ = try tx.insert(office.quote("D-1"))
      #expect(try tx.value(RecordRef(.quote, 1), "status") == .text("draft"))
      try tx.setStatus(status, ofQuote: 1)
      #expect(try tx.value(RecordRef(.quote, 1), "status") == .text(status.rawValue))
      #expect(try tx.quote(number: "D-1")?.status == status)
      #expect(try (tx.liveQuote(of: 1) != nil) == status.isLive)
    }
    #expect(fault { try office.store.write { try $0.setStatus(status, ofQuote: 2) } }?.kind == .notFound)
  }

  @Test("several ended quotes of a deal live together; each keeps its own place")
  func ended() throws {
    let office = try Office()
    try office.store.write { tx throws in
      for (index, status) in [QuoteStatus.replaced, .refused, .cancelled, .replaced].enumerated() {
        let quote = try tx.insert(office.quote("D-\(index)"))
        try tx.setStatus(status, ofQuote: quote.id)
      }
      #expect(try tx.quotes(of: 1).map(\.status) == [.replaced, .refused, .cancelled, .replaced])
    }
  }

  @Test("a card comes back by its key, its id and its deal; a key or an id is used once")
  func cards() throws {
    let office = try Office()
    try office.addDeal("d2")
    func card(_ key: String, _ id: String, _ deal: Int64) -> CardRow {
      CardRow(
        key: key, cardID: id, dealID: deal, list: "À faire", title: "t", text: "x\ny", url: "u", createdAt: Office.now)
    }
    try office.store.write { tx throws in
      let first = try tx.insert(card("k1", "c1", 1))
      _ = try tx.insert(card("k2", "c2", 2))
      for read in [
        try tx.card(key: "k1"), try tx.card(cardID: "c1"), try tx.cards(of: 1).first, try tx.cards(of: nil).first,
      ] {
        #expect(read.map { "\($0)" } == "\(first)")
      }
      #expect(try tx.cards(of: nil).map(\.key) == ["k1", "k2"])
      #expect(try tx.card(key: "c1") == nil && tx.card(cardID: "k1") == nil)
      #expect(fault { _ = try tx.insert(card("k1", "c3", 1)) }?.kind == .constraint)
      #expect(fault { _ = try tx.insert(card("k3", "c1", 1)) }?.kind == .constraint)
    }
  }

  @Test("a message comes back by its key and its deal; a key is used once")
  func messages() throws {
    let office = try Office()
    try office.store.write { tx throws in
      let first = try tx.insert(MessageRow(key: "k1", recipientID: 1, dealID: 1, text: "é", createdAt: Office.now))
      _ = try tx.insert(MessageRow(key: "k2", recipientID: 1, dealID: nil, text: "x", createdAt: Office.now))
      for read in [try tx.message(key: "k1"), try tx.messages(of: 1).first] {
        #expect(read.map { "\($0)" } == "\(first)")
      }
      #expect(try tx.messages(of: nil).map(\.key) == ["k1", "k2"])
      #expect(try tx.messages(of: 1).count == 1 && tx.message(key: "k3") == nil)
      #expect(
        fault { _ = try tx.insert(MessageRow(key: "k1", recipientID: 1, dealID: 1, text: "x", createdAt: Office.now)) }?
          .kind == .constraint)
    }
  }

  @Test("counters of different names count for themselves; the end of the numbers is an error")
  func counters() throws {
    let office = try Office()
    try office.store.raw { tx throws in
      #expect(try ["a", "b", "a"].map { try tx.next(counter: $0) } == [1, 1, 2])
      try tx.execute("UPDATE counter SET value = 9223372036854775807 WHERE name = 'a'")
      #expect(fault { _ = try tx.next(counter: "a") } != nil)
    }
  }
}
