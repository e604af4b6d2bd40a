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
      when nothing is queued, due or running any more.

        coulisse work
        coulisse work --until-idle
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "End when nothing more happens by itself.") var untilIdle = false
  @Flag(name: .long, help: "Make every call of a service a step of its own, as with a vendor's: slower, and the same.")
  var unfused = false

  func run() throws {
    let workspace = try shared.open()
    if !untilIdle, Terminal.isTerminal(.errors) { Terminal.note("working on \(workspace.folder.root.path); Ctrl-C ends") }
    var configuration = EngineThread.Configuration()
    configuration.unfused = unfused
    configuration.log = Logger(label: "coulisse", factory: { StreamLogHandler.standardError(label: $0) })
    let access = workspace.access
    // Whoever holds the workspace can bring it to rest, so this one need not wait until another engine ends.
    if untilIdle {
      _ = try access.perform(.drain, configuration: configuration)
    } else {
      try access.work(configuration: configuration)
    }
  }
}
