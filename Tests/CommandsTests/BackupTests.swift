import CRM
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("backup and restore")
struct BackupTests {
  private func names(beside workspace: Workspace) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: workspace.root.deletingLastPathComponent().path)
  }

  @Test("a backup that holds a link is refused, and nothing of it is left: it could lead into another place")
  func links() throws {
    let workspace = try Workspace(.altitude)
    let outcome = try workspace.shell(
      """
      "$coulisse" backup b.tar > /dev/null && mkdir t && tar -xf b.tar -C t && ln -s /etc/passwd t/scripts/evil.lua &&
      tar -cf evil.tar -C t coulisse.db workspace.lua scripts templates && "$coulisse" restore evil.tar --into r
      """)
    #expect(outcome.status == 1 && outcome.errors.contains("scripts/evil.lua is neither a file nor a folder"), "\(outcome)")
    #expect(!workspace.exists("r"))
  }

  @Test("a backup restored elsewhere is the same workspace; a document corrected by hand is told of")
  func roundTrip() throws {
    let workspace = try SentPapers.workspace()
    let path = "drive/" + (try workspace.json("documents", "show", "1").text("path") ?? "")
    try workspace.edit(path) { $0 + "<!-- corrected -->" }
    let backup = try workspace.json("backup", "../b.tar")
    #expect(backup.keys == ["file", "bytes", "documents", "emails", "missing", "corrected"])
    #expect(backup["documents"] == .integer(5) && backup["missing"] == .array([]))
    #expect(try workspace.run("backup", "../b.tar").errors.contains("is there already"))
    try workspace.did("backup", "../b.tar", "--force")
    let restored = try workspace.json("restore", "../b.tar", "--into", "../new")
    #expect(restored.keys == ["workspace", "previous", "documents", "emails", "missing", "corrected"])
    #expect(restored["corrected"]?.all("url") == ["coulisse://documents/1"] && restored["previous"] == .null)
    #expect(try workspace.did("export", "--workspace", "../new").out == workspace.export())
    #expect(try workspace.did("signatures", "sign", "1", "--workspace", "../new").out.contains("succeeded"))
    #expect(try names(beside: workspace).sorted() == ["b.tar", "new", "shop"])
  }

  @Test("restore takes a workspace's place only with --force, keeps it beside, and leaves other files where they are")
  func inPlace() throws {
    let workspace = try Workspace.withDeal()
    try workspace.did("backup", "../b.tar")
    try workspace.did("deals", "set", "d1", "title=Later")
    try workspace.write("my notes.txt", "kept")
    let refused = try workspace.run("restore", "../b.tar")
    #expect(refused.status == 1 && refused.errors.contains("--force") && refused.out.isEmpty)
    let place = try workspace.json("restore", "../b.tar", "--force")
    #expect(try workspace.deal("d1").text("title") == "EDLC pour ACME" && workspace.read("my notes.txt") == "kept")
    let previous = place.text("previous") ?? ""
    #expect(try workspace.did("deals", "show", "d1", "--workspace", previous).out.contains("Later"))
    try workspace.did("deals", "move", "d1", "Proposition")
  }

  @Test("restore over an engine at work is refused, and nothing changes")
  func engineAtWork() throws {
    let workspace = try Workspace.withDeal()
    try workspace.did("backup", "../b.tar")
    let engine = try workspace.start("work")
    while !workspace.exists(".coulisse/engine.sock"), !engine.hasEnded { usleep(1_000) }
    try workspace.did("deals", "set", "d1", "title=Later")
    let outcome = try workspace.run("restore", "../b.tar", "--force")
    #expect(outcome.status == 1 && outcome.errors.contains("an engine works on"), "\(outcome)")
    #expect(try workspace.deal("d1").text("title") == "Later" && !engine.hasEnded)
    #expect(try names(beside: workspace).sorted() == ["b.tar", "shop"])
  }

  @Test("what is no backup, is damaged or lacks files is refused with the reason, and nothing is left behind")
  func badBackups() throws {
    let workspace = try SentPapers.workspace()
    try workspace.write("text.tar", "no archive")
    _ = try workspace.shell("tar cf other.tar workspace.lua")
    let path = "drive/" + (try workspace.json("documents", "show", "1").text("path") ?? "")
    try workspace.remove(path)
    let lacking = try workspace.run("backup", "lacking.tar")
    #expect(lacking.status == 0 && lacking.errors.contains("is missing"), "\(lacking)")
    _ = try workspace.shell("head -c 200000 lacking.tar > cut.tar")
    for (file, reason) in [
      ("nothing.tar", "can't be read"), ("text.tar", "can't be read as a backup"),
      ("other.tar", "it holds no coulisse.db"),
      ("lacking.tar", "lacks files that its database names"), ("cut.tar", "can't be read as a backup"),
    ] {
      let outcome = try workspace.run("restore", file, "--into", "../new")
      #expect(outcome.status == 1 && outcome.errors.contains(reason), "\(file): \(outcome)")
    }
    let taken = try workspace.run("restore", "lacking.tar", "--into", "templates")
    #expect(taken.errors.contains("not empty and no workspace"))
    #expect(try names(beside: workspace) == ["shop"])
    try workspace.did("restore", "lacking.tar", "--into", "../new", "--force")
  }

  @Test("a backup while another process moves deals is one state: every row has its file")
  func whileMoving() throws {
    let workspace = try Workspace(.altitude)
    let engine = try workspace.start("work")
    while !workspace.exists(".coulisse/engine.sock"), !engine.hasEnded { usleep(1_000) }
    let deals = ["groupe", "martelet-mixte", "clinique-edlc"]
    let movers = try deals.map { try workspace.start("deals", "move", $0, "Créer documents", "--json") }
    var number = 0
    repeat {
      number += 1
      let backup = try workspace.run("backup", "../b\(number).tar", "--json")
      #expect(backup.status == 0, "\(backup)")
      let restored = try workspace.run("restore", "../b\(number).tar", "--into", "../new\(number)", "--json")
      #expect(restored.status == 0 && restored.json["missing"] == .array([]), "\(restored)")
    } while movers.contains { !$0.hasEnded }
    for mover in movers { _ = mover.wait() }
    // What was under way in it goes on to its end; the engine's log says which that was.
    let work = try workspace.did("work", "--until-idle", "--workspace", "../new1")
    #expect(work.errors.split(separator: "\n").allSatisfy { $0.contains(" info ") && $0.hasSuffix(": succeeded") }, "\(work)")
    let runs = try workspace.json("runs", "list", "--workspace", "../new1").arrayValue ?? []
    #expect(runs.allSatisfy { $0.text("status") == "succeeded" }, "\(runs)")
  }

  @Test("killed at any moment a backup leaves no file of its name, and the next one clears away what was left")
  func killed() throws {
    let workspace = try SentPapers.workspace()
    for pause in stride(from: UInt32(0), to: 200_000, by: 12_500) {
      let backup = try workspace.start("backup", "../b.tar")
      usleep(pause)
      backup.send(SIGKILL)
      let ended = backup.wait()
      let isThere = workspace.exists("../b.tar")
      #expect(isThere || ended.status != 0, "\(ended)")
      if isThere {
        // It was faster, or killed behind its rename: then the file is whole.
        try workspace.did("restore", "../b.tar", "--into", "../whole")
        try workspace.remove("../whole")
        try workspace.remove("../b.tar")
      }
    }
    try workspace.did("backup", "../b.tar")
    #expect(try names(beside: workspace).sorted() == ["b.tar", "shop"])
  }
}
