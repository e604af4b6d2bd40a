import CRM
import CoreMetrics
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Commands

/// Seeing what goes on: logs, metrics, statistics, the picture of a run.
@Suite("Logs, metrics, stats, timeline")
struct TelemetryTests {
  @Test("a log line is one object of JSON, with its ids as members, whatever is in the message")
  func jsonLog() throws {
    let lines = Mutex<[String]>([])
    let log = Logger(label: "t") { _ in
      JSONLogHandler(now: { Instant(milliseconds: 0) }, write: { line in lines.withLock { $0.append(line) } })
    }
    log.error("run 7: failed: \"é\"\n{", metadata: ["run": "7", "path": "a@deal:1 > b@deal:1"])
    let line = try #require(lines.withLock { $0 }.first)
    #expect(!line.contains("\n"))
    let json = try JSON(parsing: line)
    #expect(json["level"] == .string("error"))
    #expect(json["time"] == .string("1970-01-01T00:00:00.000Z"))
    #expect(json["message"] == .string("run 7: failed: \"é\"\n{"))
    #expect(json["run"] == .integer(7) && json["path"] == .string("a@deal:1 > b@deal:1"))
  }

  @Test("counters, gauges and times are in the file as Prometheus reads them")
  func prometheus() {
    let file = PrometheusFile()
    for name in ["a \"b\"", "c"] {
      Counter(label: "coulisse_runs_total", dimensions: [("automation", name), ("status", "failed")], factory: file)
        .increment(by: 2)
    }
    Counter(label: "coulisse_runs_total", dimensions: [("automation", "c"), ("status", "failed")], factory: file).increment()
    Gauge(label: "coulisse_open_runs", dimensions: [("status", "queued")], factory: file).record(3)
    for milliseconds: Int64 in [1500, 500] {
      Timer(label: "coulisse_call_seconds", factory: file).recordMilliseconds(milliseconds)
    }
    #expect(
      file.text == """
        # TYPE coulisse_call_seconds summary
        coulisse_call_seconds_sum 2.0
        coulisse_call_seconds_count 2
        # TYPE coulisse_open_runs gauge
        coulisse_open_runs{status="queued"} 3.0
        # TYPE coulisse_runs_total counter
        coulisse_runs_total{automation="a \\"b\\"",status="failed"} 2
        coulisse_runs_total{automation="c",status="failed"} 3

        """)
  }

  private func shop() throws -> Workspace {
    try Workspace.withDeal(scripts: [
      "t": """
      on.demand("pause", function (deal) sleep("1 ms") deal.title = "x" end)
      on.demand("breaks", function (deal) error("promo is wrong") end)
      """
    ])
  }

  @Test("stats counts runs and failures by automation and lists what waits longest, as a table and as JSON")
  func stats() throws {
    let workspace = try shop()
    _ = try workspace.run("run", "pause", "--deal", "d1")
    for _ in 0..<2 { _ = try workspace.run("run", "breaks", "--deal", "d1") }
    let json = try workspace.json("stats")
    let automations = json["automations"]?.arrayValue ?? []
    let breaks = automations.first { $0["automation"] == .string("breaks") }
    #expect(breaks?["runs"] == .integer(2) && breaks?["failed"] == .integer(2))
    #expect(automations.first { $0["automation"] == .string("pause") }?["open"] == .integer(1))
    #expect(json["oldest_waits"]?.arrayValue?.first?["automation"] == .string("pause"))
    let table = try workspace.did("stats").out
    #expect(table.contains("automation") && table.contains("waits longest"))
    #expect(try workspace.run("stats", "--since", "soon").status == 1)
  }

  @Test("runs list finds runs by time and by what their error says, whatever accents and case")
  func listFilters() throws {
    let workspace = try shop()
    _ = try workspace.run("run", "breaks", "--deal", "d1")
    func count(_ arguments: String...) throws -> Int? {
      try workspace.run(["runs", "list", "--json"] + arguments).json.arrayValue?.count
    }
    #expect(try count("--error", "PROMO IS") == 1)
    #expect(try count("--error", "quote") == 0)
    #expect(try count("--since", "1 hour") == 1)
    #expect(try count("--since", "2020-01-01") == 1)
    #expect(try count("--since", "2099-01-01") == 0)
  }

  @Test("--timeline draws each step on one axis")
  func timeline() throws {
    let workspace = try shop()
    _ = try workspace.run("run", "pause", "--deal", "d1")
    Thread.sleep(forTimeInterval: 0.05)
    _ = try workspace.run("work", "--until-idle")
    let lines = try workspace.run("runs", "show", "1", "--timeline").out.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.last?.contains("1 sleep") == true && lines.last?.contains("·") == true)
  }

  @Test("check finds a misspelt service and a misspelt setting in workspace.lua, which no operation would ever say")
  func services() throws {
    for (settings, words) in [
      ("accuonting = { calls = { at_once = 2 } }", "there is no service 'accuonting'; did you mean 'accounting'?"),
      ("board = { list = { 'A' } }", "services.board has no setting 'list'; did you mean 'lists'?"),
    ] {
      let workspace = try Workspace.withDeal()
      try workspace.edit("workspace.lua") {
        $0.replacingOccurrences(of: "currency =", with: "services = { \(settings) }, currency =")
      }
      let outcome = try workspace.run("check")
      #expect(outcome.status == 1 && outcome.out.contains(words), "\(outcome)")
    }
  }
}
