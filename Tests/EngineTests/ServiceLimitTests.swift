import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// What a service can bear, and what becomes of its runs when it is down. The test answers in the service's place.
@Suite("Services are asked as far as they can bear it")
struct ServiceLimitTests {
  private static let failure = Result<Value, ServiceFailure>.failure(
    ServiceFailure(.transient(retryAfter: nil), "chat: no answer"))
  private static let answered = Result<Value, ServiceFailure>.success(.text("m1"))

  /// A shop with six deals, whose chat is asked when a deal is confirmed, under a policy.
  private func shop(_ calls: String, script: String? = nil) throws -> TestShop {
    let shop = try TestShop(
      [
        "a": script ?? "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', deal.title) end)",
        "b": "on.enter('Documents prêts', function (deal) deal.place = 'ready' end)",
      ], limits: "{ calls = \(calls) }", mode: .init(unfused: true))
    for place in 2...6 { _ = try shop.addDeal("d\(place)") }
    return shop
  }

  private func confirm(_ shop: TestShop, _ places: ClosedRange<Int>) throws {
    for place in places { try shop.move("Confirmé", deal: "d\(place)") }
  }

  /// `d1: succeeded` … of all deals that have runs.
  private func states(_ shop: TestShop) throws -> [String] {
    try (1...6).flatMap { place in
      try shop.store.read { tx in
        guard let deal = try tx.find(.deal, key: "d\(place)") else { return [String]() }
        return try tx.runs(of: deal.id).map { "d\(place) \($0.automation): \($0.status.rawValue)" }
      }
    }
  }

  @Test("at most at_once calls are under way; the others take their turn in order, and keep their lanes")
  func concurrency() throws {
    let shop = try shop("{ at_once = 2 }")
    try confirm(shop, 1...4)
    #expect(shop.calls.map(\.call.dealID) == [1, 2])
    try shop.answer(shop.takeCall(), Self.answered)
    #expect(shop.calls.map(\.call.dealID) == [2, 3])
    #expect(try states(shop) == ["d1 a: succeeded", "d2 a: running", "d3 a: running", "d4 a: running"])
    try shop.settle()
    #expect(try states(shop).allSatisfy { $0.hasSuffix("succeeded") })
  }

  @Test("a call that waits for its turn is not made when its run is cancelled")
  func cancelQueued() throws {
    let shop = try shop("{ at_once = 1 }")
    try confirm(shop, 1...2)
    let run = try #require(try shop.store.read { try $0.openRuns([.running], limit: nil) }.last)
    _ = try shop.store.write { try shop.core.cancel(runID: run.id, tx: $0, now: shop.now) }
    try shop.settle()
    #expect(try states(shop) == ["d1 a: succeeded", "d2 a: cancelled"])
    #expect(try shop.messages().count == 1)
  }

  @Test("calls begin evenly spread over the minute; a run that has to wait long gives its lane back")
  func rate() throws {
    let shop = try shop("{ per_minute = 20 }")
    try confirm(shop, 1...3)
    #expect(shop.calls.map(\.call.dealID) == [1])
    #expect(try states(shop) == ["d1 a: running", "d2 a: retrying", "d3 a: retrying"])
    try shop.move("Documents prêts", deal: "d3")
    #expect(try states(shop).contains("d3 b: succeeded"), "its lane is free")
    let due = try shop.store.read { try $0.openRuns([.retrying], limit: nil).compactMap(\.dueAt) }
    let slots = try [3, 6].map { try shop.now.adding(.seconds($0)) }
    #expect(due == slots)
    try shop.advance(.seconds(3))
    #expect(try states(shop).count { $0.hasSuffix("a: succeeded") } == 2)
    try shop.advance(.seconds(3))
    #expect(try states(shop).count { $0.hasSuffix("a: succeeded") } == 3)
    #expect(try shop.messages().count == 3)
  }

  @Test("Retry-After is minded by all runs of the service, not only by the one that was told")
  func retryAfter() throws {
    let shop = try shop("{ down_after = 100 }")
    try confirm(shop, 1...1)
    try shop.answer(
      shop.takeCall(), .failure(ServiceFailure(.transient(retryAfter: .seconds(30)), "chat: too many requests")))
    try confirm(shop, 2...2)
    #expect(shop.calls.isEmpty)
    try shop.advance(.seconds(29))
    #expect(shop.calls.isEmpty)
    #expect(try shop.messages().isEmpty)
    try shop.advance(.seconds(31))
    #expect(try states(shop) == ["d1 a: succeeded", "d2 a: succeeded"])
  }

  @Test("pauses grow from backoff to longest_backoff, each between half and all of its length")
  func backoff() throws {
    let shop = try shop("{ retries = 6, backoff = '10 seconds', longest_backoff = '1 minute' }")
    try confirm(shop, 1...1)
    for full: Int64 in [10, 20, 40, 60, 60, 60] {
      try shop.answer(shop.takeCall(), Self.failure)
      let due = try #require(try shop.runs().first?.dueAt)
      #expect((full * 500...full * 1000).contains(due.since(shop.now).milliseconds))
      shop.now = due
      try shop.store.write { try shop.core.wakeDue(tx: $0, now: shop.now) }
      try shop.stepOnce()
    }
    try shop.answer(shop.takeCall(), Self.failure)
    #expect(try states(shop) == ["d1 a: failed"])
    #expect(shop.error(of: try #require(try shop.runs().first)).contains("after 7 attempts"))
  }

  @Test("runs of a service that is down wait without filling the lanes and without using up their retries, and go on when one probe succeeds")
  func outage() throws {
    let shop = try shop("{ down_after = 2, retries = 1, backoff = '10 seconds' }")
    try confirm(shop, 1...3)
    try shop.answer(shop.takeCall(), Self.failure)
    try shop.answer(shop.takeCall(), Self.failure)
    #expect(shop.calls.count == 1, "the third was asked before it was known")
    try shop.answer(shop.takeCall(), Self.failure)
    try confirm(shop, 4...4)
    #expect(shop.calls.isEmpty, "who comes later is not asked at all")
    #expect(try shop.store.read { try $0.holdingServices() }.map { "\($0.service) \($0.runs)" } == ["chat 3"])
    try shop.move("Documents prêts", deal: "d4")
    #expect(try states(shop).contains("d4 b: succeeded"), "its lane is free")
    let told = shop.error(of: try #require(try shop.store.read { try $0.heldRuns(by: "chat", limit: 1) }.first))
    #expect(told.contains("chat is down since") && told.contains("goes on by itself"))

    // One of them probes, again and again, however few retries it has; the others wait.
    for _ in 0..<4 {
      while shop.calls.isEmpty {
        shop.now = try #require(try shop.store.read { try shop.core.nextTime(tx: $0, everything: true) })
        try shop.store.write { try shop.core.wakeDue(tx: $0, now: shop.now) }
        while try shop.stepOnce() {}
      }
      #expect(shop.calls.count == 1)
      try shop.answer(shop.takeCall(), Self.failure)
    }
    #expect(try states(shop).allSatisfy { !$0.hasSuffix("failed") })

    // It answers: all go on, and nobody waits for an hour.
    try shop.advance(.hours(1))
    #expect(try states(shop).allSatisfy { $0.hasSuffix("succeeded") })
    #expect(try shop.messages().count == 4)
  }

  @Test("one run that a service can't serve is no outage: the others go on")
  func oneBadRun() throws {
    let shop = try shop("{ down_after = 2, retries = 3 }")
    try confirm(shop, 1...1)
    for _ in 0..<3 {
      try shop.answer(shop.takeCall(), Self.failure)
      shop.now = try #require(try shop.runs().first?.dueAt)
      try shop.store.write { try shop.core.wakeDue(tx: $0, now: shop.now) }
      try shop.stepOnce()
    }
    try confirm(shop, 2...2)
    #expect(shop.calls.map(\.call.dealID) == [1, 2])
  }

  @Test("a process that takes over an outage probes at once, with one run")
  func outageSurvives() throws {
    let shop = try shop("{ down_after = 2, backoff = '1 hour' }")
    try confirm(shop, 1...3)
    for _ in 0..<3 { try shop.answer(shop.takeCall(), Self.failure) }
    try shop.crash()
    try shop.store.write { try shop.core.wakeDue(tx: $0, now: shop.now) }
    while try shop.stepOnce() {}
    #expect(shop.calls.count == 1)
    try shop.settle()
    #expect(try states(shop) == ["d1 a: succeeded", "d2 a: succeeded", "d3 a: succeeded"])
  }

  @Test("a probe that is cancelled leaves the place to another run")
  func cancelledProbe() throws {
    let shop = try shop("{ down_after = 2 }")
    try confirm(shop, 1...3)
    for _ in 0..<3 { try shop.answer(shop.takeCall(), Self.failure) }
    shop.now = try shop.now.adding(.hours(1))
    try shop.store.write { try shop.core.wakeDue(tx: $0, now: shop.now) }
    let probe = try #require(try shop.store.read { try $0.openRuns([.queued], limit: nil) }.first)
    _ = try shop.store.write { try shop.core.cancel(runID: probe.id, tx: $0, now: shop.now) }
    try shop.advance(.hours(1))
    #expect(try states(shop).count { $0.hasSuffix("succeeded") } == 2)
  }

  @Test("a script that wants no retries learns at once that the service is down")
  func noRetries() throws {
    let shop = try shop(
      "{ down_after = 2 }",
      script: """
        on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'x') end)
        on.enter('Documents prêts', function (deal)
          local ok, message = pcall(chat.send, 'floriane@altitude.example', 'x', { retries = 0 })
          deal.place = message
        end, { name = 'eager' })
        """)
    try confirm(shop, 1...2)
    for _ in 0..<2 { try shop.answer(shop.takeCall(), Self.failure) }
    try shop.move("Documents prêts", deal: "d3")
    try shop.answer(shop.takeCall(), Self.failure)
    #expect(try states(shop).contains("d3 eager: succeeded"))
  }

  // MARK: Answers that come late, twice, out of order

  @Test("a late answer is the answer: the step that was given up is not asked again")
  func lateAnswer() throws {
    let shop = try shop("{}", script: "on.enter('Confirmé', function (deal) deal.place = chat.send('floriane@altitude.example', 'x') and 'sent' end)")
    try confirm(shop, 1...1)
    let first = shop.takeCall()
    try shop.answer(first, Self.failure)
    #expect(try states(shop) == ["d1 a: retrying"])
    try shop.answer(first, Self.answered, isLate: true)
    try shop.settle()
    #expect(try states(shop) == ["d1 a: succeeded"])
    #expect(try shop.value("place") == .text("sent"))
    try shop.advance(.days(1))
    #expect(try shop.messages().isEmpty, "nobody asked again")
  }

  @Test("of two attempts under way whichever answers first counts, and the other one changes nothing")
  func twoAttempts() throws {
    let shop = try shop("{}")
    try confirm(shop, 1...1)
    let first = shop.takeCall()
    try shop.answer(first, Self.failure)
    try shop.store.write { try shop.core.wakeDue(tx: $0, now: try shop.now.adding(.hours(1))) }
    try shop.stepOnce()
    let second = shop.takeCall()
    #expect(second.call.key == first.call.key && second.attempt == 2)
    try shop.answer(first, Self.answered, isLate: true)
    #expect(try states(shop) == ["d1 a: succeeded"])
    try shop.answer(second, Self.failure)
    try shop.answer(second, Self.answered)
    #expect(try states(shop) == ["d1 a: succeeded"])
  }

  @Test("a failure that is told twice counts once")
  func failureTwice() throws {
    let shop = try shop("{ retries = 1 }")
    try confirm(shop, 1...1)
    let call = shop.takeCall()
    for _ in 0..<3 { try shop.answer(call, Self.failure) }
    #expect(try shop.runs().first?.attempts == 1)
    try shop.advance(.days(1))
    #expect(try states(shop) == ["d1 a: succeeded"])
  }

  @Test("a late answer to a step that was started over is not taken for the answer of what stands there now")
  func lateForAnother() throws {
    let shop = try shop("{ retries = 0 }")
    try confirm(shop, 1...1)
    let old = shop.takeCall()
    try shop.answer(old, Self.failure)
    #expect(try states(shop) == ["d1 a: failed"])
    try shop.rewrite("a", "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'other') deal.place = 'sent' end)")
    _ = try shop.store.write { try shop.core.retry(.test(1, from: 1), tx: $0, now: shop.now) }
    while try shop.stepOnce() {}
    try shop.answer(old, .success(.text("stale")), isLate: true)
    #expect(try states(shop) == ["d1 a: running"])
    try shop.settle()
    #expect(try shop.messages().map(\.text) == ["other"])
  }

  @Test("Retry-After also holds up the calls that wait for their turn")
  func retryAfterQueued() throws {
    let shop = try shop("{ at_once = 1, down_after = 100 }")
    try confirm(shop, 1...3)
    try shop.answer(
      shop.takeCall(), .failure(ServiceFailure(.transient(retryAfter: .seconds(30)), "chat: too many requests")))
    #expect(shop.calls.isEmpty)
    try shop.advance(.seconds(31))
    try shop.advance(.seconds(31))
    #expect(try states(shop).allSatisfy { $0.hasSuffix("succeeded") })
  }

  // MARK: Cancelling

  @Test("a cancellation that was asked for during a step survives the process")
  func cancelSurvives() throws {
    let shop = try shop("{}", script: "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'x') deal.place = 'after' end)")
    try confirm(shop, 1...1)
    let run = try #require(try shop.runs().first)
    _ = try shop.store.write { try shop.core.cancel(runID: run.id, tx: $0, now: shop.now) }
    try shop.carryOutAndLoseTheAnswer()
    try shop.settle()
    #expect(try states(shop) == ["d1 a: cancelled"])
    #expect(try shop.value("place") == .null)
  }
}
