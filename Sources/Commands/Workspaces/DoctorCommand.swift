import ArgumentParser
import CRM
import Engine
import Foundation
import LuaKit
import Store

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what is missing, due or broken, and how to mend it.",
    discussion: """
      Exit code 1 if anything needs mending.

        coulisse doctor
        coulisse doctor --json
      """)

  @OptionGroup var shared: SharedOptions

  func run() throws {
    let folder = try WorkspaceFolder(URL(fileURLWithPath: shared.workspace ?? ".").standardizedFileURL)
    var examination = Examination()
    examination.look(at: folder)
    if shared.json {
      try Terminal.print(examination.json)
    } else {
      for fact in examination.facts { try Terminal.print("\(fact.name): \(Terminal.visible(fact.text))") }
      for complaint in examination.complaints {
        try Terminal.print(Terminal.emphasized("to mend: ", .yellow, on: .data) + Terminal.visible(complaint.what))
        try Terminal.print("  \(complaint.remedy)")
      }
      if examination.complaints.isEmpty { try Terminal.print("nothing to mend") }
    }
    if !examination.complaints.isEmpty { throw ExitCode(1) }
  }
}

/// What a doctor finds.
struct Examination {
  var facts: [(name: String, text: String)] = []
  var complaints: [(what: String, remedy: String)] = []

  var json: JSON {
    .object([
      JSONMember("facts", .object(facts.map { JSONMember($0.name, .string($0.text)) })),
      JSONMember(
        "problems",
        .array(
          complaints.map {
            .object([JSONMember("problem", .string($0.what)), JSONMember("remedy", .string($0.remedy))])
          })),
    ])
  }

  /// A part that is broken is a finding, and the others are looked at all the same.
  mutating func look(at folder: WorkspaceFolder) {
    facts.append(("workspace", folder.root.path))
    let lua = LuaState.versionReport
    let faults = lua.faults.isEmpty ? "" : ", \(lua.faults.count) known faults, none of which scripts can reach"
    facts.append(("lua", "\(lua.version)\(faults)"))
    if lua.patch == nil {
      complaints.append(("the Lua library is \(lua.version), not a release of Lua 5.4", "install liblua5.4"))
    }
    var engineLives = false
    attempt("mend the permissions of the folder") { examination in
      engineLives = try EngineLock.take(folder, wait: false) == nil
      examination.facts.append(("engine", engineLives ? "one is at work" : "none is at work"))
    }
    // That workspace.lua is broken is among what is found in the scripts.
    if let workspace = try? OpenWorkspace(path: folder.root.path) {
      attempt("mend what it says, then: coulisse doctor") { try $0.lookAtRecords(workspace, engineLives: engineLives) }
    }
    attempt("mend the file, then: coulisse check") { try $0.lookAtScripts(folder) }
    lookAtPapers(folder)
  }

  private static func words(of policy: CallPolicy) -> String {
    let rate = policy.perMinute.map { ", \($0) a minute" } ?? ""
    return "\(policy.retries) retries after \(policy.backoff) to \(policy.longestBackoff), time-out \(policy.timeout), "
      + "\(policy.atOnce) at once\(rate), down after \(policy.downAfter) failures"
  }

  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  private mutating func attempt(_ remedy: String, _ look: (inout Examination) throws -> Void) {
    do {
      try look(&self)
    } catch {
      complaints.append((Terminal.words(of: error), remedy))
    }
  }

  private mutating func lookAtRecords(_ workspace: OpenWorkspace, engineLives: Bool) throws {
    try workspace.read { tx in
      var failed = RunFilter()
      failed.statuses = [.failed]
      let failures = try tx.runs(matching: failed)
      let queued = try tx.openRuns([.queued, .running], limit: nil).count
      let due = try tx.dueRuns(now: OpenWorkspace.now, limit: 1_000).count
      let waiting = try tx.openRuns([.waiting], limit: nil).count
      facts.append(("runs", "\(queued) queued, \(waiting) waiting, \(due) due, \(failures.count) failed"))
      if queued + due > 0, !engineLives {
        complaints.append((
          "\(Self.count(queued + due, "run")) queued or due, and no engine is at work", "coulisse work --until-idle"
        ))
      }
      let late = try tx.schedules().filter { $0.dueAt.map { $0 <= OpenWorkspace.now } ?? false }
      if let first = late.first, !engineLives {
        complaints.append((
          "\(Self.count(late.count, "scheduled automation")) due, the first is \(first.automation), and no engine is at work",
          "coulisse work --until-idle"
        ))
      }
      for (service, runs) in try tx.holdingServices() {
        complaints.append((
          "\(service) does not answer; \(Self.count(runs, "run")) wait until it does",
          engineLives ? "see why: coulisse runs list --status retrying" : "coulisse work"
        ))
      }
      facts.append(("calls", Self.words(of: workspace.declaration.limits.calls)))
      for (service, policy) in workspace.declaration.callPolicies.sorted(by: { $0.key < $1.key }) {
        facts.append(("calls of \(service)", Self.words(of: policy)))
      }
      let retention = workspace.declaration.retention
      facts.append(("retention", "ended runs for \(retention.age), at most \(retention.runs)"))
      for run in failures.prefix(10) {
        let message = RunAnswer(run).error ?? "failed"
        complaints.append((
          "run \(run.id) (\(run.automation)) failed: \(message)",
          "mend what it says, then: coulisse runs retry \(run.id)"
        ))
      }
      if failures.count > 10 {
        complaints.append(("\(Self.count(failures.count - 10, "more run")) failed", "coulisse runs list --status failed"))
      }
      for stage in try tx.stages().filter(\.isRetired) {
        let deals = try tx.find(
          .deal, [ValueField("stage", .record(RecordRef(.stage, stage.id)))], limit: nil)
        guard let first = deals.first else { continue }
        complaints.append((
          "\(Self.count(deals.count, "deal")) in the stage \"\(stage.name)\", which workspace.lua no longer declares",
          "declare it again, or move them, the first with: coulisse deals move \(first.id) STAGE"
        ))
      }
      lookAtSignatures(try tx.signatureRequests(of: nil).filter(\.state.isOpen))
      facts.append(("users", String(try tx.find(.user, [], limit: nil).count)))
    }
    // The check reads every page, with a connection of its own.
    let store = try Store(path: workspace.folder.database)
    let faults = try store.integrityFaults()
    facts.append(("database", faults.isEmpty ? "sound" : Self.count(faults.count, "fault")))
    for fault in faults.prefix(5) {
      complaints.append(("the database is damaged: \(fault)", "restore coulisse.db from a backup"))
    }
  }

  private mutating func lookAtScripts(_ folder: WorkspaceFolder) throws {
    let findings = try DeepStack.run { try CheckCommand.findings(in: folder) }
    let inScripts = findings.filter { !$0.file.hasPrefix("templates/") }.count
    facts.append(("scripts", inScripts == 0 ? "sound" : Self.count(inScripts, "problem")))
    let inTemplates = findings.count - inScripts
    facts.append(("templates", inTemplates == 0 ? "sound" : Self.count(inTemplates, "problem")))
    for finding in findings where finding.weight == .error {
      let what = finding.file.hasPrefix("templates/") ? "template" : "script"
      complaints.append((finding.words, "mend the \(what), then: coulisse check"))
    }
  }
}
