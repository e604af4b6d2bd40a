import CRM
import Foundation
import Store
import TestSupport
import Testing

@Suite("run, runs, work, automations, check, test")
struct RunsTests {
  private static let runKeys = [
    "id", "automation", "status", "error", "deal", "warnings", "attempts", "due_at", "created_at", "finished_at",
  ]

  @Test("run executes an automation on demand; an unknown one lists the known ones")
  func demand() throws {
    let workspace = try Workspace(.altitude)
    let answer = try workspace.json("run", "pin_brief", "--deal", "groupe")
    #expect(answer["runs"]?.all("automation") == ["pin_brief"] && answer["runs"]?.all("status") == ["succeeded"])
    #expect(try workspace.deal("groupe")["notes"]?[0]["pinned"] == .bool(true))
    #expect(try workspace.did("run", "pin_brief", "--deal", "coaching").out == "  run 2 pin_brief: succeeded\n")
    let unknown = try workspace.run("run", "pin_breif", "--deal", "groupe")
    #expect(
      unknown.status == 1 && unknown.errors.contains("pin_brief") && unknown.errors.contains("won_card"), "\(unknown)")
    #expect(try workspace.run("run", "pin_brief", "--deal", "nothing").errors.contains("there is no deal \"nothing\""))
  }

  @Test("runs list and show have stable keys; list filters by status, automation, deal and number")
  func listAndShow() throws {
    let workspace = try Workspace(.altitude)
    try workspace.did("deals", "move", "groupe", "Créer documents")
    try workspace.did("deals", "win", "coaching")
    let list = try workspace.json("runs", "list")
    #expect(
      list.all("automation") == ["won_card", "thank_referrer", "end_of_training_documents", "create_documents"])
    #expect(list[0].keys == Self.runKeys && list[0].text("deal") == "coaching")
    #expect(try workspace.json("runs", "list", "--deal", "groupe").all("automation") == ["create_documents"])
    #expect(try workspace.json("runs", "list", "--automation", "won_card").all("deal") == ["coaching"])
    #expect(try workspace.json("runs", "list", "--limit", "1").arrayValue?.count == 1)
    #expect(try workspace.json("runs", "list", "--status", "failed", "--status", "queued") == .array([]))
    #expect(try workspace.run("runs", "list", "--status", "failed").errors == "no runs\n")
    let run = try workspace.json("runs", "show", "1")
    #expect(run.keys == Self.runKeys + ["file", "path", "event", "caused_by", "fault", "steps", "printed"])
    #expect(run.text("file") == "scripts/create_documents.lua" && run.text("event") == "deal.moved")
    #expect(
      try workspace.did("runs", "show", "1").out.hasPrefix(
        "run 1: create_documents (scripts/create_documents.lua), succeeded\n"))
    #expect(
      try workspace.run("runs", "show", "99").errors
        == "error: there is no run 99; list them with: coulisse runs list\n")
  }

  @Test("a failed run tells script, line, source line and what to do; mended, retry completes it")
  func retry() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "greet": """
      -- Greets.
      on.enter("Proposition", function (deal)
        deal:add_note("first")
        deal:add_note(nobody.name)
      end)
      """
    ])
    #expect(try workspace.run("deals", "move", "d1", "Proposition").status == 1)
    #expect(try workspace.deal("d1")["notes"] == nil, "the segment is undone as a whole")
    let shown = try workspace.did("runs", "show", "1").out
    #expect(!shown.contains("  did "), "what was undone was not done: \(shown)")
    for part in ["scripts/greet.lua:4:", "deal:add_note(nobody.name)", "coulisse runs retry 1"] {
      #expect(shown.contains(part))
    }
    #expect(try workspace.json("runs", "show", "1")["fault"]?["line"] == .integer(4))
    #expect(try workspace.run("doctor").status == 1)
    try workspace.edit("scripts/greet.lua") { $0.replacingOccurrences(of: "nobody.name", with: "deal.title") }
    #expect(try workspace.run("runs", "retry", "1", "--same-script").status == 1)
    let outcome = try workspace.run("runs", "retry", "1", "--json")
    #expect(outcome.status == 0 && outcome.json["runs"]?.all("status") == ["succeeded"], "\(outcome)")
    #expect(try workspace.deal("d1")["notes"]?.all("text") == ["first", "EDLC pour ACME"])
    #expect(try workspace.did("doctor").out.hasSuffix("nothing to mend\n"))
    let again = try workspace.run("runs", "retry", "1")
    #expect(again.status == 1 && again.errors.contains("succeeded"), "\(again)")
  }

  @Test("a schedule is listed with its next time, checked, runs without a deal, and runs late after a downtime")
  func schedule() throws {
    let script = """
      -- Every minute of interest.
      on.schedule({ every = "year", on = "01-02", at = "08:00" }, function (event)
        crm.deal("d1"):add_note("missed " .. event.missed)
      end)
      """
    let workspace = try Workspace.withDeal(scripts: ["yearly": script])
    let listed = try workspace.json("automations")["automations"]?[0]
    #expect(listed?["trigger"] == .string("schedule every year on 01-02 at 08:00"))
    #expect(listed?.text("next")?.hasSuffix("-01-02T07:00:00.000Z") == true)
    #expect(try workspace.did("automations").out.contains("-01-02 08:00  scripts/yearly.lua:2"))
    #expect(try workspace.did("run", "yearly").out == "  run 1 yearly: succeeded\n")
    let refused = try workspace.run("run", "yearly", "--deal", "d1")
    #expect(refused.status == 1 && refused.errors.contains("leave --deal out"), "\(refused)")
    // The engine sees it, is away for some years as the database has it, and comes back.
    try workspace.did("work", "--until-idle")
    let store = try Store(path: workspace.path("coulisse.db"))
    try store.write { tx in
      var row = try #require(try tx.schedules().first)
      row.dueAt = try Instant(parsing: "2020-01-02T07:00:00Z")
      row.settledAt = try Instant(parsing: "2019-06-01T00:00:00Z")
      try tx.write(row)
    }
    try store.close()
    let doctor = try workspace.run("doctor")
    #expect(doctor.status == 1, "\(doctor)")
    #expect(doctor.out.contains("1 scheduled automation due, the first is yearly, and no engine is at work"), "\(doctor)")
    try workspace.did("work", "--until-idle")
    #expect(try workspace.deal("d1")["notes"]?.all("text").count == 2)
    try workspace.write("scripts/yearly.lua", script.replacingOccurrences(of: "01-02", with: "02.01."))
    let check = try workspace.run("check")
    #expect(check.status == 1 && check.out.contains("scripts/yearly.lua:2: on.schedule: on: expected month and day"), "\(check)")
  }

  @Test("cancel ends a run that waits, and it does not wake up any more")
  func cancel() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "a": #"on.enter("Proposition", function (deal) wait(deal:becomes("won"), "60 days") deal:add_note("woken") end)"#
    ])
    try workspace.did("deals", "move", "d1", "Proposition")
    #expect(try workspace.json("runs", "cancel", "1")["runs"]?.all("status") == ["cancelled"])
    try workspace.did("deals", "win", "d1")
    try workspace.did("work", "--until-idle")
    #expect(try workspace.deal("d1")["notes"] == nil)
    let again = try workspace.run("runs", "cancel", "1")
    #expect(again.status == 0 && again.out.contains("cancelled"), "once more is no fault: \(again)")
    #expect(try workspace.run("runs", "cancel", "7").status == 1)
  }

  @Test("a run that waits is woken by the event, in the command that causes it or in work --until-idle")
  func wake() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "a": #"on.enter("Proposition", function (deal) wait(deal:becomes("won"), "60 days") deal:add_note("woken") end)"#
    ])
    try workspace.did("deals", "move", "d1", "Proposition")
    #expect(try workspace.json("runs", "list")[0].text("due_at") != nil)
    try workspace.did("deals", "win", "d1")
    #expect(try workspace.did("work", "--until-idle").out.isEmpty)
    #expect(try workspace.json("runs", "list").all("status") == ["succeeded"])
    #expect(try workspace.deal("d1")["notes"]?.all("text") == ["woken"])
  }

  @Test("automations: name, trigger, place, first line, last run; files that do not load with the reason")
  func automations() throws {
    let workspace = try Workspace(.altitude)
    try workspace.did("deals", "win", "groupe")
    try workspace.write("scripts/broken.lua", "on.enter('Confirmé', function (deal)\n  deal.place = = 1\nend)")
    let json = try workspace.run("automations", "--json").json
    #expect(json.keys == ["automations", "problems"])
    #expect(json["automations"]?[0].keys == ["name", "trigger", "guard", "file", "line", "summary", "last_run", "next"])
    #expect(
      json["automations"]?.all("name") == [
        "check_before_won", "check_quote_data", "check_training_data", "checklist_before_sending",
        "checklist_before_won", "create_documents", "end_of_training_documents", "notify_failure",
        "pending_signatures", "pin_brief", "check_papers", "send_for_signature", "sync_products", "thank_referrer",
        "validate_promo", "won_card",
      ])
    let thanks = json["automations"]?.arrayValue?.first { $0.text("name") == "thank_referrer" }
    #expect(thanks?["last_run"]?.text("status") == "succeeded")
    #expect(json["problems"]?[0].keys == ["file", "line", "message"] && json["problems"]?[0]["line"] == .integer(2))
    let words = try workspace.run("automations")
    #expect(words.status == 0 && words.out.contains("before_enter \"Créer documents\""))
    #expect(words.errors.contains("broken: scripts/broken.lua:2:"))
  }

  @Test("check names file and line of syntax errors, unknown names and stages, each once; exit code 1 for errors")
  func check() throws {
    let workspace = try Workspace(scripts: [
      "a": "on.enter('Confirmé', function (deal)\n  prinnt(deal.title)\n  total = 1\nend)",
      "b": "on.enter('Confirme', function (deal)\n  if deal:is_open( then\nend)",
      "c": "on.enter('Propposition', function (deal) end)",
      "d": "on.enter('Proposition', function (deal)\n  deal:move_to('Confirmmé')\nend)",
      "lib/e": "local m = {}\nreturn m +",
      "d_test": "describe('d', function ()\n  it('x', function () expct(1) end)\nend)",
    ])
    let outcome = try workspace.run("check")
    #expect(outcome.status == 1)
    for line in [
      "scripts/a.lua:2: 'prinnt' is neither a local nor known; did you mean 'print'?",
      "scripts/a.lua:3: 'total' becomes a global here; write local before it",
      "scripts/b.lua:2: unexpected symbol near 'then'",
      "warning: scripts/d.lua:2: there is no stage \"Confirmmé\"; did you mean \"Confirmé\"?",
      "scripts/d_test.lua:2: 'expct' is neither a local nor known; did you mean 'expect'?",
    ] { #expect(outcome.lines.contains(line), "\(line) is not in \(outcome)") }
    #expect(outcome.lines.filter { $0.contains("scripts/c.lua:1:") }.count == 1, "\(outcome)")
    #expect(outcome.lines.filter { $0.contains("scripts/lib/e.lua:2:") }.count == 1, "\(outcome)")
    let json = try workspace.run("check", "--json")
    #expect(json.status == 1 && json.errors.isEmpty && json.json.keys == ["problems"])
    #expect(json.json["problems"]?[0].keys == ["weight", "file", "line", "message"])
    #expect(json.json["problems"]?.arrayValue?.count == outcome.lines.count)
  }

  @Test("the example's own tests pass in the program, in each mode; one file, one name")
  func tests() throws {
    let workspace = try Workspace(.altitude)
    #expect(try workspace.run("test").status == 0)
    #expect(try workspace.run("test", "scripts/validate_promo_test.lua", "--replay", "--unfused").status == 0)
    let json = try workspace.run("test", "validate_promo_test.lua", "--json")
    #expect(json.status == 0 && json.errors.isEmpty && !json.json.keys.isEmpty, "\(json)")
    let unknown = try workspace.run("test", "scripts/nothing_test.lua")
    #expect(
      unknown.status == 1 && unknown.errors.contains("is no test; tests are files in scripts/ that end in _test.lua"))
  }

  @Test("a test that fails is exit code 1 and names test, file and line")
  func failingTest() throws {
    let workspace = try Workspace()
    #expect(try workspace.did("test").out.contains("1 passed, 0 failed"), "the first automation comes with its test")
    try FileManager.default.removeItem(at: workspace.root.appendingPathComponent("scripts/hello_test.lua"))
    #expect(try workspace.run("test").errors.contains("no file in scripts/ ends in _test.lua"))
    try workspace.write(
      "scripts/a_test.lua",
      "describe('sums', function ()\n  it('adds up', function ()\n    expect(1 + 1):to_be(3)\n  end)\nend)")
    let outcome = try workspace.run("test")
    #expect(
      outcome.status == 1 && outcome.out.contains("adds up") && outcome.out.contains("scripts/a_test.lua:3"),
      "\(outcome)")
  }
}
