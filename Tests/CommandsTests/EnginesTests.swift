import CRM
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Two processes, one workspace")
struct EnginesTests {
  /// Waits for a state of the world, not for a time; gives up only so that a broken program ends the test.
  private func until(_ what: String, _ condition: () throws -> Bool) throws {
    for _ in 0..<60_000 {
      if try condition() { return }
      usleep(1_000)
    }
    Issue.record("it never came to this: \(what)")
  }

  private func engine(_ workspace: Workspace) throws -> Running {
    let engine = try workspace.start("work")
    try until("the engine listens") { workspace.exists(".coulisse/engine.sock") || engine.hasEnded }
    try #require(!engine.hasEnded, "\(engine.soFar)")
    return engine
  }

  /// The run that the holder of the workspace has in hand; 0 for none. The first word of the mapped file.
  private func runInHand(_ workspace: Workspace) -> Int64 {
    guard let data = FileManager.default.contents(atPath: workspace.path(".coulisse/run-in-hand")), data.count >= 8
    else { return 0 }
    return data.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
  }

  /// More than 5 ms, after which a group of segments is committed: so the next run begins in a commit of its own.
  private static let longerThanAGroup = "local n = 0 for i = 1, 5000000 do n = n + i % 7 end"
  /// Some hundred milliseconds, long enough to be met at work.
  private static let slow = "local n = 0 for i = 1, 60000000 do n = n + i % 7 end"

  @Test("a command line finds the engine that works, which executes its move, and other commands go on beside it")
  func socket() throws {
    let workspace = try Workspace(.altitude)
    let engine = try engine(workspace)
    let answer = try workspace.json("deals", "move", "groupe", "Créer documents")
    #expect(answer["runs"]?.all("status") == ["succeeded"] && answer.text("stage") == "Documents prêts")
    let rejected = try workspace.run("deals", "move", "promo-fausse", "Créer documents")
    #expect(rejected.status == 3 && rejected.errors.hasPrefix("rejected: "))
    let unknown = try workspace.run("deals", "move", "nobody", "Créer documents")
    #expect(
      unknown.status == 1
        && unknown.errors == "error: there is no deal \"nobody\"; list them with: coulisse deals list\n")
    try workspace.did("deals", "set", "promo-fausse", "promo=[EDLC_001]")
    #expect(try workspace.json("deals", "move", "promo-fausse", "Créer documents")["moved"] == .bool(true))
    #expect(try workspace.json("run", "pin_brief", "--deal", "groupe")["runs"]?.all("status") == ["succeeded"])
    #expect(try workspace.did("doctor").out.contains("engine: one is at work\n"))
    #expect(try workspace.did("work", "--until-idle").errors.isEmpty, "it asks the engine that is there")
    #expect(!engine.hasEnded)
  }

  @Test(
    "a second engine is refused clearly; when the first has ended, by whatever signal, another takes its place",
    arguments: [SIGINT, SIGTERM, SIGKILL])
  func second(signal: Int32) throws {
    let workspace = try Workspace.withDeal()
    let first = try engine(workspace)
    let second = try workspace.run("work")
    #expect(
      second.status == 1
        && second.errors == "error: another engine works on this workspace already; end it first, or use it\n")
    first.send(signal)
    _ = first.wait()
    #expect(try workspace.json("deals", "move", "d1", "Confirmé")["moved"] == .bool(true), "nobody is in its way")
    let third = try workspace.start("work")
    try until("a third engine answers") { try workspace.did("doctor").out.contains("one is at work") || third.hasEnded }
    #expect(!third.hasEnded)
  }

  @Test("scripts that are edited while the engine works are the ones that the next move finds")
  func editedScripts() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "a": "on.enter('Proposition', function (deal) deal:add_note('old') end)"
    ])
    let engine = try engine(workspace)
    try workspace.did("deals", "move", "d1", "Proposition")
    try workspace.write("scripts/a.lua", "on.enter('Confirmé', function (deal) deal:add_note('new') end)")
    try workspace.did("deals", "move", "d1", "Confirmé")
    let notes = try workspace.deal("d1")["notes"]?.all("text")
    #expect(notes == ["old", "new"])
    #expect(!engine.hasEnded)
  }

  @Test(
    "the holder is killed while it executes: the command line takes over, and all is there once", arguments: [1, 2])
  func killedHolder(run: Int64) throws {
    // Run 1 is in the transition's own commit, which the kill undoes; run 2 comes after a commit that stays.
    let bodies = run == 1 ? [Self.slow, ""] : [Self.longerThanAGroup, Self.slow]
    let workspace = try Workspace.withDeal(
      scripts: [
        "a": "on.enter('Proposition', function (deal) \(bodies[0]) deal:add_note('a') end)",
        "b": "on.enter('Proposition', function (deal) deal:add_note('b1') \(bodies[1]) deal:add_note('b2') end)",
      ], limits: "{ run_time = \"100 seconds\" }")
    let holder = try engine(workspace)
    let mover = try workspace.start("deals", "move", "d1", "Proposition", "--json")
    try until("the holder has run \(run) in hand") { runInHand(workspace) == run || mover.hasEnded }
    try #require(!mover.hasEnded, "\(mover.soFar)")
    holder.send(SIGKILL)
    #expect(holder.wait().status == 128 + SIGKILL)
    let outcome = mover.wait()
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(outcome.json["moved"] == .bool(true), "\(outcome)")
    #expect(outcome.json.text("from") == "Qualifié" && outcome.json.text("to") == "Proposition", "\(outcome)")
    #expect(outcome.json["runs"]?.all("status") == ["succeeded", "succeeded"], "\(outcome)")
    let deal = try workspace.deal("d1")
    #expect(deal["notes"]?.all("text") == ["a", "b1", "b2"])
    #expect(deal["runs"]?.arrayValue?.count == 2)
    let moves = try workspace.json("deals", "show", "d1", "--history").arrayValue?.filter {
      $0["changes"]?.all("field").contains("stage") == true && $0["changes"]?[0]["from"] != .null
    }
    #expect(moves?.count == 1)
  }

  @Test("a command line is killed while it executes: work --until-idle completes what it left")
  func killedCommand() throws {
    let workspace = try Workspace.withDeal(
      scripts: [
        "a": "on.enter('Proposition', function (deal) \(Self.longerThanAGroup) deal:add_note('a') end)",
        "b": "on.enter('Proposition', function (deal) \(Self.slow) deal:add_note('b') end)",
      ], limits: "{ run_time = \"100 seconds\" }")
    let mover = try workspace.start("deals", "move", "d1", "Proposition", "--json")
    try until("run 2 is in hand") { runInHand(workspace) == 2 || mover.hasEnded }
    mover.send(SIGKILL)
    #expect(mover.wait().status == 128 + SIGKILL)
    #expect(try workspace.deal("d1").text("stage") == "Proposition", "the commit stays")
    let doctor = try workspace.run("doctor")
    #expect(
      doctor.status == 1 && doctor.out.contains("no engine is at work")
        && doctor.out.contains("coulisse work --until-idle"))
    try workspace.did("work", "--until-idle")
    #expect(try workspace.deal("d1")["notes"]?.all("text") == ["a", "b"])
    #expect(try workspace.did("doctor").out.hasSuffix("nothing to mend\n"))
  }

  @Test(
    "many command lines on different deals, with an engine and without: each deal moves once, quote numbers have no gap",
    arguments: [true, false])
  func crowd(withEngine: Bool) throws {
    let workspace = try Workspace(.altitude)
    let engine = withEngine ? try engine(workspace) : nil
    let keys = [
      "coaching", "groupe", "habitat-edlc", "vasseur-bilan", "clinique-poste", "verdier-parole", "kone-bilan",
      "novatech-eic",
    ]
    let movers = try keys.map { try workspace.start("deals", "move", $0, "Créer documents", "--json") }
    let outcomes = movers.map { $0.wait() }
    let moved = outcomes.filter { $0.status == 0 && $0.json["moved"] == .bool(true) }.count
    #expect(moved > 4 && outcomes.allSatisfy { $0.status == 0 || $0.status == 3 }, "\(outcomes)")
    let numbers = try keys.compactMap { try workspace.deal($0).text("quote_number") }.map { Int($0.suffix(4)) ?? 0 }
      .sorted()
    #expect(numbers == Array(1...moved))
    #expect(engine?.hasEnded != true)
  }
}
