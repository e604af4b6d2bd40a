import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// Promises 2 and 3 of the design: a segment is one commit, and a run survives a crash.
@Suite("A segment is one commit, and a run survives a crash")
struct SegmentTests {
  private static let quote = """
    on.enter("Créer documents", function (deal)
      deal.place = "before"
      local quote = accounting.create_quote(deal)
      deal.quote_number = quote.number
      FAIL
    end)
    """

  private func shop(fail: String = "", unfused: Bool = false, replays: Bool = false) throws -> TestShop {
    try TestShop(
      ["q": Self.quote.replacingOccurrences(of: "FAIL", with: fail)],
      mode: .init(unfused: unfused, replaysAlways: replays))
  }

  @Test("an error takes back all that its segment wrote, fused effects too; the transition stands (EngineCore.segment: savepoint)")
  func rolledBack() throws {
    let shop = try shop(fail: "error('after the quote')")
    try shop.move("Créer documents")
    #expect(try shop.stageName() == "Créer documents")
    #expect(try shop.value("place") == .null)
    #expect(try shop.quotes().isEmpty)
    let run = try #require(try shop.runs().first)
    #expect(run.status == .failed)
    let fault = RunFault(text: run.error ?? "")
    #expect(fault.message.contains("scripts/q.lua:5: after the quote"))
    #expect(fault.line == 5)
    #expect(fault.sourceLine?.contains("error('after the quote')") == true)
  }

  @Test("what was done before the last step stays, and a retry completes the rest without doing it again")
  func retryCompletes() throws {
    let shop = try shop(fail: "error('after the quote')", unfused: true)
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runs().first?.status == .failed)
    #expect(try shop.value("place") == .text("before"))
    #expect(try shop.value("quote_number") == .null)
    #expect(try shop.quotes().count == 1)
    try shop.rewrite("q", Self.quote.replacingOccurrences(of: "FAIL", with: ""))
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in
      try shop.core.retry(.test(id), tx: tx, now: shop.now)
    }
    try shop.settle()
    #expect(try shop.runs().first?.status == .succeeded)
    #expect(try shop.value("quote_number") == .text("D-2026-0001"))
    #expect(try shop.quotes().count == 1)
  }

  @Test("fused and unfused, replayed or not, come to the same", arguments: [false, true], [false, true])
  func modes(unfused: Bool, replays: Bool) throws {
    let shop = try shop(unfused: unfused, replays: replays)
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["q: succeeded"])
    #expect(try shop.value("quote_number") == .text("D-2026-0001"))
    #expect(try shop.value("place") == .text("before"))
    let history = try shop.store.read { try $0.history(of: shop.deal) }
    #expect(history.filter { $0.changes.contains { $0.field == "place" } }.count == 1, "written exactly once")
  }

  @Test("a crash before the service was asked, and one after it did its work: one quote, one number, the run goes on (EngineCore.recover)")
  func crashes() throws {
    for losesAnswer in [false, true] {
      let shop = try shop(unfused: true)
      try shop.move("Créer documents")
      #expect(try shop.runs().first?.status == .running)
      if losesAnswer { try shop.carryOutAndLoseTheAnswer() } else { try shop.crash() }
      #expect(try shop.runs().first?.status == .queued)
      try shop.settle()
      #expect(try shop.runStates() == ["q: succeeded"])
      #expect(try shop.quotes().map(\.number) == ["D-2026-0001"])
      #expect(try shop.value("quote_number") == .text("D-2026-0001"))
    }
  }

  @Test("a message whose answer was lost is not sent twice: the key of the step is the same (RunHost.operation)")
  func sameKey() throws {
    let shop = try TestShop(
      ["m": "on.enter('Confirmé', function (deal) local a = chat.send('floriane@altitude.example', 'Bonjour') chat.send('floriane@altitude.example', 'Bonjour') end)"],
      mode: .init(unfused: true))
    try shop.move("Confirmé")
    try shop.carryOutAndLoseTheAnswer()
    try shop.settle()
    #expect(try shop.runStates() == ["m: succeeded"])
    #expect(try shop.messages().count == 2, "two calls are two messages, each once")
  }

  @Test("a run that is begun anew keeps the keys of its effects: no second message (RunHost.operation: key)")
  func restartKeepsKeys() throws {
    let shop = try TestShop(
      ["m": "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'Bonjour') error('x') end)"],
      mode: .init(unfused: true))
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == ["m: failed"])
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in
      try shop.core.retry(.test(id, from: 1), tx: tx, now: shop.now)
    }
    try shop.settle()
    #expect(try shop.messages().count == 1)
  }

  @Test("a service that can't be reached is tried again with backoff; the lane stays free meanwhile", arguments: [false, true])
  func retries(unfused: Bool) throws {
    var faulty: FaultyService?
    let shop = try TestShop(
      [
        "a": "on.enter('Confirmé', function (deal) deal.place = 'x' chat.send('floriane@altitude.example', 'Bonjour') deal.promo = 'sent' end)",
        "b": "on.enter('Confirmé', function (deal) deal.quote_url = 'b' end)",
      ], mode: .init(unfused: unfused)
    ) { declaration in
      let service = FaultyService(LocalChat(declaration))
      faulty = service
      return ServiceRegistry(services: ServiceRegistry.local(declaration).services + [service])
    }
    faulty?.fail(with: .timeout, times: 2)
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == ["a: retrying", "b: succeeded"])
    #expect(try shop.value("place") == .text("x"))
    #expect(try shop.value("promo") == .null)
    for _ in 0..<2 { try shop.advance(TimeSpan.minutes(1)) }
    #expect(try shop.runStates() == ["a: succeeded", "b: succeeded"])
    #expect(try shop.messages().count == 1)
    #expect(try shop.value("promo") == .text("sent"))
  }

  @Test("a permanent failure raises at the call, where pcall may catch it", arguments: [false, true])
  func permanent(unfused: Bool) throws {
    let shop = try TestShop(
      ["a": "on.enter('Confirmé', function (deal) local ok, why = pcall(chat.send, 'nobody@nowhere.example', 'x') deal.place = tostring(ok) .. ' ' .. why end)"],
      mode: .init(unfused: unfused, replaysAlways: unfused))
    try shop.move("Confirmé")
    try shop.settle()
    #expect(try shop.runStates() == ["a: succeeded"])
    #expect(try shop.value("place")?.plainText.contains("false") == true)
    #expect(try shop.value("place")?.plainText.contains("nobody@nowhere.example") == true)
  }

  @Test(
    "a retry asks a step that the service refused again, with the same key (EngineCore.retry: reopenLastStep)",
    arguments: [false, true])
  func retryAfterRefusal(unfused: Bool) throws {
    var faulty: FaultyService?
    let shop = try TestShop(["q": Self.quote.replacingOccurrences(of: "FAIL", with: "")], mode: .init(unfused: unfused)) {
      declaration in
      let service = FaultyService(LocalAccounting(declaration))
      faulty = service
      return ServiceRegistry(services: ServiceRegistry.local(declaration).services + [service])
    }
    faulty?.fail(with: .refused, times: 1)
    try shop.move("Créer documents")
    try shop.settle()
    let run = try #require(try shop.runs().first)
    #expect(run.status == .failed)
    #expect(shop.error(of: run).contains("refused"))
    _ = try shop.store.write { tx in
      try shop.core.retry(.test(run.id), tx: tx, now: shop.now)
    }
    try shop.settle()
    #expect(try shop.runStates() == ["q: succeeded"])
    #expect(try shop.quotes().map(\.number) == ["D-2026-0001"])
  }

  @Test("a script that changed so that its journal does not fit says where, and restart begins anew")
  func divergence() throws {
    let shop = try shop(fail: "error('x')", unfused: true)
    try shop.move("Créer documents")
    try shop.settle()
    try shop.rewrite("q", "on.enter('Créer documents', function (deal) local n = crm.deals {} deal.quote_number = accounting.create_quote(deal).number end)")
    let id = try #require(try shop.runs().first?.id)
    func retry(restart: Bool) throws {
      _ = try shop.store.write { tx in
        try shop.core.retry(.test(id, from: restart ? 1 : nil), tx: tx, now: shop.now)
      }
      try shop.settle()
    }
    try retry(restart: false)
    let run = try #require(try shop.runs().first)
    #expect(run.status == .failed)
    #expect(RunFault(text: run.error ?? "").kind == "diverged")
    #expect(shop.error(of: run).contains("set deal.place") && shop.error(of: run).contains("find deal"))
    try retry(restart: true)
    #expect(try shop.runs().first?.status == .succeeded)
    #expect(try shop.quotes().count == 1)
  }

  @Test("what a script printed and warned of is kept with its run once, however often it is replayed or retried", arguments: [false, true])
  func saidOnce(unfused: Bool) throws {
    let script = """
      on.enter("Créer documents", function (deal)
        print("before", 1) warn("first")
        deal:move_to("Documents prêts")
        accounting.create_quote(deal)
        warn("second") print("after")
        FAIL
      end)
      on.before_enter("Documents prêts", function (deal) warn("guard") print("in the guard") end)
      """
    let shop = try TestShop(
      ["q": script.replacingOccurrences(of: "FAIL", with: "error('x')")], mode: .init(unfused: unfused, replaysAlways: unfused))
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runs().first?.status == .failed)
    try shop.rewrite("q", script.replacingOccurrences(of: "FAIL", with: ""))
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in
      try shop.core.retry(.test(id, force: true), tx: tx, now: shop.now)
    }
    try shop.settle()
    let run = try #require(try shop.runs().first)
    #expect(run.status == .succeeded)
    #expect(run.warnings == ["first", "guard", "second"])
    #expect(run.printed == ["before\t1", "after"])
  }
}
