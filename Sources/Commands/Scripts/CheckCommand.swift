import ArgumentParser
import CRM
import Engine
import Foundation
import LuaKit
import Scripting
import Services

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check scripts and templates without running them: syntax, unknown names, stages.",
    discussion: """
      Prints file:line: message for each problem; exit code 1 if there is an error. A stage that does not exist is a \
      warning, and so is a placeholder of a template that no script seems to give a value.

        coulisse check
        coulisse check --json
      """)

  @OptionGroup var shared: SharedOptions

  func run() throws {
    let folder = try WorkspaceFolder(URL(fileURLWithPath: shared.workspace ?? ".").standardizedFileURL)
    let findings = try DeepStack.run { try Self.findings(in: folder) }
    let hasErrors = findings.contains { $0.weight == .error }
    if shared.json {
      try Terminal.print(JSON.object([JSONMember("problems", .array(findings.map(\.json)))]))
    } else {
      for finding in findings {
        let weight = finding.weight == .warning ? "warning: " : ""
        try Terminal.print(weight + Terminal.visible(finding.words))
      }
      if findings.isEmpty { Terminal.note("no problems") }
    }
    if hasErrors { throw ExitCode(1) }
  }

  /// Everything wrong with the scripts and templates of a workspace, by file and line.
  static func findings(in folder: WorkspaceFolder) throws -> [Finding] {
    let version: WorkspaceVersion
    do {
      version = try folder.version()
    } catch {
      guard error.message.hasPrefix("workspace.lua:") else { throw error }
      // The declaration itself is wrong: nothing else can be looked at, and that is a finding, not a breakdown.
      let line = error.message.split(separator: ":").dropFirst().first.flatMap { Int($0) }
      return [Finding(weight: .error, file: "workspace.lua", line: line, message: error.message)]
    }
    var findings = version.problems.map {
      Finding(weight: .error, file: $0.file, line: $0.line, message: $0.message)
    }
    findings += ServiceRegistry.faults(in: version.declaration).map {
      Finding(weight: .error, file: "workspace.lua", line: nil, message: $0.message)
    }
    let stages = version.declaration.pipelines.flatMap { $0.stages.map(\.name) }
    var check = ScriptCheck(
      services: version.services.declarations, stages: stages,
      templates: TemplateShelf(version.declaration.templates).names)
    for file in version.sources.files where file.path.hasPrefix("scripts/") {
      if let syntax = try syntaxFault(in: file), !findings.contains(where: { $0.file == file.path }) {
        findings.append(syntax)
      }
      // A trigger on a stage that does not exist is found where the file loads, too.
      findings += check.findings(in: file).filter { new in
        let fault = new.message.prefix { $0 != ";" }
        return !findings.contains { $0.file == new.file && $0.line == new.line && $0.message.contains(fault) }
      }
    }
    check.knownGlobals.formUnion(ScriptCheck.testGlobals)
    for file in try folder.tests() {
      if let syntax = try syntaxFault(in: file) { findings.append(syntax) }
      findings += check.findings(in: file)
    }
    findings += TemplateFindings.all(in: version)
    return findings.enumerated().sorted { one, other in
      let lines = (one.element.line ?? 0, other.element.line ?? 0)
      return (one.element.file, lines.0, one.offset) < (other.element.file, lines.1, other.offset)
    }.map(\.element)
  }

  /// Compiles a file; libraries and tests are not loaded by anything else here.
  private static func syntaxFault(in file: ScriptFile) throws -> Finding? {
    let state = try LuaState()
    do throws(LuaError) {
      _ = try state.load(LuaSource(name: file.path, text: file.text))
      return nil
    } catch {
      return Finding(weight: .error, file: file.path, line: error.line, message: error.message)
    }
  }
}
