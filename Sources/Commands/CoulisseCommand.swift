import ArgumentParser
import Foundation

/// The root of the command line.
public struct CoulisseCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "coulisse",
    abstract: "A CRM whose behaviour is Lua: scripts guard each change of a deal and react to it.",
    discussion: """
      A workspace is a folder with workspace.lua (stages and fields) and scripts/ (automations). Commands work on the \
      workspace in the current folder, or in --workspace DIR.

      Begin with:
        coulisse demo
        coulisse init shop --example altitude
        cd shop && coulisse deals list

      A value that begins with a dash comes after --, as in: coulisse deals note coaching -- "- rappeler lundi"

      Exit codes: 0 done, 1 failed, 2 wrong usage, 3 rejected by a guard.
      """,
    version: "coulisse 0.1.0",
    subcommands: [
      InitCommand.self, DemoCommand.self, DealsCommand.self, RecordsCommand<Persons>.self,
      RecordsCommand<Organizations>.self, RecordsCommand<Products>.self, DocumentsCommand.self, SignaturesCommand.self,
      TemplatesCommand.self, AutomationsCommand.self, RunCommand.self, RunsCommand.self, StatsCommand.self,
      WorkCommand.self, LuaCommand.self, TestCommand.self,
      CheckCommand.self, ImportCommand.self, ExportCommand.self, BackupCommand.self, RestoreCommand.self,
      DoctorCommand.self,
    ])

  public init() {}

  /// Carries out the command of this process's arguments, and ends the process with its exit code.
  public static func start() -> Never {
    let command: any ParsableCommand
    do {
      command = try parseAsRoot()
    } catch {
      finish(error, whenOther: ExitCode(2))
    }
    do {
      var command = command
      try command.run()
      Foundation.exit(0)
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch let fault as ValidationError {
      Terminal.note("error: " + Terminal.visible(fault.message, keepingLines: true))
      Foundation.exit(2)
    } catch {
      if exitCode(for: error) == .success { finish(error, whenOther: .failure) }
      Terminal.note(Terminal.emphasized("error: ", .red, on: .errors) + Terminal.words(of: error))
      Foundation.exit(1)
    }
  }

  /// Help goes to standard output and is no failure; what the parser has to complain about is wrong usage.
  private static func finish(_ error: any Error, whenOther code: ExitCode) -> Never {
    let message = fullMessage(for: error)
    if exitCode(for: error) == .success {
      try? Terminal.print(message)
      Foundation.exit(0)
    }
    let words = message.hasPrefix("Error:") ? "error:" + message.dropFirst("Error:".count) : message
    Terminal.note(Terminal.visible(words, keepingLines: true))
    Foundation.exit(code.rawValue)
  }
}
