import CRM
import Foundation
import TestSupport
import Testing

@testable import Commands

@Suite("What a terminal gets")
struct TerminalTests {
  /// Runs a command line on a terminal of its own (script of util-linux), and gives what it shows.
  private func onTerminal(_ workspace: Workspace, _ line: String, environment: [String: String] = [:]) throws -> String
  {
    let quoted = line.replacingOccurrences(of: "'", with: "'\\''")
    let variables = ["TERM": "xterm"].merging(environment) { $1 }
    let outcome = try workspace.shell("script -qec '\(quoted)' /dev/null < /dev/null", environment: variables)
    return outcome.out.replacingOccurrences(of: "\r\n", with: "\n")
  }

  @Test("control characters and those that turn the direction become symbols; all else stays")
  func visible() {
    #expect(Terminal.visible("a\u{1B}[31mb\u{7}\u{0}\n\t\u{7F}\u{9B}") == "a␛[31mb␇␀␊␉␡\u{FFFD}")
    #expect(Terminal.visible("\u{202E}abc\u{2066}d") == "\u{FFFD}abc\u{FFFD}d")
    #expect(Terminal.visible("Zoé 🧗‍♀️ עמר ¥") == "Zoé 🧗‍♀️ עמר ¥")
    #expect(Terminal.visible("a\nb\u{1B}", keepingLines: true) == "a\nb␛")
    #expect(Terminal.visible("a\r\nb", keepingLines: true) == "a␍\nb")
  }

  @Test(
    "columns are counted as a terminal draws them",
    arguments: [
      ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한국", 4), ("👍", 2), ("👩‍👩‍👧", 2), ("🇫🇷", 2), ("❤️", 2), ("❤", 1),
      ("ｆ", 2), ("…", 1), ("\u{200B}", 0), ("🧗🏽", 2), ("שלום", 4), ("⌚", 2), ("✅", 2), ("🤖", 2), ("Ⓜ️", 2), ("1️⃣", 2),
      ("🟢", 2),
      ("½", 1), ("☕", 2), ("⚡", 2),
    ])
  func width(text: String, columns: Int) { #expect(DisplayWidth.of(text) == columns) }

  @Test("tables with wide characters and emoji align")
  func table() throws {
    var table = Table([("name", .left), ("sum", .right)])
    table.add(["日本", "1.00"])
    table.add(["👍🏽 ok", "10.00"])
    table.add(["e\u{301}te\u{301}", "100.00"])
    #expect(table.lines == ["name      sum", "日本     1.00", "👍🏽 ok   10.00", "e\u{301}te\u{301}    100.00"])
    let workspace = try Workspace()
    try workspace.did("deals", "create", "--title", "日本 🇫🇷", "--key", "a")
    try workspace.did("deals", "create", "--title", "plain", "--key", "b")
    let lines = try workspace.did("deals", "list").lines
    let places = lines.map { line in
      line.range(of: "Qualifié").map { DisplayWidth.of(String(line[..<$0.lowerBound])) } ?? line.count
    }
    #expect(places[1] == places[2])
  }

  @Test("control characters of data never reach a terminal or a pipe raw, wherever they are shown")
  func hostileData() throws {
    let workspace = try Workspace(scripts: [
      "a": #"""
      on.before_enter("Confirmé", function (deal) reject("no \27[2J %s", deal.title) end)
      on.enter("Proposition", function (deal) warn("\27[31mwarned %s", deal.title) error("\27]0;x\7" .. deal.title) end)
      """#
    ])
    try workspace.did(
      "import", "-",
      input: #"""
        {"users": [{"key": "u\u001b[1m", "name": "\u001b[31mU", "email": "u@x.example"}],
         "organizations": [{"key": "o", "name": "O\u001b]0;title\u0007\u202e"}],
         "persons": [{"key": "p", "first_name": "P\u001b[2J", "last_name": "\u009b"}],
         "products": [{"key": "r", "name": "R\u001b[2J", "price": "1.00", "vat_rate": "0"}],
         "deals": [{"key": "d\u001b[5m", "title": "T\u001b[2J\u0007", "stage": "Qualifié", "owner": "u\u001b[1m", "organization": "o",
           "person": "p", "lines": [{"product": "r", "quantity": "1"}], "notes": [{"text": "N\u001b[2J\nsecond \u0008"}]}]}
        """#)
    let commands = [
      ["deals", "list"], ["deals", "show", "1"], ["deals", "move", "1", "Confirmé"],
      ["deals", "move", "1", "Proposition"],
      ["deals", "show", "1", "--history"], ["runs", "list"], ["runs", "show", "1"], ["persons", "list"],
      ["persons", "show", "p"],
      ["organizations", "list"], ["organizations", "show", "o"], ["products", "list"], ["products", "show", "r"],
      ["doctor"], ["deals", "show", "x\u{1B}[2J"], ["deals", "list", "--owner", "\u{1B}[2J"],
      ["deals", "set", "1", "\u{1B}[2J=x"],
      ["deals", "move", "1", "\u{1B}[2J"], ["import", "\u{1B}[2J"], ["deals", "note", "1", "x", "--as", "\u{1B}"],
      ["run", "\u{1B}[2J", "--deal", "1"], ["deals", "note", "d\u{1B}[5m", "x"],
      ["deals", "set", "d\u{1B}[5m", "email=a@b.example"],
      ["deals", "create", "--title", "\u{1B}[2J"], ["deals", "move", "1", "Proposition", "--dry-run"],
      ["test", "\u{1B}[2J"],
      ["lua", "\u{1B}[2J.lua"], ["deals", "\u{1B}[2J"], ["deals", "list", "--\u{1B}[2J"],
      ["runs", "list", "--status", "\u{1B}[2J"],
      ["deals", "list", "--workspace", "\u{1B}[2J"], ["init", "\u{1B}[2J", "--example", "\u{1B}[2J"],
      ["export", "\u{1B}/x"],
      ["automations"], ["deals", "list", "--json"], ["export"], ["deals", "show", "1", "--json"],
      ["runs", "list", "--json"],
    ]
    for arguments in commands {
      let outcome = try workspace.run(arguments)
      let steering = (outcome.out + outcome.errors).unicodeScalars.filter {
        ($0.value < 0x20 && $0 != "\n") || (0x7F..<0xA0).contains($0.value)
      }
      #expect(steering.isEmpty, "\(arguments): \(outcome.out.debugDescription) \(outcome.errors.debugDescription)")
    }
  }

  @Test("a script's print in coulisse lua is the script's own output, raw")
  func printed() throws {
    let folder = try TemporaryFolder()
    try folder.write("p.lua", #"io = nil print("\27[1mx", 2)"#)
    #expect(try Program.run(["lua", "p.lua"], in: folder.url).out == "\u{1B}[1mx\t2\n")
  }

  @Test("colours only on a terminal, and not with NO_COLOR or TERM=dumb; JSON is indented there and one line elsewhere")
  func colours() throws {
    let workspace = try Workspace.withDeal()
    let command = "\"$coulisse\" deals list"
    #expect(try onTerminal(workspace, command).contains("\u{1B}[1m"))
    #expect(try !onTerminal(workspace, command, environment: ["NO_COLOR": "1"]).contains("\u{1B}"))
    #expect(try onTerminal(workspace, command, environment: ["NO_COLOR": ""]).contains("\u{1B}[1m"))
    #expect(try !onTerminal(workspace, command, environment: ["TERM": "dumb"]).contains("\u{1B}"))
    #expect(try !workspace.did("deals", "list").out.contains("\u{1B}"))
    #expect(try onTerminal(workspace, "\"$coulisse\" deals show d1 --json").contains("\n  \"title\": "))
    #expect(try workspace.did("deals", "show", "d1", "--json").lines.count == 1)
  }

  @Test("progress of an import is for a terminal only")
  func progress() throws {
    let workspace = try Workspace()
    let persons = (1...2500).map { #"{"key": "p\#($0)", "first_name": "P\#($0)"}"# }
    try workspace.write("many.json", "{\"persons\": [\(persons.joined(separator: ","))]}")
    #expect(try onTerminal(workspace, "\"$coulisse\" import many.json").contains("2500 of 2500 records (100 %)"))
    #expect(try workspace.did("import", "many.json").errors.isEmpty)
  }

  @Test("a reader that goes away ends the program without a word")
  func closedPipe() throws {
    let workspace = try Workspace(.altitude)
    for command in ["deals list", "export", "deals list --json", "automations", "--help", "deals show groupe"] {
      let outcome = try workspace.shell("\"$coulisse\" \(command) | head -c 1 > /dev/null")
      #expect(outcome.out.isEmpty && outcome.errors.isEmpty, "\(command): \(outcome)")
    }
    // A move whose answer nobody reads has happened all the same.
    _ = try workspace.shell("\"$coulisse\" deals move groupe 'Créer documents' --json | true")
    #expect(try workspace.deal("groupe").text("stage") == "Documents prêts")
  }

  @Test("output that can't be written is a failure, not a success")
  func fullOutput() throws {
    let workspace = try Workspace(.altitude)
    let outcome = try workspace.shell("\"$coulisse\" export > /dev/full")
    #expect(
      outcome.status == 1 && outcome.errors == "error: standard output can't be written: No space left on device\n",
      "\(outcome)")
  }
}
