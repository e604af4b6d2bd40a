import CRM
import Testing

@testable import Scripting

@Suite("The flow of a run: reject, warn, wait, steps, ends")
struct FlowTests {
  let deal = RecordRef(.deal, 42)

  @Test("reject notes each reason and goes on")
  func reject() throws {
    let host = MemoryHost()
    try printed("reject('Promo %q: %s', deal.title, 'no underscore')\nreject('second')\nwarn('%d of %d', 1, 2)", host: host)
    #expect(host.rejections == ["Promo \"Coaching\": no underscore", "second"])
    #expect(host.warnings == ["1 of 2"])
  }

  @Test(
    "Reasons are formatted for people",
    arguments: [
      ("'Promo %q missing', nil", "Promo \"nil\" missing"), ("'a %s b %s', 1", "a 1 b nil"),
      ("'Remise de 10% refusée'", "Remise de 10% refusée"), ("'100 %% of %s', deal", "100 % of deal 42"),
      ("'%.2f|%5d|%-4s|%4s|', 1.5, 42, 'é', 'é'", "1.50|   42|é   |   é|"),
      ("'%s and %s', deal.total, decimal('1.50')", "250.00 EUR and 1.5"), ("'%d', decimal('7')", "7"),
      ("'%s %s %s', 2.0, true, date('2026-11-03')", "2.0 true 2026-11-03"), ("'%x', 255", "ff"),
    ])
  func formatting(_ arguments: String, _ text: String) throws {
    let host = MemoryHost()
    try printed("reject(\(arguments))", host: host)
    #expect(host.rejections == [text])
  }

  @Test(
    "A format that makes no sense is an error of the guard",
    arguments: [
      ("'%y', 1", "'%y' is not known here"), ("'%d', 'x'", "'%d' takes a number, found x"), ("'x %', 1", "a '%' at the end"),
      ("'%999s', 1", "at most two digits"), ("nil", "string expected, got nil"),
    ])
  func badFormat(_ arguments: String, _ message: String) throws {
    let found = try complaint("reject(\(arguments))")
    #expect(found.contains(message), "\(found)")
  }

  @Test("An effect suspends the script, and its answer is what the call gives")
  func suspension() throws {
    let host = MemoryHost()
    let execution = try Workshop(
      body: """
        local quote = accounting.create_quote(deal, { retries = 3 })
        deal.title = quote.number
        print(quote.number, quote.total, quote.missing)
        """
    ).execution(host: host)
    guard case .suspended = try execution.begin() else { return #expect(Bool(false), "it did not suspend") }
    #expect(
      host.actions == [
        .operation(
          service: "accounting", name: "create_quote", arguments: [.record(deal)],
          options: [ValueField("retries", .integer(3))])
      ])
    let answer = Value.object([
      ValueField("number", .text("D-2026-0001")), ValueField("total", .money(Money(cents: 30_000, currency: .eur))),
    ])
    guard case .finished = try execution.resume(.success(answer)) else { return #expect(Bool(false), "it did not end") }
    #expect(host.logs == ["D-2026-0001\t300.00 EUR\tnil"])
    #expect(host.records[deal]?["title"] == .text("D-2026-0001"))
    execution.discard()
    execution.discard()
  }

  @Test("After a step a handle shows the record as it is then")
  func freshAfterStep() throws {
    let host = MemoryHost()
    let execution = try Workshop(body: "print(deal.title); accounting.products(); print(deal.title)").execution(host: host)
    _ = try execution.begin()
    host.records[deal]?["title"] = .text("Changed meanwhile")
    _ = try execution.resume(.success(.list([])))
    #expect(host.logs == ["Coaching", "Changed meanwhile"])
  }

  @Test("A step that fails raises at the call, where pcall catches it")
  func failedStep() throws {
    let host = MemoryHost()
    let execution = try Workshop(
      body: "local ok, text = pcall(accounting.create_quote, deal)\nprint(ok, text)\naccounting.products()"
    ).execution(host: host)
    _ = try execution.begin()
    guard case .suspended = try execution.resume(.failure(HostFailure(.permanent, "no such customer"))) else {
      return #expect(Bool(false), "it did not go on to the next step")
    }
    #expect(host.logs.count == 1)
    #expect(host.logs.first?.hasPrefix("false\t") == true)
    #expect(host.logs.first?.contains("no such customer") == true)
    let failure = try #require(throws: ScriptFailure.self) {
      try execution.resume(.failure(HostFailure(.permanent, "closed")))
    }
    #expect(failure.message == "scripts/t.lua:4: closed")
    #expect(failure.hostFailure?.kind == .permanent)
  }

  @Test("wait parks the run on a status, a stage or the clock")
  func waiting() throws {
    let host = MemoryHost()
    let execution = try Workshop(
      body: """
        print(wait(deal:becomes("gagné"), "60 days").state)
        print(wait(deal:reaches("confirme")).state)
        print(sleep("3 days"))
        """
    ).execution(host: host)
    _ = try execution.begin()
    _ = try execution.resume(.success(.object([ValueField("state", .text("reached"))])))
    _ = try execution.resume(.success(.object([ValueField("state", .text("expired"))])))
    guard case .finished = try execution.resume(.success(.null)) else { return #expect(Bool(false), "it did not end") }
    #expect(
      host.actions == [
        .wait(.status(deal, .won), timeout: .span(.days(60))), .wait(.stage(deal, "Confirmé"), timeout: nil),
        .wait(.clock, timeout: .span(.days(3))),
      ])
    #expect(host.logs == ["reached", "expired", "nil"])
  }

  @Test("Steps suspend from within coroutines and loops as well")
  func suspendedCoroutine() throws {
    let host = MemoryHost()
    let execution = try Workshop(
      body: """
        local each = coroutine.wrap(function () coroutine.yield(#accounting.products()); coroutine.yield(7) end)
        print(each(), each())
        """
    ).execution(host: host)
    guard case .suspended = try execution.begin() else { return #expect(Bool(false), "it did not suspend") }
    _ = try execution.resume(.success(.list([.integer(1), .integer(2)])))
    #expect(host.logs == ["2\t7"])
  }

  @Test(
    "What can't be waited for is an error, before the host is asked",
    arguments: [
      ("wait('60 days')", "wait needs something to wait for"), ("wait(deal)", "wait needs something to wait for"),
      ("wait(deal:becomes('won'), '60 dais')", "expected a duration like \"60 days\""),
      ("sleep('0 days')", "a duration above zero expected"), ("sleep()", "string expected, got no value"),
      ("table.sort({ 2, 1 }, function () sleep('1 day') end)", "sleep can't be called inside a sort comparison"),
      ("table.sort({ 2, 1 }, function () accounting.create_quote(deal) end)", "accounting.create_quote can't be called inside"),
    ])
  func badWait(_ body: String, _ message: String) throws {
    let host = MemoryHost()
    let found = try complaint(body, host: host)
    #expect(found.contains(message), "\(found)")
    #expect(host.actions.isEmpty)
  }

  @Test(
    "Services check their arguments",
    arguments: [
      ("accounting.create_quote()", "bad argument #1 to 'accounting.create_quote' (deal (deal) expected, got no value)"),
      ("accounting.create_quote(deal.organization)", "accounting.create_quote: deal is a deal, found an organization"),
      ("accounting.create_quote(deal, { retry = 3 })", "accounting.create_quote has the options retries, timeout; found 'retry'"),
      ("accounting.create_quote(deal, { retries = -1 })", "the option retries is a whole number"),
      ("accounting.create_quote(deal, {}, 3)", "accounting.create_quote(deal) got 3 arguments"),
      ("accounting.creat_quote(deal)", "accounting has no 'creat_quote'; did you mean 'create_quote'?"),
      ("chat.escape('a', 'b')", "chat.escape(text) got 2 arguments"),
      ("chat.send(deal.owner, print)", "chat.send: text: a value expected, got a function"),
    ])
  func serviceArguments(_ body: String, _ message: String) throws {
    let host = MemoryHost()
    let found = try complaint(body, host: host)
    #expect(found.contains(message), "\(found)")
    #expect(host.actions.isEmpty)
  }

  @Test("A pure operation is called anywhere")
  func pure() throws {
    let host = MemoryHost()
    host.answers["chat.escape"] = .success(.text("&amp;"))
    #expect(try printed("print((('x'):gsub('x', function () return chat.escape('&') end)))", host: host) == ["&amp;"])
  }

  @Test("A diverged replay and a cancelled run end the script, whatever pcall surrounds the call", arguments: [HostFailure.Kind.diverged, .cancelled])
  func uncatchable(_ kind: HostFailure.Kind) throws {
    let host = MemoryHost()
    host.failure = HostFailure(kind, "over")
    let execution = try Workshop(body: "pcall(function () return deal.title end)\nprint('went on')").execution(host: host)
    let failure = try #require(throws: ScriptFailure.self) { try execution.begin() }
    #expect(failure.kind.rawValue == kind.rawValue)
    #expect(failure.hostFailure?.kind == kind)
    #expect(host.logs.isEmpty)
  }

  @Test("So does a cancellation that comes as the answer of a step")
  func cancelledWhileSuspended() throws {
    let host = MemoryHost()
    let execution = try Workshop(body: "pcall(sleep, '3 days')\nprint('went on')").execution(host: host)
    _ = try execution.begin()
    let failure = try #require(throws: ScriptFailure.self) {
      try execution.resume(.failure(HostFailure(.cancelled, "cancelled by floriane")))
    }
    #expect(failure.kind == .cancelled)
    #expect(host.logs.isEmpty)
  }

  @Test("A failure that the clock can't raise is raised by the next call, or at the end")
  func pendingFailure() throws {
    for rest in ["", "pcall(function () deal.title = 'x' end)"] {
      let host = MemoryHost()
      host.failure = HostFailure(.diverged, "the journal has something else")
      let execution = try Workshop(body: "local t = os.time()\n\(rest)").execution(host: host)
      let failure = try #require(throws: ScriptFailure.self) { try execution.begin() }
      #expect(failure.kind == .diverged)
      #expect(host.records[deal]?["title"] == .text("Coaching"))
    }
  }

  @Test("An error that is the host's own is not shown to the script")
  func hostError() throws {
    struct DiskFull: Error {}
    let host = MemoryHost()
    host.failure = DiskFull()
    let execution = try Workshop(body: "pcall(function () return deal.title end)").execution(host: host)
    #expect(throws: DiskFull.self) { try execution.begin() }
  }

  @Test("A spent budget can't be caught, and is of its own kind")
  func budgets() throws {
    var limits = WorkspaceLimits()
    limits.hostCalls = 20
    limits.memoryMegabytes = 4
    let cases: [(String, ScriptFailure.Kind)] = [
      ("while true do pcall(function () while true do deal.promo = 'x' end end) end", .hostCallLimit),
      ("while true do pcall(function () local t = {} for i = 1, 1e9 do t[i] = i end end) end", .memoryLimit),
      ("while true do pcall(function () while true do end end) end", .instructionLimit),
      ("while true do pcall(function () while true do end end) end", .timeLimit),
    ]
    for (body, kind) in cases {
      limits.instructions = kind == .instructionLimit ? 100_000 : nil
      limits.runTime = kind == .timeLimit ? TimeSpan(milliseconds: 20) : .minutes(10)
      let workshop = try Workshop(body: body)
      let execution = try workshop.execution(host: MemoryHost(), budget: RunBudget(limits: limits))
      let failure = try #require(throws: ScriptFailure.self) { try execution.begin() }
      #expect(failure.kind == kind)
      execution.discard()
      // The states of the ordinary budget are others.
      #expect(workshop.program.automations().problems.isEmpty)
    }
  }

  @Test("A guard of the same file runs while its own reaction is in a call")
  func nested() throws {
    let workshop = try Workshop([
      "scripts/t.lua": """
        local count = 0
        on.enter("Créer documents", function (deal)
          count = count + 1
          deal:move_to("Documents prêts")
          print("reaction", count)
        end)
        on.before_enter("Documents prêts", function (deal) count = count + 1; print("guard", count, deal.title) end)
        """
    ])
    let host = MemoryHost()
    let (declared, _) = workshop.program.automations()
    host.onMove = { deal, _ in
      let guardian = workshop.program.start(
        declared[1], argument: deal, event: .null, host: host, budget: RunBudget(limits: workshop.declaration.limits),
        randomSeed: (3, 4))
      guard case .finished = try guardian.begin() else { throw HostFailure(.misuse, "a guard can't wait") }
      guardian.discard()
    }
    let execution = try workshop.execution(host: host)
    _ = try execution.begin()
    #expect(host.logs == ["guard\t1\tCoaching", "reaction\t1"])
  }

  @Test("The event's data come as the second argument")
  func event() throws {
    let host = MemoryHost()
    let event = Value.object([ValueField("from", .text("Qualifié")), ValueField("at", .instant(host.now))])
    let execution = try Workshop(body: "print(event.from, event.at, event.at.date)").execution(host: host, event: event)
    _ = try execution.begin()
    #expect(host.logs == ["Qualifié\t2026-11-03T09:00:00.000Z\t2026-11-03"])
  }
}
