import ArgumentParser
import CRM
import Engine
import Foundation
import Scripting

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run the script tests: NAME_test.lua beside the scripts.",
    discussion: """
      Each test has a workspace of its own in memory and a clock of its own.

        coulisse test
        coulisse test scripts/won_card_test.lua
        coulisse test --replay --unfused
        coulisse test --junit report.xml
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Only test files whose path begins so or is this.") var path: String?
  @Option(name: .long, help: ArgumentHelp("Only tests whose name holds this.", valueName: "text")) var filter: String?
  @Flag(name: .long, help: "Drop every suspended script and replay it from its journal.") var replay = false
  @Flag(name: .long, help: "Execute every operation as a step of its own.") var unfused = false

  @Option(name: .long, help: ArgumentHelp("Write the report as JUnit XML too.", valueName: "file")) var junit: String?

  func run() throws {
    let folder = try shared.open().folder
    var files = try folder.tests()
    if files.isEmpty { throw CommandFault("there are no tests: no file in scripts/ ends in _test.lua") }
    if let path {
      let wanted = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
      files = files.filter { $0.path.hasPrefix(wanted) || $0.path.hasPrefix("scripts/\(wanted)") }
      if files.isEmpty {
        throw CommandFault("\(path) is no test; tests are files in scripts/ that end in _test.lua")
      }
    }
    let options = ScriptTestOptions(replay: replay, unfused: unfused, filter: filter)
    let report = try ScriptTests.run(
      folder: folder, files: files, options: options, printing: Installation.printing)
    if let filter, report.suites.isEmpty { throw CommandFault("no test has \"\(filter)\" in its name") }
    if shared.json {
      try Terminal.print(report.json)
    } else {
      try Terminal.write(Array(report.text.utf8))
    }
    if let junit {
      do {
        try report.junit.write(toFile: junit, atomically: true, encoding: .utf8)
      } catch {
        throw CommandFault("\(junit) can't be written: \(Terminal.words(of: error))")
      }
    }
    if !report.passed { throw ExitCode(1) }
  }
}
