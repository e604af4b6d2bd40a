import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "What scripts did: list, show, retry and cancel runs.",
    discussion: """
        coulisse runs list --status failed
        coulisse runs show 12
        coulisse runs retry 12
        coulisse runs cancel 13
      """,
    subcommands: [RunsList.self, RunsShow.self, RunsRetry.self, RunsCancel.self])
}

struct RunsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List runs, the latest first.",
    discussion: """
        coulisse runs list
        coulisse runs list --status failed --status retrying
        coulisse runs list --deal groupe --json
      """)

  @OptionGroup var shared: SharedOptions
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only runs with this status: \(RunStatus.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "status"))
  var status: [RunStatus] = []
  @Option(name: .long, help: ArgumentHelp("Only runs of this automation.", valueName: "name")) var automation: String?
  @Option(name: .long, help: ArgumentHelp("Only runs of this deal: id or key.", valueName: "id")) var deal: String?
  @Option(name: .long, help: ArgumentHelp("At most so many.", valueName: "number")) var limit = 100

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit: expected 1 or more, found \(limit)") }
  }

  func run() throws {
    let workspace = try shared.open()
    let runs = try workspace.read { tx in
      var filter = RunFilter()
      filter.statuses = status
      filter.automation = automation
      filter.dealID = try deal.map { try workspace.find(.deal, $0, tx).id }
      filter.limit = limit
      return try tx.runs(matching: filter).map { (run: $0, deal: try RunWords.deal(of: $0, tx)) }
    }
    if shared.json {
      return try Terminal.print(JSON.array(runs.map { RunWords.json($0.run, deal: $0.deal) }))
    }
    if runs.isEmpty { return Terminal.note("no runs") }
    var table = Table([("id", .right), ("automation", .left), ("deal", .left), ("status", .left), ("at", .left), ("", .left)])
    for (run, deal) in runs {
      let error = RunAnswer(run).error ?? (run.warnings.isEmpty ? "" : "\(run.warnings.count) warning(s)")
      table.add([
        String(run.id), run.automation, deal ?? "", run.status.rawValue, RunWords.time(run.createdAt), error,
      ])
    }
    try table.print()
  }
}

extension RunStatus: ExpressibleByArgument {}

/// Words and JSON of runs.
enum RunWords {
  /// The deal's key, or its id.
  static func deal(of run: RunRow, _ tx: any StoreTransaction) throws -> String? {
    guard let id = run.dealID else { return nil }
    return try tx.record(RecordRef(.deal, id))?.key ?? String(id)
  }

  static func time(_ instant: Instant) -> String { instant.description }

  static func json(_ run: RunRow, deal: String?) -> JSON {
    guard case .object(var members) = RunAnswer(run).json else { return .null }
    members += [
      JSONMember("deal", deal.map { .string($0) } ?? .null),
      JSONMember("warnings", .array(run.warnings.map { .string($0) })),
      JSONMember("attempts", .integer(Int64(run.attempts))),
      JSONMember("due_at", run.dueAt.map { .string($0.description) } ?? .null),
      JSONMember("created_at", .string(run.createdAt.description)),
      JSONMember("finished_at", run.finishedAt.map { .string($0.description) } ?? .null),
    ]
    return .object(members)
  }
}

struct RunsShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one run: its cause, its steps, its warnings, its error.",
    discussion: "  coulisse runs show 12\n  coulisse runs show 12 --json")

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The run's id.") var id: Int64

  func run() throws {
    let workspace = try shared.open()
    let view = try workspace.read { tx in
      guard let run = try tx.run(id) else {
        throw CommandFault("there is no run \(id); list them with: coulisse runs list")
      }
      return RunView(
        run: run, deal: try RunWords.deal(of: run, tx), event: try tx.event(run.eventID), journal: try tx.journal(of: id))
    }
    if shared.json { return try Terminal.print(view.json) }
    for line in view.lines { try Terminal.print(line) }
  }
}

/// All that is known of a run.
struct RunView {
  var run: RunRow
  var deal: String?
  var event: EventRow?
  var journal: [JournalRow]

  private var fault: RunFault? { run.error.map { RunFault(text: $0) } }

  var json: JSON {
    guard case .object(var members) = RunWords.json(run, deal: deal) else { return .null }
    members += [
      JSONMember("file", .string(run.file)), JSONMember("path", .string(run.path)),
      JSONMember("event", event.map { .string($0.name) } ?? .null),
      JSONMember("caused_by", event.map { .string($0.author.actor) } ?? .null),
      JSONMember("fault", fault?.json ?? .null), JSONMember("steps", .array(journal.map(step))),
      JSONMember("printed", .array(run.printed.map { .string($0) })),
    ]
    return .object(members)
  }

  private func step(_ row: JournalRow) -> JSON {
    var members = [JSONMember("segment", .integer(Int64(row.segment)))]
    members.append(JSONMember("did", .array(((try? row.deeds()) ?? []).map { .string($0) })))
    members.append(JSONMember("undone", .bool(row.step == nil && (run.status == .failed || run.status == .cancelled))))
    members.append(JSONMember("entries", (try? JSON(parsing: row.entries)) ?? .string(row.entries)))
    guard let step = row.step else { return .object(members) }
    members += [
      JSONMember("kind", .string(step.kind.rawValue)), JSONMember("name", .string(step.name)),
      JSONMember("state", .string(step.state.rawValue)), JSONMember("attempts", .integer(Int64(step.attempts))),
      JSONMember("key", .string(step.key)), JSONMember("arguments", step.arguments.plainJSON),
      JSONMember("answer", step.answer.plainJSON), JSONMember("begun_at", .string(step.begunAt.description)),
      JSONMember("answered_at", step.answeredAt.map { .string($0.description) } ?? .null),
    ]
    return .object(members)
  }

  var lines: [String] {
    var lines = ["run \(run.id): \(run.automation) (\(run.file)), \(run.status.rawValue)"]
    if let deal { lines.append("  deal      \(Terminal.visible(deal))") }
    if let event { lines.append("  cause     \(event.name) by \(Terminal.visible(event.author.actor))") }
    lines.append("  path      \(Terminal.visible(run.path))")
    lines.append("  queued    \(run.createdAt)")
    if let end = run.finishedAt { lines.append("  ended     \(end)") }
    if let due = run.dueAt { lines.append("  due       \(due)") }
    for row in journal {
      // What the last segment of a failed run did was undone.
      let label = row.step == nil && (run.status == .failed || run.status == .cancelled) ? "undone" : "did   "
      lines += ((try? row.deeds()) ?? ["something that this version can't read"]).map {
        "  \(label)    \(Terminal.visible($0))"
      }
      guard let step = row.step else { continue }
      let attempts = step.attempts > 1 ? ", \(step.attempts) attempts" : ""
      lines.append("  step      \(Terminal.visible(step.name)): \(step.state.rawValue)\(attempts)")
    }
    lines += run.printed.map { "  printed   \(Terminal.visible($0))" }
    for warning in run.warnings { lines.append("  warning   \(Terminal.visible(warning))") }
    guard let fault else { return lines }
    let blank = String(repeating: " ", count: max(1, 10 - fault.kind.count))
    lines.append("  \(fault.kind)\(blank)\(Terminal.visible(fault.message))")
    if let source = fault.sourceLine { lines.append("      \(Terminal.visible(source))") }
    lines += fault.traceback.map { "    \(Terminal.visible($0))" }
    if run.status == .failed, fault.kind != "diverged" {
      lines.append("  mend what it says, then: coulisse runs retry \(run.id)")
    }
    return lines
  }
}

struct RunsRetry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Take a failed or cancelled run up again, where it stopped.",
    discussion: """
      Steps that were answered are not asked again. The scripts are the present ones, unless --same-script is given.

        coulisse runs retry 12
        coulisse runs retry 12 --restart
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "With the scripts as they were when the run was queued.") var sameScript = false
  @Flag(name: .long, help: "From the top: effects of services keep their keys and are not doubled, notes are added again.") var restart = false
  @Flag(name: .long, help: "Even if the deal has later runs.") var force = false
  @Argument(help: "The run's id.") var id: Int64

  func run() throws {
    let workspace = try shared.open()
    let answer = try workspace.perform(.retry(
        runID: id, sameScript: sameScript, restart: restart, force: force, actor: try workspace.actor(shared.actor),
        requestID: UUID().uuidString))
    try RunsCommand.tell(answer, json: shared.json)
  }
}

struct RunsCancel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "End a run that is queued, waits or is retried, or dismiss one that failed.",
    discussion: "  coulisse runs cancel 13")

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The run's id.") var id: Int64

  func run() throws {
    let answer = try shared.open().perform(.cancel(runID: id))
    try RunsCommand.tell(answer, json: shared.json)
  }
}

extension RunsCommand {
  /// - Throws: `ExitCode(1)` when a run failed.
  static func tell(_ answer: EngineAnswer, json: Bool) throws {
    if json {
      try Terminal.print(answer.json)
    } else {
      for warning in answer.warnings { Terminal.warn(warning) }
      try RunLines.print(answer.runs)
    }
    if answer.hasFailedRun { throw ExitCode(1) }
  }
}
