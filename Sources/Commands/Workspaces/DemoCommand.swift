import ArgumentParser
import CRM
import Engine
import Foundation

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Tell the story of three deals, told as it happens in a workspace of its own.",
    discussion: """
      Makes a workspace from the example altitude in a temporary folder and keeps it, so that you can go on there. \
      All papers of the story are left as PDFs in a folder that it names. Exit code 0 only if all went as told.

        coulisse demo
      """)

  func run() throws {
    let parent = FileManager.default.temporaryDirectory.path
    var template = Array("\(parent)/coulisse-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CommandFault("no folder can be made in \(parent); set TMPDIR to a folder that you may write")
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let story = DemoStory(workspace: try WorkspaceMaker.make(at: URL(fileURLWithPath: path), example: "altitude"))
    try story.tell("Altitude sells training and coaching. Its scripts are in \(path)/scripts.")
    try story.coaching()
    try story.group()
    try story.incomplete()
    let papers = "\(path)/papers"
    let count = try story.leavePapers(in: papers)
    try story.tell("")
    try story.tell("The clients' folders are in \(path)/drive/Clients.")
    try story.tell("The \(count) papers of this story, as PDFs, are in \(papers).")
    try story.tell("All of it is in \(path). To go on there:")
    for line in [
      "cd \(ShellWord.quoted(path))", "coulisse deals list", "coulisse deals show groupe", "coulisse signatures list",
      "coulisse documents list --deal groupe", "coulisse run checklist_before_won --deal groupe",
      "coulisse deals move tout-manque \"Créer documents\"", "coulisse test",
    ] { try story.tell("  \(line)") }
  }
}
