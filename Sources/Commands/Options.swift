import ArgumentParser

/// What every command on a workspace takes.
struct SharedOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The workspace's folder. (default: the current one)", valueName: "dir"))
  var workspace: String?

  @Option(
    name: .customLong("as"),
    help: ArgumentHelp(
      "Who acts: the e-mail address of a user. (default: the user of this system account in workspace.lua)",
      valueName: "email"))
  var actor: String?

  @Flag(name: .long, help: "Print JSON.")
  var json = false

  init() {}

  func open() throws -> OpenWorkspace { try OpenWorkspace(path: workspace ?? ".") }
}
