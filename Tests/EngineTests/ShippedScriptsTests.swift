import Engine
import Foundation
import Services
import TestSupport
import Testing

/// The example's scripts keep their own promises: their Lua tests pass however the engine executes them.
@Suite("The shipped scripts")
struct ShippedScriptsTests {
  struct Mode: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var replay = false
    var unfused = false

    static let all = [
      Mode(testDescription: "plain"), Mode(testDescription: "--replay", replay: true),
      Mode(testDescription: "--unfused", unfused: true),
      Mode(testDescription: "--replay --unfused", replay: true, unfused: true),
    ]
  }

  @Test("pass their own tests, one file beside each script", arguments: Mode.all)
  func passTheirTests(mode: Mode) throws {
    let folder = try TemporaryFolder()
    let workspace = try Self.copyExample(to: folder)
    let files = try workspace.tests()
    let scripts = try workspace.sources().files.map(\.path)
      .filter { $0.hasPrefix("scripts/") && $0 != "scripts/fixtures.lua" }
    #expect(Set(files.map(\.path)) == Set(scripts.map { $0.dropLast(4) + "_test.lua" }))

    let report = try ScriptTests.run(
      folder: workspace, files: files, options: ScriptTestOptions(replay: mode.replay, unfused: mode.unfused),
      printing: PrintShop.Location(root: SourceTree.root))
    let passed = report.passed  // By itself, so that a failure shows the report's text and not all of its values.
    #expect(passed, "\(report.text)")
    #expect(report.suites.map(\.file) == files.map(\.path))
    #expect(report.suites.allSatisfy { !$0.cases.isEmpty })
    #expect(report.passedCount >= 150)
  }

  /// The example as `coulisse init DIR --example altitude` makes it.
  static func copyExample(to folder: TemporaryFolder, file: StaticString = #filePath) throws -> WorkspaceFolder {
    let root = URL(fileURLWithPath: "\(file)").deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let copy = folder.url.appendingPathComponent("altitude")
    try FileManager.default.copyItem(at: root.appendingPathComponent("Examples/altitude"), to: copy)
    try FileManager.default.copyItem(
      at: root.appendingPathComponent("Scripts"), to: copy.appendingPathComponent("scripts"))
    return try WorkspaceFolder(copy)
  }
}
