import CRM
import Foundation
import TestSupport
import Testing

@Suite("Help and usage")
struct HelpTests {
  static let commands = [
    "init", "demo", "deals", "deals list", "deals show", "deals create", "deals set", "deals move", "deals win",
    "deals lose", "deals reopen", "deals note", "persons", "persons list", "persons show", "persons set",
    "organizations", "organizations list", "organizations show", "organizations set", "products", "products list",
    "products show", "products set", "documents", "documents list", "documents show", "documents open", "documents pdf",
    "signatures", "signatures list", "signatures show", "signatures sign", "signatures decline", "signatures view",
    "signatures cancel", "templates", "templates list", "templates preview", "automations",
    "run", "runs", "runs list", "runs show", "runs retry",
    "runs cancel", "work", "lua", "test", "check", "import", "export", "backup", "restore", "doctor",
  ]

  private func run(_ arguments: [String]) throws -> Outcome {
    try Program.run(arguments, in: FileManager.default.temporaryDirectory)
  }

  @Test(
    "each command's help is data, has an example that begins with it, and wraps no sentence in its middle",
    arguments: commands)
  func help(command: String) throws {
    let outcome = try run(command.split(separator: " ").map(String.init) + ["--help"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(outcome.lines.contains { $0.hasPrefix("  coulisse \(command)") }, "\(outcome.out)")
    // A line far shorter than the width, with the sentence going on below in small letters, was broken twice.
    let prose = outcome.out.components(separatedBy: "USAGE:")[0].components(separatedBy: "\n")
    for (line, next) in zip(prose, prose.dropFirst())
    where !line.hasPrefix(" ") && !next.hasPrefix(" ") && !line.isEmpty {
      let word = next.prefix { $0 != " " }
      #expect(next.isEmpty || line.count + word.count + 1 > 79, "broken early: \(line)")
    }
  }

  @Test("the program without a command says what it is, all commands, and the exit codes")
  func root() throws {
    let outcome = try run([])
    #expect(outcome.status == 0)
    for command in Self.commands where !command.contains(" ") { #expect(outcome.out.contains("\n  \(command) ")) }
    #expect(outcome.out.contains("0 done, 1 failed, 2 wrong usage, 3 rejected by a guard"))
  }

  @Test(
    "wrong usage: exit code 2, nothing on standard output, and a message that names what is wrong",
    arguments: [
      ("frobnicate", "frobnicate"), ("deals list --jsno", "--jsno"), ("deals move d1", "<stage>"),
      ("deals show", "<deal>"), ("deals create", "--title"), ("runs show twelve", "twelve"),
      ("runs list --status done", "done"), ("runs list --limit 0", "--limit"), ("run", "automation"),
      ("lua", "<files>"), ("lua x.lua --memory 0", "--memory"), ("lua x.lua --time soon", "soon"),
      ("lua x.lua --time 0", "--time"), ("lua x.lua --instructions 0", "--instructions"), ("init", "<folder>"),
      ("import", "<file>"), ("deals set d1", "<assignments>"), ("deals mov", "mov"),
    ])
  func usage(line: String, named: String) throws {
    let outcome = try run(line.split(separator: " ").map(String.init))
    #expect(outcome.status == 2 && outcome.out.isEmpty, "\(outcome)")
    #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains(named), "\(outcome)")
  }

  @Test(
    "a command outside of a workspace says so, and how to get to one",
    arguments: [
      ["deals", "list"], ["deals", "move", "1", "x"], ["persons", "list"], ["automations"],
      ["run", "x", "--deal", "1"],
      ["runs", "list"], ["work"], ["test"], ["check"], ["import", "-"], ["export"], ["doctor"],
    ])
  func noWorkspace(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(arguments, in: folder.url)
    #expect(outcome.status == 1 && outcome.out.isEmpty, "\(outcome)")
    #expect(
      outcome.errors.contains("is no workspace: it has no workspace.lua")
        && outcome.errors.contains("coulisse init DIR"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }
}
