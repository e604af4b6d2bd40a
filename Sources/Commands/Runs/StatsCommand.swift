import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Count runs and failures by automation, and failed calls by service; list what waits longest.",
    discussion: """
      Times are from being queued to the end, waits included: of half of the runs (p50), of 99 in 100 (p99).

        coulisse stats
        coulisse stats --since "30 days" --json
      """)

  @OptionGroup var shared: SharedOptions
  @Option(
    name: .long,
    help: ArgumentHelp("What was queued since then: a date, a time, or how long ago (\"7 days\").", valueName: "time"))
  var since = "30 days"

  func run() throws {
    let workspace = try shared.open()
    let from = try PastMoment(typed: since, zone: workspace.declaration.timeZone).instant
    let view = try workspace.read { tx in try StatsView(tx, since: from) }
    if shared.json { return try Terminal.print(view.json) }
    try view.print()
  }
}

/// What ran, what failed, what waits.
private struct StatsView {
  private static let oldestShown = 10

  let since: Instant
  let automations: [AutomationStatistics]
  let services: [ServiceStatistics]
  let held: [(service: String, runs: Int)]
  let waits: [(run: RunRow, deal: String?)]

  init(_ tx: any StoreTransaction, since: Instant) throws {
    self.since = since
    automations = try tx.automationStatistics(since: since)
    services = try tx.serviceStatistics(since: since)
    held = try tx.holdingServices()
    waits = try tx.openRuns([.waiting, .retrying], limit: nil).sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
      .prefix(Self.oldestShown).map { ($0, try RunWords.deal(of: $0, tx)) }
  }

  func print() throws {
    if automations.isEmpty { return Terminal.note("no runs since \(since)") }
    var runs = Table([
      ("automation", .left), ("runs", .right), ("failed", .right), ("cancelled", .right), ("open", .right), ("p50", .right),
      ("p99", .right),
    ])
    for entry in automations {
      runs.add([
        entry.automation, String(entry.runs), String(entry.failed), String(entry.cancelled), String(entry.open),
        Self.words(entry.median), Self.words(entry.slowest),
      ])
    }
    try runs.print()
    if !services.isEmpty {
      try Terminal.print("")
      var calls = Table([
        ("service", .left), ("calls", .right), ("failed", .right), ("p50", .right), ("p99", .right), ("", .left),
      ])
      for entry in services {
        let waiting = held.first { $0.service == entry.service }.map { "down, \($0.runs) run(s) wait" } ?? ""
        calls.add([
          entry.service, String(entry.attempts), Self.share(entry.failures, of: entry.attempts), Self.words(entry.median),
          Self.words(entry.slowest), waiting,
        ])
      }
      try calls.print()
    }
    if waits.isEmpty { return }
    try Terminal.print("")
    var oldest = Table([("waits longest", .right), ("automation", .left), ("deal", .left), ("since", .left), ("until", .left)])
    for (run, deal) in waits {
      oldest.add([
        String(run.id), run.automation, deal ?? "", run.createdAt.description,
        run.dueAt?.description ?? run.heldBy.map { "\($0) answers again" } ?? "",
      ])
    }
    try oldest.print()
  }

  private static func words(_ span: TimeSpan?) -> String { span.map(RunTimeline.words) ?? "" }

  private static func share(_ part: Int, of all: Int) -> String {
    part == 0 ? "0" : "\(part) (\(String(format: "%.1f", 100 * Double(part) / Double(max(1, all)))) %)"
  }

  var json: JSON {
    func span(_ span: TimeSpan?) -> JSON { span.map { .integer($0.milliseconds) } ?? .null }
    return .object([
      JSONMember("since", .string(since.description)),
      JSONMember(
        "automations",
        .array(
          automations.map {
            .object([
              JSONMember("automation", .string($0.automation)), JSONMember("runs", .integer(Int64($0.runs))),
              JSONMember("succeeded", .integer(Int64($0.succeeded))), JSONMember("failed", .integer(Int64($0.failed))),
              JSONMember("cancelled", .integer(Int64($0.cancelled))), JSONMember("open", .integer(Int64($0.open))),
              JSONMember("p50_ms", span($0.median)), JSONMember("p99_ms", span($0.slowest)),
            ])
          })),
      JSONMember(
        "services",
        .array(
          services.map { entry in
            .object([
              JSONMember("service", .string(entry.service)), JSONMember("calls", .integer(Int64(entry.attempts))),
              JSONMember("failed", .integer(Int64(entry.failures))), JSONMember("p50_ms", span(entry.median)),
              JSONMember("p99_ms", span(entry.slowest)),
              JSONMember("held_runs", .integer(Int64(held.first { $0.service == entry.service }?.runs ?? 0))),
            ])
          })),
      JSONMember(
        "oldest_waits",
        .array(
          waits.map { wait in
            .object([
              JSONMember("run", .integer(wait.run.id)), JSONMember("automation", .string(wait.run.automation)),
              JSONMember("deal", wait.deal.map { .string($0) } ?? .null),
              JSONMember("since", .string(wait.run.createdAt.description)),
              JSONMember("until", wait.run.dueAt.map { .string($0.description) } ?? .null),
              JSONMember("held_by", wait.run.heldBy.map { .string($0) } ?? .null),
            ])
          })),
    ])
  }
}
