import ArgumentParser
import CRM
import Engine
import Foundation
import Services
import Store

struct DealsMove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "move", abstract: "Move a deal to a stage, with all that its scripts do.",
    discussion: """
      Guards may reject the move: exit code 3, and the deal stays where it is. Otherwise the answer comes when the \
      runs that the move caused have ended, wait, or have their next attempt scheduled. Accents, case and apostrophes \
      of the stage's name don't count.

        coulisse deals move groupe "Créer documents"
        coulisse deals move groupe "creer documents" --dry-run
        coulisse deals move 42 Confirmé --json --as floriane@altitude.example
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Tell what would happen, and change nothing.") var dryRun = false
  @Option(name: .long, help: ArgumentHelp("Only if the deal is in this stage.", valueName: "stage")) var from: String?
  @Argument(help: "The deal's id or key.") var deal: String
  @Argument(help: "The stage's name.") var stage: String

  func run() throws {
    try Transitions.perform(shared, deal, .move(stage: stage, from: from), dryRun: dryRun)
  }
}

struct DealsWin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "win", abstract: "Mark a deal as won; it leaves the pipe.",
    discussion: "  coulisse deals win groupe\n  coulisse deals win groupe --dry-run")

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Tell what would happen, and change nothing.") var dryRun = false
  @Argument(help: "The deal's id or key.") var deal: String

  func run() throws { try Transitions.perform(shared, deal, .close(.won), dryRun: dryRun) }
}

struct DealsLose: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lose", abstract: "Mark a deal as lost.", discussion: "  coulisse deals lose groupe")

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Tell what would happen, and change nothing.") var dryRun = false
  @Argument(help: "The deal's id or key.") var deal: String

  func run() throws { try Transitions.perform(shared, deal, .close(.lost), dryRun: dryRun) }
}

struct DealsReopen: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reopen", abstract: "Open a won or lost deal again, in the stage that it had.",
    discussion: "  coulisse deals reopen groupe")

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Tell what would happen, and change nothing.") var dryRun = false
  @Argument(help: "The deal's id or key.") var deal: String

  func run() throws { try Transitions.perform(shared, deal, .close(.open), dryRun: dryRun) }
}

/// Asks for a change of a deal and tells the answer.
enum Transitions {
  static func perform(_ shared: SharedOptions, _ deal: String, _ change: TransitionChange, dryRun: Bool) throws {
    let workspace = try shared.open()
    let actor = try workspace.actor(shared.actor)
    // With an id of its own the request is not carried out twice, even if its answer is lost on the way.
    let request = TransitionRequest(deal: deal, change: change, actor: actor, requestID: UUID().uuidString)
    if dryRun {
      return try tell(
        try DryRun.transition(
          try workspace.rehearsal(), request, now: OpenWorkspace.now), json: shared.json)
    }
    let answer = try workspace.perform(.transition(request))
    if case .move(_, let from?) = change, !answer.moved, answer.rejected.isEmpty,
      Label.folded(from) != Label.folded(answer.stage)
    {
      if shared.json { try Terminal.print(answer.json) }
      throw CommandFault("deal \(answer.deal) is not moved: it is in \"\(answer.stage)\", not in \"\(from)\"")
    }
    try tell(answer, json: shared.json)
  }

  /// - Throws: `ExitCode(3)` after a rejection, `ExitCode(1)` when a run failed.
  static func tell(_ answer: EngineAnswer, json: Bool) throws {
    if json {
      try Terminal.print(answer.json)
    } else {
      try printWords(answer)
    }
    if !answer.rejected.isEmpty { throw ExitCode(3) }
    if answer.hasFailedRun { throw ExitCode(1) }
  }

  private static func printWords(_ answer: EngineAnswer) throws {
    let deal = Terminal.visible(answer.deal)
    if !answer.rejected.isEmpty {
      try Terminal.print("deal \(deal) stays: \(answer.stage), \(answer.status)")
      for reason in answer.rejected {
        Terminal.note(Terminal.emphasized("rejected: ", .red, on: .errors) + Terminal.visible(reason))
      }
    } else if answer.moved, !answer.to.isEmpty {
      // Won, lost and open again leave the deal in its stage.
      let change = answer.from == answer.to ? "\(answer.status), in \(answer.to)" : "\(answer.from) → \(answer.to)"
      try Terminal.print("deal \(deal): \(change)")
      if !answer.stage.isEmpty, answer.stage != answer.to {
        try Terminal.print("now in \(answer.stage), \(answer.status)")
      }
    } else if answer.runs.isEmpty {
      try Terminal.print("nothing to do: deal \(deal) is in \(answer.stage), \(answer.status)")
    }
    for line in answer.printed { try Terminal.print("  | \(Terminal.visible(line))") }
    for warning in answer.warnings { Terminal.warn(warning) }
    try RunLines.print(answer.runs)
  }

  /// - Throws: `ExitCode(3)` when a guard would reject it, `ExitCode(1)` when a run would fail.
  static func tell(_ report: DryRunReport, json: Bool) throws {
    if json {
      try Terminal.print(report.json)
    } else {
      for line in report.lines {
        for (place, part) in line.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
          try Terminal.print((place == 0 ? "would: " : "       ") + Terminal.visible(String(part)))
        }
      }
      for reason in report.rejected {
        Terminal.note(Terminal.emphasized("would be rejected: ", .red, on: .errors) + Terminal.visible(reason))
      }
      for warning in report.warnings { Terminal.warn(warning) }
      if let failure = report.failure {
        Terminal.note(Terminal.emphasized("would fail: ", .red, on: .errors) + Terminal.visible(failure.message))
      }
      if report.lines.isEmpty && report.rejected.isEmpty && report.failure == nil { try Terminal.print("would: nothing") }
    }
    if !report.rejected.isEmpty { throw ExitCode(3) }
    if report.failure != nil { throw ExitCode(1) }
  }
}

/// What became of runs, a line each.
enum RunLines {
  static func print(_ runs: [RunAnswer]) throws {
    for run in runs {
      let error = run.error.map { ": " + Terminal.visible($0) } ?? ""
      try Terminal.print("  run \(run.id) \(run.automation): \(run.status.rawValue)\(error)")
      for line in run.printed { try Terminal.print("    | \(Terminal.visible(line))") }
    }
  }
}
