import CRM
import Testing

@testable import Scripting

@Suite("Automations are declared by the top level of scripts")
struct AutomationTests {
  @Test("Order is the file's name, then the place in the file; names follow the file")
  func order() throws {
    let workshop = try Workshop([
      "scripts/b.lua": "-- Second file.\non.won(function () end)\non.lost(function () end)\non.demand('again', function () end)",
      "scripts/a.lua": "on.enter('Confirmé', function () end, { name = 'brief', while_waiting = 'ignore' })",
      "scripts/lib/helper.lua": "error('a library is loaded only when it is required')",
      "scripts/b_test.lua": "error('tests are no automations')",
      "workspace.lua": "error('this is not a script')",
    ])
    let (declared, problems) = workshop.program.automations()
    #expect(problems.isEmpty)
    #expect(declared.map(\.name) == ["brief", "b", "b#2", "again"])
    #expect(declared.map(\.line) == [1, 2, 3, 4])
    #expect(declared.map(\.index) == [0, 0, 1, 2])
    #expect(declared[0].trigger == .enter(stage: "Confirmé"))
    #expect(declared[0].whileWaiting == .ignore)
    #expect(declared[0].summary == nil)
    #expect(declared[1].summary == "Second file.")
    #expect(declared[1].whileWaiting == .replace)
  }

  @Test("Where Lua's words for a slip say little, a hint says what to do", arguments: [
    ("local x = 1 if x = 1 then end", "to compare, write =="), ("local x = 1 if x != 1 then end", "written ~="),
    ("print(“x”)", "straight quotes"), ("local été = 1", "without accents"),
    ("on.won(function (deal)\n  if deal then\nend)", "\"end\" may be missing"),
    ("on.won(function (deal)", "an \"end\" is missing"),
  ])
  func hints(_ text: String, _ hint: String) throws {
    let (_, problems) = try Workshop(["scripts/a.lua": text]).program.automations()
    #expect(problems.count == 1)
    #expect(problems.first?.message.contains(hint) == true, "\(problems)")
    #expect(problems.first?.message.hasPrefix("scripts/a.lua:") == true)
  }

  @Test(
    "Each kind of binding gives its trigger",
    arguments: [
      ("on.before_enter('Confirmé', f)", Trigger.beforeEnter(stage: "Confirmé")),
      ("on.enter('Confirmé', f)", .enter(stage: "Confirmé")), ("on.leave('Confirmé', f)", .leave(stage: "Confirmé")),
      ("on.before_won(f)", .beforeWon), ("on.won(f)", .won), ("on.lost(f)", .lost),
      ("on.event('run.failed', f)", .event("run.failed")), ("on.demand('now', f)", .demand("now")),
    ])
  func triggers(_ text: String, _ trigger: Trigger) throws {
    let declared = try Workshop(["scripts/t.lua": "local function f() end\n" + text]).program.automations().declared
    #expect(declared.map(\.trigger) == [trigger])
    #expect(trigger.isGuard == text.contains("before"))
  }

  @Test("ALT-04: a stage is found by its name without accents, and kept as declared")
  func foldedStage() throws {
    let declared = try Workshop(["scripts/t.lua": "on.enter('creer DOCUMENTS', function () end)"]).program.automations().declared
    #expect(declared.first?.trigger == .enter(stage: "Créer documents"))
  }

  @Test(
    "What is wrong at load is a problem with its line",
    arguments: [
      ("\non.enter('Confirmés là', function () end)", 2, "there is no stage \"Confirmés là\"; the stages are \"Qualifié\", \"Créer documents\""),
      ("on.won(", 1, "unexpected symbol"),
      ("local x = {}\n\nlocal y = x.a.b", 3, "attempt to index a nil value"),
      ("on.won(3)", 1, "bad argument #1 to 'on.won' (function expected, got number)"),
      ("on.won(function () end, { naem = 'x' })", 1, "on.won has the options name, while_waiting; found 'naem'"),
      ("on.won(function () end, { while_waiting = 'queue' })", 1, "while_waiting is \"replace\" or \"ignore\", found \"queue\""),
      ("on.entre('Confirmé', function () end)", 1, "on has no 'entre'; did you mean 'enter'?"),
      ("on.event('deal.eaten', function () end)", 1, "there is no event \"deal.eaten\""),
      ("local d = crm.deal(42)", 1, "inside an automation only"),
      ("require 'lib/nothing'", 1, "there is no scripts/lib/nothing.lua"),
      ("on.won(function () end, {name='x'})\non.lost(function () end, {name='x'})", 2, "has an automation named x already"),
    ])
  func problems(_ text: String, _ line: Int, _ message: String) throws {
    let problem = try #require(try loadProblem(text))
    #expect(problem.line == line, "\(problem)")
    #expect(problem.message.contains(message), "\(problem)")
    #expect(problem.message.hasPrefix("scripts/t.lua:\(line):"), "\(problem)")
  }

  @Test("A file that does not load leaves all others at work")
  func othersGoOn() throws {
    let (declared, problems) = try Workshop([
      "scripts/a.lua": "on.won(", "scripts/b.lua": "on.won(function () end)", "scripts/c.lua": "on.won(function () end, { name = 'b' })",
    ]).program.automations()
    #expect(declared.map(\.name) == ["b"])
    #expect(problems.map(\.file) == ["scripts/a.lua", "scripts/c.lua"])
    #expect(problems.last?.message.contains("scripts/b.lua has an automation named b already") == true)
  }

  @Test("Libraries are shared by require, once a state, and bind nothing themselves")
  func libraries() throws {
    let workshop = try Workshop([
      "scripts/a.lua": "local l = require 'lib/l'\nlocal m = require 'lib/l'\non.demand('t', function () print(l.double(4), l == m) end)",
      "scripts/lib/l.lua": "return { double = function (n) return n * 2 end }",
    ])
    let host = MemoryHost()
    let execution = try workshop.execution(host: host)
    _ = try execution.begin()
    #expect(host.logs == ["8\ttrue"])

    let problem = try #require(
      try Workshop(["scripts/a.lua": "require 'lib/l'", "scripts/lib/l.lua": "on.won(function () end)"]).program
        .automations().problems.first)
    #expect(problem.message.contains("on.won belongs in a script of its own"))
  }

  @Test("A library is looked for among the scripts only", arguments: ["../workspace", "/etc/passwd", "lib/../../x", ""])
  func requireStaysInside(_ name: String) throws {
    let message = try complaint("require '\(name)'")
    #expect(message.contains("there is no scripts/\(name).lua"))
  }

  @Test("Binding a function while an automation runs is an error")
  func bindingLate() throws {
    #expect(try complaint("on.won(function () end)").contains("on.won is for the top of a script"))
  }

  @Test("The hash of the sources depends on each path and each text, and not on their order")
  func hash() {
    func hash(_ files: [(String, String)]) -> String {
      ScriptSources(files: files.map { ScriptFile(path: $0.0, text: $0.1) }).hash
    }
    let base = hash([("a", "1"), ("b", "2")])
    #expect(base.count == 64)
    #expect(base == hash([("b", "2"), ("a", "1")]))
    #expect(base != hash([("a", "2"), ("b", "1")]))
    #expect(base != hash([("a", "1b2"), ("", "")]))
    #expect(base != hash([("a", "1")]))
  }
}
