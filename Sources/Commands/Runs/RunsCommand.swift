import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "What scripts did: list, show, retry, cancel and migrate runs.",
    discussion: """
        coulisse runs list --status failed
        coulisse runs show 12
        coulisse runs retry 12
        coulisse runs cancel 13
        coulisse runs migrate 14
      """,
    subcommands: [RunsList.self, RunsShow.self, RunsRetry.self, RunsCancel.self, RunsMigrate.self])
}

struct RunsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List runs, the latest first.",
    discussion: """
        coulisse runs list
        coulisse runs list --status failed --status retrying
        coulisse runs list --deal groupe --json
        coulisse runs list --since "7 days" --error "promo"
      """)

  @OptionGroup var shared: SharedOptions
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only runs with this status: \(RunStatus.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "status"))
  var status: [RunStatus] = []
  @Option(name: .long, help: ArgumentHelp("Only runs of this automation.", valueName: "name")) var automation: String?
  @Option(name: .long, help: ArgumentHelp("Only runs of this deal: id or key.", valueName: "id")) var deal: String?
  @Option(
    name: .long,
    help: ArgumentHelp("Only runs queued since then: a date, a time, or how long ago (\"7 days\").", valueName: "time"))
  var since: String?
  @Option(name: .long, help: ArgumentHelp("Only runs whose error says this.", valueName: "text")) var error: String?
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
      filter.since = try since.map { try PastMoment(typed: $0, zone: workspace.declaration.timeZone).instant }
      filter.errorText = error
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
    commandName: "show",
    abstract: "Show one run: its cause, every step with arguments and answer, its warnings, its error.",
    discussion: "  coulisse runs show 12\n  coulisse runs show 12 --timeline\n  coulisse runs show 12 --json")

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Draw when each step began and ended.") var timeline = false
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
    let lines = timeline ? view.timeline(now: OpenWorkspace.now) : view.lines
    for line in lines { try Terminal.print(line) }
  }
}

struct RunsRetry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Take a run that has ended up again: where it stopped, or from a step on.",
    discussion: """
      Steps that were answered are not asked again, unless --from or --restart says so; then services are asked with the \
      same keys as before. The scripts are the present ones, unless --same-script is given.

        coulisse runs retry 12
        coulisse runs retry 12 --from 2
        coulisse runs retry 12 --restart
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "With the scripts as they were when the run was queued.") var sameScript = false
  @Flag(name: .long, help: "From the top: effects of services keep their keys and are not doubled, notes are added again.") var restart = false
  @Option(
    name: .long,
    help: ArgumentHelp("From this step of \"runs show\" on: results before it are kept.", valueName: "step"))
  var from: Int?
  @Flag(name: .long, help: "Even if the deal has later runs.") var force = false
  @Argument(help: "The run's id.") var id: Int64

  func validate() throws {
    if restart, from != nil { throw ValidationError("--restart and --from exclude each other; --from 1 is --restart") }
  }

  func run() throws {
    let workspace = try shared.open()
    var request = RetryRequest(runID: id)
    request.sameScript = sameScript
    request.from = restart ? 1 : from
    request.force = force
    request.actor = try workspace.actor(shared.actor)
    request.requestID = UUID().uuidString
    try RunsCommand.tell(try workspace.perform(.retry(request)), json: shared.json)
  }
}

struct RunsMigrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Let a run that waits go on with the present scripts, if they fit its journal.",
    discussion: """
      A run keeps the scripts that it was queued with. This replays its journal on the present ones; where they would do \
      something else than what was done, it says so and changes nothing.

        coulisse runs migrate 14
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The run's id.") var id: Int64

  func run() throws {
    let answer = try shared.open().perform(.migrate(runID: id))
    if !shared.json { Terminal.note("run \(id) goes on with the present scripts") }
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
