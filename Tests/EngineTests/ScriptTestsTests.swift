import Engine
import Foundation
import Scripting
import TestSupport
import Testing

/// `coulisse test`: what a test file may do, and what it is told when it is wrong.
@Suite("Script tests")
struct ScriptTestsTests {
  private static let workspace = """
    return {
      seller = { name = "Altitude" },
      pipelines = { { name = "Ventes", stages = { "Qualifié", "Confirmé", "Fini" } } },
      fields = { deal = { { key = "place", label = "Lieu" }, { key = "card_id", label = "Carte" } } },
      services = { board = { lists = { "À démarrer" } } },
    }
    """

  private static let fixtures = """
    return { plain = { title = "Un", stage = "Qualifié", owner = { name = "Ana", email = "ana@x.example" } } }
    """

  /// Executes one test file in a workspace with these scripts.
  private func run(
    _ test: String, scripts: [String: String] = [:], _ options: ScriptTestOptions = ScriptTestOptions()
  ) throws -> ScriptTestReport {
    let folder = try TemporaryFolder()
    try folder.write("workspace.lua", Self.workspace)
    try folder.write("scripts/fixtures.lua", Self.fixtures)
    for (name, text) in scripts { try folder.write("scripts/\(name).lua", text) }
    try folder.write("scripts/t_test.lua", test)
    let workspace = try WorkspaceFolder(folder.url)
    return try ScriptTests.run(folder: workspace, files: workspace.tests(), options: options)
  }

  private func failure(_ test: String, scripts: [String: String] = [:]) throws -> ScriptTestReport.Failure {
    let report = try run("it('t', function ()\n\(test)\nend)", scripts: scripts)
    return try #require(report.suites.first?.cases.first?.failure, "\(report.text)")
  }

  // MARK: Structure

  @Test("blocks nest, before_each runs from the outside in, and the name of a test has all titles")
  func structure() throws {
    let report = try run(
      """
      local trace = ""
      before_each(function () trace = trace .. "a" end)
      describe("outer", function ()
        before_each(function () trace = trace .. "b" end)
        describe("inner", function ()
          before_each(function () trace = trace .. "c" end)
          it("is third", function () expect(trace):to_be("abc") end)
        end)
        it("is second", function () expect(trace):to_be("ab") end)
      end)
      it("is first", function () expect(trace):to_be("a") end)
      """)
    #expect(report.passed, "\(report.text)")
    #expect(report.suites[0].cases.map(\.name) == ["outer › inner › is third", "outer › is second", "is first"])
    #expect(report.summary == "3 passed, 0 failed")
  }

  @Test("no test sees what another did: not its records, not the file's variables, not a service's failures")
  func isolation() throws {
    let body = """
      expect(count):to_be(0)
      count = count + 1
      expect(#crm.deals()):to_be(0)
      local deal = fixture.deal "plain"
      expect(board.create_card(deal, { title = "T", text = "x", list = "À démarrer" }).id).never:to_be_nil()
      board.fails_with("refused", 5)
      """
    let report = try run("local count = 0\nit('one', function () \(body) end)\nit('two', function () \(body) end)")
    #expect(report.passed, "\(report.text)")
    #expect(report.passedCount == 2)
  }

  @Test("the clock starts schedules too: it is set to a date, in the workspace's time zone, and goes on from there")
  func schedules() throws {
    let report = try run(
      """
      local deal
      before_each(function () deal = fixture.deal "plain" end)

      it("runs on the last working day of each month", function ()
        clock.set "2026-11-29 12:00"
        clock.advance "36 hours"
        expect(deal.place):to_be("2026-11-30 0")
        clock.advance "31 days"
        expect(deal.place):to_be("2026-12-31 0")
      end)

      it("runs once for what was missed", function ()
        clock.advance "1 hour"
        clock.set "2026-04-01"
        expect(deal.place):to_be("2026-03-31 2")
        clock.set(date "2026-01-10")
        clock.set(now():plus("1 hour"))
        expect(deal.place):to_be("2026-03-31 2")
      end)

      it("begins when the test begins", function ()
        clock.set "2026-06-01 08:00"
        clock.advance "1 day"
        expect(deal.place):to_be_nil()
        expect(function () clock.set "soon" end):to_fail("expected a date like")
      end)
      """,
      scripts: [
        "monthly": """
        on.schedule({ every = "month", on = "last working day", at = "17:00" }, function (event)
          crm.deals()[1].place = tostring(event.at.date) .. " " .. event.missed
        end)
        """
      ])
    #expect(report.passed, "\(report.text)")
    #expect(report.passedCount == 3)
  }

  @Test("a filter chooses by file and name, accents and case aside")
  func filter() throws {
    let text = "it('Créer', function () end)\nit('autre', function () error('no') end)"
    let report = try run(text, ScriptTestOptions(filter: "creer"))
    #expect(report.summary == "1 passed, 0 failed")
    #expect(try run(text, ScriptTestOptions(filter: "nothing of this name")).suites.isEmpty)
  }

  // MARK: Faults of tests

  @Test(
    "expect says what was expected and what was found, at the test's own line",
    arguments: [
      ("expect(1 + 1):to_be(3)", "expected 3, found 2"),
      ("expect('a\\nb'):to_be(nil)", "expected nil, found \"a\\nb\""),
      ("expect({ 1, x = 'y' }):to_equal { 1, x = 'z' }", "expected { 1, x = \"z\" }, found { 1, x = \"y\" }"),
      ("expect({ 1 }):to_equal { 1, 2 }", "expected { 1, 2 }, found { 1 }"),
      ("expect({ 1, 2 }):to_equal { 1 }", "expected { 1 }, found { 1, 2 }"),
      ("expect('abc'):to_contain('d')", "expected something with \"d\", found \"abc\""),
      ("expect({ 'a' }):to_contain('b')", "expected a list with \"b\", found { \"a\" }"),
      ("expect('abc'):to_match('^b')", "expected text that matches \"^b\", found \"abc\""),
      ("expect(false):to_be_nil()", "expected nil, found false"),
      ("expect(nil):to_be(1)", "expected 1, found nil"),
      ("expect(function () end):to_fail()", "expected an error, found none"),
      ("expect(function () error('x') end):to_fail('y')", "expected an error with \"y\", found"),
      ("expect(1).never:to_be(1)", "expected anything but 1, found 1"),
      ("expect(money('12.50')):to_be('12.51 EUR')", "expected \"12.51 EUR\", found 12.50 EUR"),
      ("expect(1):to_bee(1)", "has no 'to_bee'"), ("expect(1).to_be(1)", "write it with a colon: expect(…):to_be(…)"),
    ])
  func expectations(_ code: String, _ message: String) throws {
    let failure = try failure(code)
    #expect(failure.message.hasPrefix("scripts/t_test.lua:2: "), "\(failure.message)")
    #expect(failure.message.contains(message), "\(failure.message)")
    #expect(failure.line == 2)
    #expect(failure.sourceLine == code)
  }

  @Test("what holds, holds: amounts and dates can be written as text, tables are compared by what is in them")
  func holds() throws {
    let report = try run(
      """
      it("t", function ()
        expect(money("12.50")):to_be("12.50 EUR")
        expect(money("12.50")):to_be(money("12.5"))
        expect(decimal("2")):to_be(2)
        expect(date("2026-11-03")):to_be("2026-11-03")
        expect({ 1, { a = money("1") } }):to_equal { 1, { a = "1.00 EUR" } }
        expect("a+b"):to_contain("+")
        expect(function () error({ code = 1 }) end):to_fail("code = 1")
        expect(nil):to_be_nil()
        expect(1).never:to_be(2)
        expect(today()):to_be("2026-01-05")
      end)
      """)
    #expect(report.passed, "\(report.text)")
  }

  @Test(
    "a slip in a test is told in its own words",
    arguments: [
      ("fixture.deal 'plian'", "scripts/fixtures.lua has no \"plian\"; it has \"plain\""),
      ("fixture.deal { title = 'X', stage = 'Nulle part' }", "Nulle part"),
      ("fixture.deal { titel = 'X' }", "titel"),
      ("move(1, 'Confirmé')", "deal expected"),
      ("move(fixture.deal 'plain', 'Nulle part')", "there is no stage \"Nulle part\""),
      ("board.fails_with('tired')", "there is no fault \"tired\""),
      ("board.fails_with('timeout', 1, { operation = 'x' })", "has no operation \"x\""),
      ("sent.mesages()", "did you mean 'messages'?"),
      ("clock.advance 'soon'", "soon"),
      ("engine.crash_at(0)", "from 1"),
      ("it('inner', function () end)", "can't be called inside a test"),
      ("wait(fixture.deal('plain'):becomes 'won')", "clock.advance"),
      ("run('nobody', fixture.deal 'plain')", "there is no automation \"nobody\""),
      ("while true do end", "used up its time"),
      ("pcall(function () while true do end end)", "used up its time"),
    ])
  func slips(_ code: String, _ message: String) throws {
    let found = try failure(code).message
    #expect(found.contains(message), "\(found)")
  }

  @Test("a file that does not load, and one without a test, fail with their place; fixtures need a test around them")
  func filesThatDoNotLoad() throws {
    let broken = try run("it('t', function ()\n  x = = 1\nend)")
    #expect(broken.failedCount == 1)
    #expect(broken.suites[0].failure?.line == 2)
    #expect(try run("local x = 1").suites[0].failure?.message.contains("has no it") == true)
    let early = try run("fixture.deal 'plain'\nit('t', function () end)")
    #expect(early.suites[0].failure?.message.contains("inside it(…) only") == true, "\(early.text)")
  }

  // MARK: The world

  private static let card = """
    on.enter("Confirmé", function (deal)
      deal.place = "making"
      deal.card_id = board.create_card(deal, { title = deal.title, text = "x", list = "À démarrer" }).id
    end)
    """

  @Test("a crash at any step, in any mode, leaves one card and a finished run", arguments: ShippedScriptsTests.Mode.all)
  func crashes(mode: ShippedScriptsTests.Mode) throws {
    let report = try run(
      """
      it("t", function ()
        local crashed = 0
        for step = 1, 5 do
          local deal = fixture.deal "plain"
          engine.crash_at(step)
          local result = move(deal, "Confirmé")
          if result.crashed then crashed = crashed + 1 end
          expect(result.runs[1].status):to_be("succeeded")
          expect(#deal.cards):to_be(1)
          expect(deal.card_id):to_be(deal.cards[1].card_id)
        end
        expect(#sent.cards()):to_be(5)
        expect(crashed):to_be(\(mode.unfused ? 3 : 1))
      end)
      """, scripts: ["card": Self.card], ScriptTestOptions(replay: mode.replay, unfused: mode.unfused))
    #expect(report.passed, "\(report.text)")
  }

  @Test("a service's lost answer costs nothing but a retry, in any mode", arguments: ShippedScriptsTests.Mode.all)
  func failures(mode: ShippedScriptsTests.Mode) throws {
    let report = try run(
      """
      it("t", function ()
        for _, after in ipairs { false, true } do
          local deal = fixture.deal "plain"
          board.fails_with("timeout", 2, { operation = "create_card", after = after })
          local result = move(deal, "Confirmé")
          expect(result.runs[1].status):to_be("retrying")
          clock.advance "1 hours"
          expect(#deal.cards):to_be(1)
          expect(deal.card_id):to_be(deal.cards[1].card_id)
        end
      end)
      """, scripts: ["card": Self.card], ScriptTestOptions(replay: mode.replay, unfused: mode.unfused))
    #expect(report.passed, "\(report.text)")
  }

  @Test("the clock goes through every moment at which something is due", arguments: ShippedScriptsTests.Mode.all)
  func clock(mode: ShippedScriptsTests.Mode) throws {
    let script = """
      on.enter("Confirmé", function (deal)
        sleep("2 days")
        deal.place = tostring(today())
        local answer = wait(deal:becomes("won"), "60 days")
        deal.place = answer.state .. " " .. tostring(today())
      end)
      """
    let report = try run(
      """
      local deal
      before_each(function ()
        deal = fixture.deal "plain"
        expect(move(deal, "Confirmé").runs[1].status):to_be("waiting")
      end)
      it("steps", function ()
        clock.advance "1 days"
        expect(deal.place):to_be_nil()
        clock.advance "1 days"
        expect(deal.place):to_be("2026-01-07")
        clock.advance "59 days"
        expect(deal.place):to_be("2026-01-07")
        clock.advance "1 days"
        expect(deal.place):to_be("expired 2026-03-08")
      end)
      it("leaps", function ()
        clock.advance "100 days"
        expect(deal.place):to_be("expired 2026-03-08")
        expect(today()):to_be("2026-04-15")
      end)
      it("is overtaken", function ()
        clock.advance "10 days"
        win(deal)
        expect(deal.place):to_be("reached 2026-01-15")
      end)
      """, scripts: ["w": script], ScriptTestOptions(replay: mode.replay, unfused: mode.unfused))
    #expect(report.passed, "\(report.text)")
  }

  @Test("a guard's rejection and a guard that breaks are told apart")
  func guards() throws {
    let scripts = [
      "no": "on.before_enter('Confirmé', function () reject('not %s', 'yet') end)",
      "broken": "on.before_enter('Fini', function (deal) return deal.nothing end)",
    ]
    let report = try run(
      """
      it("t", function ()
        local deal = fixture.deal "plain"
        local result = move(deal, "Confirmé")
        expect(result.moved):to_be(false)
        expect(result.rejected):to_equal { "not yet" }
        expect(result.failure):to_be_nil()
        result = move(deal, "Fini")
        expect(result.moved):to_be(false)
        expect(result.rejected):to_equal {}
        expect(result.failure):to_contain("no field 'nothing'")
        expect(deal.stage.name):to_be("Qualifié")
        expect(function () deal:move_to("Confirmé") end):to_fail("not yet")
      end)
      """, scripts: scripts)
    #expect(report.passed, "\(report.text)")
  }

  @Test("nested records are imported once each; the same fixture twice is two deals of one owner")
  func nesting() throws {
    let report = try run(
      """
      it("t", function ()
        local owner = { key = "o", name = "Oda", email = "oda@x.example" }
        local product = { name = "P", description = "Coaching", price = money("10"), vat_rate = 20 }
        local deal = fixture.deal {
          title = "Zwei", owner = owner, person = { first_name = "Ada", last_name = "B", organization = { name = "C" } },
          lines = { { product = product, quantity = 3 } }, place = "Lyon",
        }
        expect(deal.stage.name):to_be("Qualifié")
        expect(deal.person.organization.name):to_be("C")
        expect(deal.total):to_be("30.00 EUR")
        local second = fixture.deal { title = "Drei", owner = owner, person = deal.person }
        expect(second.owner):to_be(deal.owner)
        expect(second.person):to_be(deal.person)
        expect(fixture.deal("plain", { title = "Vier" }).title):to_be("Vier")
        expect(fixture.deal("plain").id).never:to_be(fixture.deal("plain").id)
      end)
      """)
    #expect(report.passed, "\(report.text)")
  }

  // MARK: Reports

  @Test("the report as text, JSON and JUnit XML names file, test, line and message, and escapes what it must")
  func reports() throws {
    let report = try run(
      "it('a < b', function () end)\nit('c', function ()\n  print('seen')\n  expect('<&\"'):to_be(1)\nend)")
    #expect(report.text.contains("✓ a < b"))
    #expect(report.text.contains("✗ c\n      scripts/t_test.lua:4: expected 1, found"))
    #expect(report.text.contains("| seen"))
    #expect(report.text.hasSuffix("1 passed, 1 failed\n"))
    #expect(report.json["failed"]?.integerValue == 1)
    #expect(report.json["suites"]?.arrayValue?.first?["cases"]?.arrayValue?.last?["failure"]?["line"]?.integerValue == 4)
    #expect(report.junit.contains("<testcase name=\"a &lt; b\" classname=\"scripts/t_test.lua\""))
    #expect(report.junit.contains("found &quot;&lt;&amp;"))
    #expect(throws: Never.self) { try XMLCheck.parse(report.junit) }
  }
}

/// Whether a text is well-formed XML, as far as tags and quotes go: no parser is needed for that.
private enum XMLCheck {
  struct Fault: Error { var text: String }

  static func parse(_ text: String) throws {
    var open: [Substring] = []
    var rest = text[...]
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { throw Fault(text: "a tag without end") }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.contains("<") || tag.count(where: { $0 == "\"" }) % 2 != 0 { throw Fault(text: String(tag)) }
      if tag.hasPrefix("?") || tag.hasSuffix("/") { continue }
      if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst() else { throw Fault(text: String(tag)) }
      } else {
        open.append(tag.prefix { $0 != " " })
      }
    }
    if !open.isEmpty { throw Fault(text: "open: \(open)") }
  }
}
