import CRM
import Foundation
import TestSupport
import Testing

@Suite("deals move, win, lose, reopen")
struct MoveTests {
  @Test("move --json answers the agreed shape after the runs have ended")
  func shape() throws {
    let workspace = try Workspace(.altitude)
    let answer = try workspace.json("deals", "move", "groupe", "Créer documents")
    #expect(
      answer.keys.filter { $0 != "warnings" } == [
        "deal", "from", "to", "stage", "status", "moved", "rejected", "runs",
      ])
    #expect(answer.text("deal") == "groupe" && answer.text("from") == "Proposition")
    #expect(answer.text("to") == "Créer documents" && answer.text("stage") == "Documents prêts")
    #expect(answer.text("status") == "open" && answer["moved"] == .bool(true) && answer["rejected"] == .array([]))
    let run = try #require(answer["runs"]?[0])
    #expect(run.keys == ["id", "automation", "status", "error"])
    #expect(run.text("automation") == "create_documents" && run.text("status") == "succeeded" && run["error"] == .null)
    #expect(try workspace.deal("groupe").text("quote_number") == "D-2026-0001" || run["id"]?.integerValue == 1)
  }

  @Test("ALT-80: a rejection is exit code 3 with every reason, moved: false, and nothing is changed")
  func rejected() throws {
    let workspace = try Workspace(.altitude)
    let before = try workspace.export()
    let outcome = try workspace.run("deals", "move", "promo-fausse", "Créer documents", "--json")
    #expect(outcome.status == 3 && outcome.errors.isEmpty)
    #expect(outcome.json["moved"] == .bool(false) && outcome.json["runs"] == .array([]))
    #expect(outcome.json["rejected"]?.texts.count == 1 && outcome.json.text("stage") == "Proposition")
    let words = try workspace.run("deals", "move", "tout-manque", "Créer documents")
    #expect(words.status == 3 && words.out == "deal tout-manque stays: Proposition, open\n")
    #expect(words.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("rejected: ") })
    #expect(words.errors.split(separator: "\n").count > 2)
    #expect(try workspace.export() == before)
  }

  @Test("a run that failed is exit code 1; the deal has moved, and the other runs went on")
  func failedRun() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "a": #"on.enter("Proposition", function (deal) error("no paper left") end)"#,
      "b": #"on.enter("Proposition", function (deal) deal:add_note("b was here") end)"#,
    ])
    let outcome = try workspace.run("deals", "move", "d1", "Proposition", "--json")
    #expect(outcome.status == 1 && outcome.json["moved"] == .bool(true))
    #expect(outcome.json["runs"]?.all("status") == ["failed", "succeeded"])
    #expect(outcome.json["runs"]?[0].text("error") == "scripts/a.lua:1: no paper left")
    #expect(try workspace.deal("d1")["notes"]?.all("text") == ["b was here"])
  }

  @Test("runs that wait or are tried again later are told as waiting and retrying, without waiting for them")
  func parked() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "a": #"on.enter("Proposition", function (deal) wait(deal:becomes("won"), "60 days") end)"#
    ])
    let outcome = try workspace.run("deals", "move", "d1", "Proposition", "--json")
    #expect(outcome.status == 0 && outcome.json["runs"]?.all("status") == ["waiting"], "\(outcome)")
  }

  @Test(
    "ALT-04: accents, case, apostrophes and blanks of a stage's name don't count",
    arguments: [
      "Créer documents", "creer documents", "CRÉER DOCUMENTS", "Cre\u{301}er documents", "créer  documents ",
    ])
  func stageNames(name: String) throws {
    let workspace = try Workspace(.altitude)
    #expect(try workspace.json("deals", "move", "groupe", name)["moved"] == .bool(true))
  }

  @Test("ALT-05, ALT-06: an unknown stage lists the known ones; the present stage is nothing to do")
  func otherStages() throws {
    let workspace = try Workspace.withDeal()
    let outcome = try workspace.run("deals", "move", "d1", "Confirme!")
    #expect(outcome.status == 1 && outcome.out.isEmpty)
    #expect(
      outcome.errors == """
        error: there is no stage "Confirme!"; the stages are "Qualifié", "Proposition", "Confirmé"

        """)
    let again = try workspace.json("deals", "move", "d1", "qualifie")
    #expect(again["moved"] == .bool(false) && again["rejected"] == .array([]) && again["runs"] == .array([]))
    #expect(try workspace.did("deals", "move", "d1", "qualifie").out == "nothing to do: deal d1 is in Qualifié, open\n")
  }

  @Test("--from moves a deal only from that stage")
  func from() throws {
    let workspace = try Workspace.withDeal()
    let elsewhere = try workspace.run("deals", "move", "d1", "Confirmé", "--from", "proposition", "--json")
    #expect(elsewhere.status == 1 && elsewhere.json["moved"] == .bool(false), "\(elsewhere)")
    #expect(try workspace.deal("d1").text("stage") == "Qualifié")
    #expect(try workspace.json("deals", "move", "d1", "Confirmé", "--from", "qualifie")["moved"] == .bool(true))
    #expect(try workspace.run("deals", "move", "d1", "Qualifié", "--from", "nowhere").status == 1)
  }

  @Test("ALT-139: won leaves the pipe, lost stays in it; a closed deal does not move until it is reopened")
  func closing() throws {
    let workspace = try Workspace.withDeal()
    #expect(try workspace.json("deals", "win", "d1").text("status") == "won")
    #expect(try workspace.deal("d1")["archived"] == .bool(true))
    #expect(try workspace.json("deals", "list") == .array([]))
    #expect(try workspace.json("deals", "list", "--archived").all("key") == ["d1"])
    for arguments in [["deals", "move", "d1", "Confirmé"], ["deals", "lose", "d1"]] {
      let outcome = try workspace.run(arguments)
      #expect(outcome.status == 1 && outcome.errors.contains("reopen"), "\(outcome)")
    }
    #expect(try workspace.json("deals", "reopen", "d1").text("status") == "open")
    #expect(try workspace.deal("d1")["archived"] == .bool(false))
    #expect(try workspace.json("deals", "lose", "d1").text("status") == "lost")
    #expect(try workspace.json("deals", "list", "--status", "lost").all("key") == ["d1"])
    #expect(try workspace.json("deals", "list", "--status", "perdu").all("key") == ["d1"])
  }

  @Test(
    "--dry-run of a move and of a run tells what would happen and changes nothing",
    arguments: [
      ["deals", "move", "groupe", "Créer documents"], ["deals", "win", "groupe"], ["deals", "lose", "groupe"],
      ["run", "thank_referrer", "--deal", "groupe"], ["run", "create_documents", "--deal", "groupe"],
    ])
  func dryRun(arguments: [String]) throws {
    let workspace = try Workspace(.altitude)
    let before = (try workspace.export(), try workspace.deal("groupe"))
    let words = try workspace.run(arguments + ["--dry-run"])
    #expect(words.status == 0 && words.lines.allSatisfy { $0.hasPrefix("would: ") || $0.hasPrefix("       ") } && !words.lines.isEmpty, "\(words)")
    let json = try workspace.run(arguments + ["--dry-run", "--json"])
    #expect(json.status == 0 && json.errors.isEmpty && !json.json.keys.isEmpty, "\(json)")
    #expect(try workspace.export() == before.0)
    #expect(try workspace.deal("groupe") == before.1)
    #expect(try workspace.json("runs", "list") == .array([]))
  }

  @Test("--dry-run of what a guard rejects is exit code 3, of what fails exit code 1")
  func dryRunRefused() throws {
    let workspace = try Workspace(.altitude)
    let outcome = try workspace.run("deals", "move", "promo-fausse", "Créer documents", "--dry-run")
    #expect(outcome.status == 3 && outcome.errors.hasPrefix("would be rejected: "), "\(outcome)")
    let broken = try Workspace.withDeal(scripts: ["a": "on.enter('Proposition', function (deal) error('no') end)"])
    let failing = try broken.run("deals", "move", "d1", "Proposition", "--dry-run")
    #expect(failing.status == 1 && failing.errors.contains("would fail: scripts/a.lua:1: no"), "\(failing)")
    #expect(try broken.deal("d1").text("stage") == "Qualifié")
  }

  @Test("--as says who acts, and the history keeps it; without it, it is the system account")
  func actors() throws {
    let workspace = try Workspace(.altitude)
    try workspace.did("deals", "move", "groupe", "Qualifié", "--as", "HUGO@altitude.example")
    try workspace.did("deals", "set", "groupe", "place=Lyon", "--as", "ines@altitude.example")
    try workspace.did("deals", "note", "groupe", "hello")
    let history = try workspace.json("deals", "show", "groupe", "--history")
    #expect(history[0].keys == ["at", "by", "run", "changes"])
    #expect(history[0]["changes"]?[0].keys == ["field", "from", "to"])
    #expect(history.all("by").suffix(2) == ["user:hugo@altitude.example", "user:ines@altitude.example"])
    #expect(try workspace.did("deals", "show", "groupe", "--history").out.contains("Floriane Baillon"))
    let unknown = try workspace.run("deals", "set", "groupe", "place=Paris", "--as", "nelly@altitude.example")
    #expect(unknown.status == 1 && unknown.errors.contains("the users are floriane@altitude.example, hugo@altitude"))
    #expect(try workspace.deal("groupe").text("place") == "Lyon")
  }

  @Test("ALT-06: the same move by many processes at once happens once")
  func atOnce() throws {
    let workspace = try Workspace(.altitude)
    let movers = try (0..<6).map { _ in try workspace.start("deals", "move", "groupe", "Créer documents", "--json") }
    let outcomes = movers.map { $0.wait() }
    #expect(outcomes.allSatisfy { $0.status == 0 }, "\(outcomes)")
    // create_documents takes the deal on to "Documents prêts", so a later one may enter the stage again, in turn.
    let deal = try workspace.deal("groupe")
    let entered = outcomes.filter { $0.json["moved"] == .bool(true) }.count
    #expect(entered >= 1 && deal["runs"]?.arrayValue?.count == entered)
    #expect(deal["quotes"]?.all("status").filter { $0 == "draft" }.count == 1, "ALT-10: one live quote")

    let plain = try Workspace.withDeal(scripts: ["a": "on.enter('Confirmé', function (deal) deal:add_note('in') end)"])
    let racers = try (0..<6).map { _ in try plain.start("deals", "move", "d1", "Confirmé", "--json") }
    let answers = racers.map { $0.wait() }
    #expect(answers.allSatisfy { $0.status == 0 }, "\(answers)")
    #expect(answers.filter { $0.json["moved"] == .bool(true) }.count == 1)
    #expect(try plain.deal("d1")["notes"]?.all("text") == ["in"])
  }
}
