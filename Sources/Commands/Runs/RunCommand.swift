import ArgumentParser
import CRM
import Engine
import Foundation
import Logging
import Services

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run an automation: on a deal, whatever its trigger; or without one.",
    discussion: """
        coulisse run thank_referrer --deal groupe --dry-run
        coulisse run pin_brief --deal 42
        coulisse run sync_products
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The automation's name; \"coulisse automations\" lists them.") var automation: String
  @Option(name: .long, help: ArgumentHelp("The deal's id or key.", valueName: "id")) var deal: String?
  @Flag(name: .long, help: "Tell what would happen, and change nothing.") var dryRun = false

  func run() throws {
    let workspace = try shared.open()
    let actor = try workspace.actor(shared.actor)
    if dryRun {
      return try Transitions.tell(
        try DryRun.demand(
          try workspace.rehearsal(), automation: automation, deal: deal, actor: actor,
          now: OpenWorkspace.now), json: shared.json)
    }
    let answer = try workspace.perform(
      .demand(automation: automation, deal: deal, actor: actor, requestID: UUID().uuidString))
    try Transitions.tell(answer, json: shared.json)
  }
}

struct WorkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "work", abstract: "Be the engine: execute what is queued or due, and what a dead process left.",
    discussion: """
      Other commands find this engine and let it do their work. It ends with Ctrl-C, or by itself with --until-idle \
      when nothing is queued, due or running any more. Scripts execute in a process of their own: one that kills or stalls \
      it fails, and all others go on.

        coulisse work
        coulisse work --until-idle
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "End when nothing more happens by itself.") var untilIdle = false
  @Flag(name: .long, help: "Make every call of a service a step of its own, as with a vendor's: slower, and the same.")
  var unfused = false

  @Option(name: .long, help: ArgumentHelp("How log lines are written: text or json.", valueName: "format"))
  var log = LogFormat.text
  @Option(
    name: .long,
    help: ArgumentHelp("Keep counts and times in this file, in Prometheus' text format.", valueName: "file"))
  var metrics: String?
  @Flag(name: .long, help: .hidden) var supervised = false

  enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  func run() throws {
    let workspace = try shared.open()
    if !untilIdle, !supervised { return try supervise(workspace) }
    if supervised { Supervisor.followSupervisor() }
    try work(workspace)
  }

  /// Scripts execute in a process of their own, which may die of them.
  private func supervise(_ workspace: OpenWorkspace) throws {
    if Terminal.isTerminal(.errors) { Terminal.note("working on \(workspace.folder.root.path); Ctrl-C ends") }
    var supervisor = Supervisor(workspace.folder, arguments: CommandLine.arguments.dropFirst() + ["--supervised"]) {
      Terminal.warn($0)
    }
    let code = try supervisor.run()
    if code != 0 { throw ExitCode(code) }
  }

  private func work(_ workspace: OpenWorkspace) throws {
    var configuration = EngineThread.Configuration()
    configuration.unfused = unfused
    let format = log
    configuration.log = Logger(label: "coulisse") { label -> any LogHandler in
      format == .json ? JSONLogHandler() : StreamLogHandler.standardError(label: label)
    }
    if let metrics { MetricsOutlet(path: metrics, log: configuration.log).attach(to: &configuration) }
    let access = workspace.access
    // Whoever holds the workspace can bring it to rest, so this one need not wait until another engine ends.
    if untilIdle {
      _ = try access.perform(.drain, configuration: configuration)
    } else {
      try access.work(configuration: configuration)
    }
  }
}
