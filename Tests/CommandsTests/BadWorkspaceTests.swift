import CRM
import Foundation
import Store
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Bad scripts and bad workspaces")
struct BadWorkspaceTests {
  // MARK: Scripts

  @Test(
    "a script with a syntax error: the workspace works, check and automations show it, only moves that need it are refused"
  )
  func syntaxError() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "broken": "on.enter(\"Confirmé\", function (deal)\n  deal.place = = 1\nend)",
      "good": "on.enter('Proposition', function (deal) deal:add_note('good') end)",
    ])
    let refused = try workspace.run("deals", "move", "d1", "Confirmé")
    #expect(refused.status == 1 && refused.out.isEmpty)
    #expect(
      refused.errors
        == "error: a script that this move needs does not load: scripts/broken.lua:2: unexpected symbol near '='\n")
    #expect(try workspace.deal("d1").text("stage") == "Qualifié")
    try workspace.did("deals", "move", "d1", "Proposition")
    #expect(try workspace.deal("d1")["notes"]?.all("text") == ["good"])
    #expect(try workspace.run("check").out == "scripts/broken.lua:2: unexpected symbol near '='\n")
    #expect(try workspace.run("automations").errors == "broken: scripts/broken.lua:2: unexpected symbol near '='\n")
    let doctor = try workspace.run("doctor")
    #expect(doctor.status == 1 && doctor.out.contains("scripts: 1 problem\n"), "\(doctor)")
    #expect(doctor.out.contains("to mend: scripts/broken.lua:2:"))
  }

  @Test(
    "an endless script, one that eats memory, one that calls too much: the run fails with place and limit, the deal has moved"
  )
  func budgets() throws {
    let workspace = try Workspace.withDeal(
      scripts: [
        "endless":
          "on.enter('Proposition', function (deal)\n  while true do pcall(function () while true do end end) end\nend)",
        "hungry":
          "on.enter('Proposition', function (deal)\n  local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end\nend)",
        "chatty": "on.enter('Proposition', function (deal)\n  while true do local t = crm.deal(1) end\nend)",
      ], limits: "{ run_time = \"1 second\", memory = 16, host_calls = 1000 }")
    let outcome = try workspace.run("deals", "move", "d1", "Proposition", "--json")
    #expect(outcome.status == 1 && outcome.json["moved"] == .bool(true))
    #expect(outcome.json["runs"]?.all("automation") == ["chatty", "endless", "hungry"])
    for (run, word) in zip(outcome.json["runs"]?.arrayValue ?? [], ["calls", "time", "memory"]) {
      #expect(
        run.text("error")?.hasPrefix("scripts/\(run.text("automation") ?? "").lua:2: the run ") == true, "\(outcome)")
      #expect(run.text("error")?.contains(word) == true, "\(outcome)")
    }
    #expect(try workspace.did("deals", "list").lines.count == 2)
  }

  @Test(
    "a guard that writes, calls a service or never ends refuses the move, names the guard, and that is exit code 1",
    arguments: [
      ("deal.title = 'x'", "a guard reads and rejects; it can't write deal.title"),
      ("accounting.create_quote(deal)", "a guard reads and rejects"),
      ("deal:move_to('Confirmé')", "a guard reads and rejects"),
      ("deal:add_note('x')", "a guard reads and rejects"), ("while true do end", "time"),
      ("error('no idea')", "scripts/g.lua:1: no idea"),
    ])
  func guards(body: String, reason: String) throws {
    let workspace = try Workspace.withDeal(
      scripts: ["g": "on.before_enter('Proposition', function (deal) \(body) end)"],
      limits: "{ run_time = \"1 second\" }")
    let before = try workspace.export()
    let outcome = try workspace.run("deals", "move", "d1", "Proposition")
    #expect(outcome.status == 1 && outcome.out.isEmpty, "\(outcome)")
    #expect(outcome.errors.hasPrefix("error: the guard g failed, so the deal stays where it is: "), "\(outcome)")
    #expect(outcome.errors.contains(reason), "\(outcome)")
    #expect(try workspace.export() == before)
  }

  @Test("scripts that move a deal in a circle stop, and the message shows the path")
  func circle() throws {
    let workspace = try Workspace.withDeal(scripts: [
      "a": "on.enter('Proposition', function (deal) deal:move_to('Confirmé') end)",
      "b": "on.enter('Confirmé', function (deal) deal:move_to('Proposition') end)",
    ])
    let outcome = try workspace.run("deals", "move", "d1", "Proposition", "--json")
    #expect(outcome.status == 1)
    let errors = (outcome.json["runs"]?.all("error") ?? []).compactMap(\.self)
    #expect(errors.count == 1 && errors.first?.contains("a@deal:1 > b@deal:1 > a@deal:1") == true, "\(outcome)")
  }

  @Test("a script that is no UTF-8, and one with a byte order mark")
  func encodings() throws {
    let workspace = try Workspace.withDeal(scripts: ["a": ""])
    try workspace.write(
      "scripts/a.lua",
      [0xEF, 0xBB, 0xBF] + Array("on.enter('Confirmé', function (deal) deal:add_note('mark') end)".utf8))
    try workspace.did("deals", "move", "d1", "Confirmé")
    #expect(try workspace.deal("d1")["notes"]?.all("text") == ["mark"])
    try workspace.write("scripts/b.lua", Array("-- Z".utf8) + [0xE9])
    for arguments in [["check"], ["deals", "move", "d1", "Proposition"], ["automations"]] {
      let outcome = try workspace.run(arguments)
      #expect(outcome.status == (arguments == ["automations"] ? 0 : 1))
      #expect(
        (outcome.out + outcome.errors).contains("scripts/b.lua is not UTF-8 text; save it as UTF-8"), "\(outcome)")
    }
    #expect(try workspace.did("deals", "list").lines.count == 2, "what needs no script goes on")
    // Like one with a syntax error it concerns its own stages only, as far as they can be seen.
    try workspace.write("scripts/b.lua", Array("on.enter('Qualifi\u{E9}', function () end) -- ".utf8) + [0x92])
    try workspace.did("deals", "move", "d1", "Proposition")
    #expect(try workspace.run("deals", "move", "d1", "Qualifié").status == 1)
    // A stage whose name is not legible may be any stage: a guard does not fail open.
    try workspace.write("scripts/b.lua", Array("on.before_enter('Confirm".utf8) + [0xE9] + Array("', function () end)".utf8))
    #expect(try workspace.run("deals", "move", "d1", "Confirmé").status == 1)
  }

  // MARK: workspace.lua

  @Test(
    "a workspace.lua that is broken, empty, endless or no UTF-8 is told with its line, and nothing is changed",
    arguments: [
      ("return {", "workspace.lua:1:"), ("return 3", "the file has to return a table"),
      ("", "the file has to return a table"),
      ("return { pipelines = {} }", "pipelines: declare at least one"), ("while true do end", "time"),
      ("return { pipelins = {} }", "did you mean 'pipelines'?"), ("error('x')", "workspace.lua:1: x"),
      ("\u{FF}", "is not UTF-8 text; save it as UTF-8"),
      (
        "return { seller = { siret = '73282932000075' }, pipelines = { { name = 'V', stages = { 'A' } } } }",
        "check digit"
      ),
      ("return { pipelines = { { name = 'V', stages = { 'Été', 'ete' } } } }", "ete"),
    ])
  func declaration(text: String, message: String) throws {
    let workspace = try Workspace.withDeal()
    let good = try workspace.read("workspace.lua")
    let before = try workspace.export()
    if text == "\u{FF}" {
      try workspace.write("workspace.lua", [0xFF])
    } else {
      try workspace.write("workspace.lua", text)
    }
    for arguments in [
      ["deals", "list"], ["deals", "move", "d1", "Confirmé"], ["deals", "set", "d1", "title=x"], ["automations"],
      ["check"],
      ["import", "-"], ["work", "--until-idle"], ["doctor"],
    ] {
      let outcome = try workspace.run(arguments)
      #expect(outcome.status == 1 && (outcome.out + outcome.errors).contains(message), "\(arguments): \(outcome)")
      #expect(outcome.out.isEmpty || ["check", "doctor"].contains(arguments[0]), "\(arguments): \(outcome)")
    }
    let doctor = try workspace.run("doctor", "--json")
    #expect(doctor.json.keys == ["facts", "problems"] && doctor.json["problems"]?[0].keys == ["problem", "remedy"])
    try workspace.write("workspace.lua", good)
    #expect(try workspace.export() == before)
  }

  @Test("a byte order mark in workspace.lua does no harm")
  func mark() throws {
    let workspace = try Workspace.withDeal()
    try workspace.edit("workspace.lua") { "\u{FEFF}" + $0 }
    try workspace.did("deals", "move", "d1", "Confirmé")
    #expect(try workspace.did("check").errors == "no problems\n")
  }

  @Test("a stage that workspace.lua no longer has: deals stay in it, are listed, shown and moved on; nobody moves in")
  func retiredStage() throws {
    let workspace = try Workspace.withDeal(scripts: [:])
    try workspace.did("deals", "create", "--title", "other", "--key", "d2", "--stage", "Proposition")
    try workspace.edit("workspace.lua") { $0.replacingOccurrences(of: "\"Proposition\", ", with: "") }
    #expect(try workspace.deal("d2").text("stage") == "Proposition")
    #expect(try workspace.json("deals", "list").all("stage") == ["Qualifié", "Proposition"])
    #expect(try workspace.json("deals", "list", "--stage", "proposition").all("key") == ["d2"])
    let outcome = try workspace.run("deals", "move", "d1", "Proposition")
    #expect(outcome.status == 1 && outcome.errors.contains("the stages are \"Qualifié\", \"Confirmé\""), "\(outcome)")
    let doctor = try workspace.run("doctor")
    #expect(
      doctor.status == 1
        && doctor.out.contains("1 deal in the stage \"Proposition\", which workspace.lua no longer declares"),
      "\(doctor)")
    #expect(try workspace.json("deals", "move", "d2", "Confirmé").text("from") == "Proposition")
    #expect(try workspace.did("doctor").out.hasSuffix("nothing to mend\n"))
  }

  @Test("a script on a stage that does not exist is found by check, and moves that don't concern it go on")
  func unknownStage() throws {
    let workspace = try Workspace.withDeal(scripts: ["a": "on.enter('Nowhere', function (deal) end)"])
    #expect(try workspace.run("check").out.hasPrefix("scripts/a.lua:1: there is no stage \"Nowhere\""))
    #expect(try workspace.json("deals", "move", "d1", "Confirmé")["moved"] == .bool(true))
  }
}

@Suite("Bad databases and disks")
struct BadDatabaseTests {
  private func garbage(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 41) } }

  @Test(
    "a database that is none, or damaged: said so, nothing is written to it, doctor tells it too",
    arguments: [false, true])
  func corrupted(inTheMiddle: Bool) throws {
    let workspace = try Workspace(.altitude)
    for name in ["coulisse.db-wal", "coulisse.db-shm"] where workspace.exists(name) { try workspace.remove(name) }
    var bytes = Array(try Data(contentsOf: workspace.root.appendingPathComponent("coulisse.db")))
    if inTheMiddle {
      bytes.replaceSubrange(4096..<bytes.count, with: garbage(bytes.count - 4096))
    } else {
      bytes = garbage(8192)
    }
    try workspace.write("coulisse.db", bytes)
    for arguments in [
      ["deals", "list"], ["deals", "show", "groupe"], ["deals", "move", "groupe", "Créer documents"],
      ["work", "--until-idle"],
      ["deals", "set", "groupe", "place=x"], ["export"], ["import", "data.json"], ["runs", "list"], ["automations"],
    ] {
      let outcome = try workspace.run(arguments)
      #expect(outcome.status == 1 && outcome.out.isEmpty, "\(arguments): \(outcome)")
      #expect(
        outcome.errors.hasPrefix("error: coulisse.db is damaged or is no coulisse database"), "\(arguments): \(outcome)"
      )
      #expect(outcome.errors.contains("Restore it from a backup"))
    }
    let doctor = try workspace.run("doctor", "--json")
    #expect(doctor.status == 1 && doctor.errors.isEmpty, "\(doctor)")
    #expect(doctor.json["problems"]?[0].text("problem")?.contains("is damaged") == true)
    #expect(doctor.json["facts"]?.text("scripts") == "sound", "what is not broken is looked at all the same")
    #expect(Array(try Data(contentsOf: workspace.root.appendingPathComponent("coulisse.db"))) == bytes)
  }

  @Test("a database that another program holds: readers go on, a writer says so after a while and has changed nothing")
  func locked() throws {
    let workspace = try Workspace(.altitude)
    let before = try workspace.export()
    try Store(path: workspace.path("coulisse.db")).write { tx in
      _ = try tx.next(counter: "held")
      let writers = try [
        workspace.start("deals", "set", "groupe", "place=x"),
        workspace.start("deals", "move", "groupe", "Créer documents"),
        workspace.start("import", "data.json"),
      ]
      #expect(try workspace.json("deals", "show", "groupe").text("place") == "Paris 11e")
      for outcome in writers.map({ $0.wait() }) {
        #expect(outcome.status == 1 && outcome.out.isEmpty, "\(outcome)")
        #expect(
          outcome.errors
            == "error: the database is locked by another program. Wait until it has finished, or end it, and try again.\n"
        )
      }
    }
    #expect(try workspace.export() == before)
    try workspace.did("deals", "move", "groupe", "Créer documents")
  }

  /// The words with which a command of an ordinary user begins, when the tests themselves run as root.
  private static let asNobody = geteuid() == 0 ? "exec setpriv --reuid=65534 --regid=65534 --clear-groups " : "exec "
  private static let canBeNobody =
    geteuid() != 0
    || (try? Running("/bin/sh", ["-c", asNobody + "\"\(Program.path)\" --help"], in: URL(fileURLWithPath: "/")).wait()
      .status) == 0

  @Test(
    "a workspace that can't be written: what needs no database works, everything else says what can't be written",
    .enabled(if: canBeNobody))
  func readOnly() throws {
    let workspace = try Workspace(.altitude)
    for name in ["coulisse.db-wal", "coulisse.db-shm", ".coulisse"] where workspace.exists(name) {
      try workspace.remove(name)
    }
    let before = try workspace.export()
    for name in ["coulisse.db-wal", "coulisse.db-shm", ".coulisse"] where workspace.exists(name) {
      try workspace.remove(name)
    }
    _ = try workspace.shell("chmod -R a-w,a+rX . && chmod a+rx ..")
    defer { _ = try? workspace.shell("chmod -R u+w .") }
    func run(_ line: String) throws -> Outcome { try workspace.shell(Self.asNobody + "\"$coulisse\" " + line) }
    for line in [
      // Without PDFs: another account's Python may be out of reach.
      "check", "test scripts/check_deal_test.lua", "deals list", "deals show groupe --json", "export", "runs list",
      "automations",
    ] {
      let outcome = try run(line)
      // SQLite can't read a database in WAL mode without its shared memory, unless it is told that nobody writes.
      let isTold = outcome.status == 1 && outcome.errors.hasPrefix("error: coulisse.db can't be opened")
      #expect(outcome.status == 0 || isTold && line != "check" && !line.hasPrefix("test"), "\(line): \(outcome)")
      if line == "export", outcome.status == 0 { #expect(outcome.out.hash == before.hash) }
    }
    for line in [
      "deals set groupe place=x", "deals move groupe 'Créer documents'", "import data.json", "work --until-idle",
      "deals note groupe x",
      "export out.json", "init new",
    ] {
      let outcome = try run(line)
      #expect(outcome.status == 1 && outcome.out.isEmpty, "\(line): \(outcome)")
      #expect(outcome.errors.contains("can't be"), "\(line): \(outcome)")
      #expect(
        !outcome.errors.contains("NSCocoa") && !outcome.errors.contains("could not be completed"), "\(line): \(outcome)"
      )
    }
    let doctor = try run("doctor")
    #expect(doctor.status == 1 && doctor.out.contains("to mend: ") && doctor.out.contains("can't be"), "\(doctor)")
  }

  private static let canMount =
    (try? Running(
      "/bin/sh", ["-c", "unshare -m true && unshare -m sh -c 'mount -t tmpfs tmpfs /mnt'"],
      in: URL(fileURLWithPath: "/")
    ).wait().status) == 0

  @Test(
    "a full disk: the command says so, nothing is half written, and it works again when there is room",
    .enabled(if: canMount))
  func fullDisk() throws {
    let workspace = try Workspace(.altitude)
    let document =
      "{\"persons\": ["
      + (1...8000).map { "{\"key\": \"p\($0)\", \"first_name\": \"\(String(repeating: "x", count: 200))\"}" }
      .joined(separator: ",") + "]}"
    try workspace.write("big.json", document)
    let outcome = try workspace.shell(
      """
      unshare -m sh -c 'mkdir disk && mount -t tmpfs -o size=2m tmpfs disk && cp -r coulisse.db workspace.lua scripts templates disk/ && cd disk
      "$coulisse" export > ../before
      "$coulisse" import ../big.json 2>&1; echo "exit $?"
      dd if=/dev/zero of=filler bs=1k 2> /dev/null
      "$coulisse" deals move groupe "Créer documents" 2>&1; echo "exit $?"
      "$coulisse" deals note groupe "$(head -c 100000 /dev/zero | tr "\\0" x)" 2>&1; echo "exit $?"
      "$coulisse" export out.json 2>&1; echo "exit $?"; ls -A > ../left
      rm filler
      "$coulisse" export | cmp - ../before 2>&1; echo "same $?"
      "$coulisse" deals move groupe "Créer documents" --json 2>&1; echo "exit $?"'
      """)
    let full = "error: The disk is full; nothing was written. Free some space and try again."
    #expect(outcome.lines.prefix(2) == [full, "exit 1"], "\(outcome)")
    #expect(outcome.lines.contains("same 0"), "\(outcome)")
    #expect(outcome.lines.filter { $0 == "exit 1" }.count >= 3, "\(outcome)")
    #expect(outcome.out.contains("\"moved\":true") && outcome.lines.last == "exit 0", "\(outcome)")
    #expect(!outcome.out.contains("could not be completed"), "\(outcome)")
    #expect(!outcome.out.contains("SQLite"), "\(outcome)")
    #expect(try !workspace.read("left").contains("out.json"), "no half export is left")
  }

  @Test("a database of a newer version is refused by every command, and stays as it is")
  func newer() throws {
    let workspace = try Workspace(.altitude)
    let changed = try Running(
      "/usr/bin/env",
      [
        "python3", "-c",
        "import sqlite3; c = sqlite3.connect('coulisse.db'); c.execute(\"INSERT INTO grdb_migrations VALUES ('999')\"); c.commit()",
      ],
      in: workspace.root
    ).wait()
    guard changed.status == 0 else { return }
    for arguments in [
      ["deals", "list"], ["deals", "set", "groupe", "place=x"], ["deals", "move", "groupe", "Confirmé"],
    ] {
      let outcome = try workspace.run(arguments)
      #expect(
        outcome.status == 1 && outcome.errors.contains("was written by a newer version of coulisse than this one"),
        "\(outcome)")
    }
  }

  @Test("a workspace without its database gets a new one, and keeps nothing else from being seen")
  func missing() throws {
    let workspace = try Workspace(.altitude)
    for name in ["coulisse.db", "coulisse.db-wal", "coulisse.db-shm"] where workspace.exists(name) {
      try workspace.remove(name)
    }
    #expect(try workspace.run("deals", "list").errors == "no deals\n")
    #expect(try workspace.did("import", "data.json").out.contains("deals: 41 created"))
  }
}
