import ArgumentParser
import CRM
import Engine
import Foundation
import Store

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a workspace in a new or empty folder.",
    discussion: """
        coulisse init shop
        coulisse init shop --example altitude
      """)

  @Argument(help: "The folder.") var folder: String
  @Option(name: .long, help: ArgumentHelp("A complete workspace with data, such as altitude.", valueName: "name"))
  var example: String?

  func run() throws {
    let url = URL(fileURLWithPath: folder).standardizedFileURL
    let workspace = try WorkspaceMaker.make(at: url, example: example)
    try Terminal.print("made the workspace \(url.path)")
    let deals = try workspace.read { try $0.find(.deal, [], limit: nil).count }
    if deals > 0 { try Terminal.print("  \(deals) deals, with the scripts of the example \(example ?? "")") }
    try Terminal.print("next:")
    try Terminal.print("  cd \(ShellWord.quoted(folder))")
    if example != nil {
      try Terminal.print("  coulisse deals list")
      try Terminal.print("  coulisse deals move groupe \"Créer documents\"")
      try Terminal.print("  coulisse test")
    } else {
      try Terminal.print("  edit workspace.lua (stages, fields) and scripts/hello.lua (a first automation)")
      try Terminal.print("  coulisse deals create --title \"My first deal\"")
      try Terminal.print("  coulisse check")
      try Terminal.print("  coulisse test")
    }
  }
}

/// A word as a shell takes it.
enum ShellWord {
  static func quoted(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.utf8.first != UInt8(ascii: "-")
      && text.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || "0123456789-_./".unicodeScalars.contains($0) }
    return isPlain ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}

/// Makes workspaces.
enum WorkspaceMaker {
  /// - Throws: `CommandFault` when the folder is not empty or there is no such example; nothing is left behind then.
  static func make(at url: URL, example: String?) throws -> OpenWorkspace {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    let wasThere = files.fileExists(atPath: url.path, isDirectory: &isFolder)
    if wasThere {
      guard isFolder.boolValue else { throw CommandFault("\(url.path) is a file; name a new or empty folder") }
      let present = try files.contentsOfDirectory(atPath: url.path)
      if present.contains("workspace.lua") { throw CommandFault("\(url.path) is a workspace already") }
      guard present.isEmpty else {
        throw CommandFault("\(url.path) is not empty (it holds \(present.sorted()[0])); name a new or empty folder")
      }
    }
    let source = try example.map { try exampleFolder($0) }
    do {
      do {
        try files.createDirectory(at: url, withIntermediateDirectories: true)
      } catch {
        throw CommandFault("\(url.path) can't be made: \(Terminal.words(of: error)); name another place")
      }
      return try fill(url, from: source)
    } catch {
      // Half a workspace would look like one.
      for name in (try? files.contentsOfDirectory(atPath: url.path)) ?? [] {
        try? files.removeItem(at: url.appendingPathComponent(name))
      }
      if !wasThere { try? files.removeItem(at: url) }
      throw error
    }
  }

  private static func exampleFolder(_ name: String) throws -> (example: URL, scripts: URL) {
    let installation = try Installation()
    let names = installation.exampleNames()
    guard names.contains(name) else {
      throw CommandFault("there is no example \"\(name)\"; the examples are \(names.joined(separator: ", "))")
    }
    return (installation.examples.appendingPathComponent(name), installation.scripts)
  }

  private static func fill(_ url: URL, from source: (example: URL, scripts: URL)?) throws -> OpenWorkspace {
    let files = FileManager.default
    let scripts = url.appendingPathComponent("scripts")
    if let source {
      try files.copyItem(at: source.scripts, to: scripts)
      for name in try files.contentsOfDirectory(atPath: source.example.path) where !name.hasPrefix(".") {
        try files.copyItem(at: source.example.appendingPathComponent(name), to: url.appendingPathComponent(name))
      }
    } else {
      try files.createDirectory(at: scripts, withIntermediateDirectories: true)
      try Starter.workspace.write(to: url.appendingPathComponent("workspace.lua"), atomically: true, encoding: .utf8)
      try Starter.hello.write(to: scripts.appendingPathComponent("hello.lua"), atomically: true, encoding: .utf8)
      try Starter.helloTest.write(
        to: scripts.appendingPathComponent("hello_test.lua"), atomically: true, encoding: .utf8)
    }
    let workspace = try OpenWorkspace(path: url.path)
    try workspace.write { _ in }
    let data = url.appendingPathComponent("data.json")
    if source != nil, files.fileExists(atPath: data.path) {
      _ = try ImportCommand.run(
        try JSON(parsing: Array(try Data(contentsOf: data))), workspace, Author(actor: "import"))
    }
    return workspace
  }
}

/// What a workspace without an example begins with.
enum Starter {
  static let workspace = """
    -- Whose workspace it is, its stages and its own fields.
    return {
      seller = { name = "My company" },
      currency = "EUR",
      time_zone = "Europe/Paris",

      pipelines = {
        { name = "Ventes", stages = { "Qualifié", "Proposition", "Confirmé" } },
      },

      -- Beside the built-in fields of each kind of record. filled_by: "person", "automation" or "any".
      fields = {
        deal = {
          -- { key = "start_date", label = "Date de début", type = "date", filled_by = "person" },
        },
      },
    }

    """

  static let hello = """
    -- A first automation: whoever confirms a deal leaves a note in it.
    on.enter("Confirmé", function (deal)
      deal:add_note("Confirmé le " .. tostring(today()))
    end)

    -- A guard runs before a move and may reject it:
    --
    -- on.before_enter("Confirmé", function (deal)
    --   if not deal.organization then reject("Deal %q: « Organisation » is empty", deal.title) end
    -- end)

    """

  static let helloTest = """
    describe("hello", function ()
      it("leaves a note when a deal is confirmed", function ()
        local deal = fixture.deal { title = "Un essai" }
        move(deal, "Confirmé")
        local notes = {}
        for _, note in ipairs(deal.notes) do notes[#notes + 1] = note.text end
        expect(table.concat(notes, "\\n")):to_contain("Confirmé le")
      end)
    end)

    """
}
