import ArgumentParser
import CRM
import Engine
import Scripting
import Store

struct AutomationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "automations", abstract: "List every automation: trigger, place in the scripts, last run.",
    discussion: """
      In the order in which automations of one trigger run; with a schedule, when its next time is, in the workspace's \
      time zone. Files that do not load are shown with the reason.

        coulisse automations
        coulisse automations --json
      """)

  @OptionGroup var shared: SharedOptions

  func run() throws {
    let workspace = try shared.open()
    let version = try workspace.version()
    let (last, next) = try workspace.read { tx in
      let last = try version.automations.map { automation in
        var filter = RunFilter()
        filter.automation = automation.name
        filter.limit = 1
        return try tx.runs(matching: filter).first
      }
      return (last, try version.nextTimes(tx, now: OpenWorkspace.now))
    }
    if shared.json { return try Terminal.print(json(version, last, next)) }
    // Most workspaces have no schedules.
    let isTimed = !next.isEmpty
    var table = Table(["automation", "trigger"] + (isTimed ? ["next"] : []) + ["script", "last run", ""])
    for (automation, run) in zip(version.automations, last) {
      let time = next[automation.name].map(version.calendar.text) ?? ""
      table.add(
        [automation.name, automation.trigger.description] + (isTimed ? [time] : []) + [
          "\(automation.file):\(automation.line)", run.map { "\($0.id) \($0.status.rawValue)" } ?? "",
          automation.summary ?? "",
        ])
    }
    if !table.rows.isEmpty { try table.print() } else { Terminal.note("no automations") }
    for problem in version.problems {
      Terminal.note(Terminal.emphasized("broken: ", .red, on: .errors) + Terminal.visible(problem.message))
    }
  }

  private func json(_ version: WorkspaceVersion, _ last: [RunRow?], _ next: [String: Instant]) -> JSON {
    let automations = zip(version.automations, last).map { automation, run in
      JSON.object([
        JSONMember("name", .string(automation.name)), JSONMember("trigger", .string(automation.trigger.description)),
        JSONMember("guard", .bool(automation.trigger.isGuard)), JSONMember("file", .string(automation.file)),
        JSONMember("line", .integer(Int64(automation.line))),
        JSONMember("summary", automation.summary.map { .string($0) } ?? .null),
        JSONMember("last_run", run.map { RunAnswer($0).json } ?? .null),
        JSONMember("next", next[automation.name].map { .string($0.description) } ?? .null),
      ])
    }
    let problems = version.problems.map { problem in
      JSON.object([
        JSONMember("file", .string(problem.file)),
        JSONMember("line", problem.line.map { .integer(Int64($0)) } ?? .null),
        JSONMember("message", .string(problem.message)),
      ])
    }
    return .object([JSONMember("automations", .array(automations)), JSONMember("problems", .array(problems))])
  }
}
