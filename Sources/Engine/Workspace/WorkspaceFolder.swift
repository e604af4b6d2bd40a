import CRM
import Foundation
import Scripting
import Services
import Store

/// Where a workspace keeps what: the folder that a person sees.
public struct WorkspaceFolder: Sendable, Hashable {
  /// The folder itself.
  public let root: URL

  /// - Throws: `EngineFault.workspace` when there is no `workspace.lua` in it.
  public init(_ root: URL) throws(EngineFault) {
    self.root = root
    guard FileManager.default.fileExists(atPath: root.appendingPathComponent("workspace.lua").path) else {
      throw EngineFault(
        .workspace,
        "\(root.path) is no workspace: it has no workspace.lua. Go to one, name one with --workspace DIR, or make one: "
          + "coulisse init DIR")
    }
  }

  /// The SQLite file.
  public var database: String { root.appendingPathComponent("coulisse.db").path }
  /// Lock, socket and the file that names the run in hand.
  public var state: URL { root.appendingPathComponent(".coulisse") }
  /// Locked by whoever is the engine.
  public var lockFile: String { state.appendingPathComponent("engine.lock").path }
  /// Names the run in hand, see `RunInHand`.
  public var watchFile: String { state.appendingPathComponent("run-in-hand").path }

  /// Clients' folders and documents.
  public var drive: URL { root.appendingPathComponent("drive") }
  /// Outgoing mail.
  public var outbox: URL { root.appendingPathComponent("outbox") }

  /// What the local services work with that keep files.
  public func resources(_ store: Store, _ printShop: PrintShop) -> LocalResources {
    LocalResources(
      store: store, drive: DriveDisk(root: drive), outbox: DriveDisk(root: outbox), printShop: printShop)
  }

  /// Makes the folder for lock and socket.
  func prepareState() throws(EngineFault) {
    if mkdir(state.path, 0o755) != 0, errno != EEXIST {
      let reason = String(cString: strerror(errno))
      throw EngineFault(.workspace, "\(state.path) can't be made (\(reason)); check permissions and space of the folder")
    }
  }

  /// What a version of the workspace consists of: `workspace.lua`, the Lua files of `scripts/` but the tests, and the
  /// templates.
  public func sources() throws(EngineFault) -> ScriptSources {
    var files = [ScriptFile(path: "workspace.lua", text: try text(of: "workspace.lua"))]
    for path in scriptPaths() { files.append(ScriptFile(path: path, text: scriptText(of: path))) }
    for path in templatePaths() { files.append(ScriptFile(path: path, text: try text(of: path))) }
    return ScriptSources(files: files)
  }

  /// A script that can't be read is one that does not load, like one with a syntax error: the workspace goes on, and
  /// only the moves that need it are refused. Which those are is seen in its text, as far as it is legible: a stage whose
  /// name is not may be any stage (TriggerScan).
  private func scriptText(of path: String) -> String {
    do {
      return try text(of: path)
    } catch {
      let data = FileManager.default.contents(atPath: root.appendingPathComponent(path).path) ?? Data()
      let legible = String(decoding: data, as: UTF8.self)
      return "error([==[\(error.message)]==], 0) --[======[\n\(legible)\n]======]"
    }
  }

  /// What `workspace.lua` declares.
  /// - Throws: `EngineFault.workspace`.
  public func declaration() throws(EngineFault) -> WorkspaceDeclaration {
    do {
      return try WorkspaceReader.read(text: text(of: "workspace.lua"), name: "workspace.lua")
    } catch let fault as EngineFault {
      throw fault
    } catch {
      throw EngineFault(.workspace, "\(error)")
    }
  }

  /// The HTML files of `templates/` and of `templates/parts/`, in order.
  public func templatePaths() -> [String] {
    ["templates", "templates/parts"].flatMap { folder in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)) ?? []
      return names.filter { $0.hasSuffix(".html") && !$0.hasPrefix(".") }.sorted().map { "\(folder)/\($0)" }
    }
  }

  /// The Lua files of `scripts/` but the tests, in order.
  func scriptPaths() -> [String] { luaFiles(in: "scripts").filter { !$0.hasSuffix("_test.lua") } }

  /// The script tests, by path.
  public func tests() throws(EngineFault) -> [ScriptFile] {
    var files: [ScriptFile] = []
    for path in luaFiles(in: "scripts") where path.hasSuffix("_test.lua") {
      files.append(ScriptFile(path: path, text: scriptText(of: path)))
    }
    return files
  }

  /// The present version. - Throws: `EngineFault.workspace`.
  public func version() throws(EngineFault) -> WorkspaceVersion {
    try WorkspaceVersion(sources: sources()) { ServiceRegistry.local($0) }
  }

  private func luaFiles(in folder: String) -> [String] {
    var found: [String] = []
    var open = [folder]
    while let path = open.popLast() {
      let url = root.appendingPathComponent(path)
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else { continue }
      for name in names where !name.hasPrefix(".") {
        var isFolder: ObjCBool = false
        let child = path + "/" + name
        guard FileManager.default.fileExists(atPath: root.appendingPathComponent(child).path, isDirectory: &isFolder)
        else { continue }
        if isFolder.boolValue {
          // Deep enough for any library, and a link to a parent folder ends.
          if child.split(separator: "/").count < 8 { open.append(child) }
        } else if name.hasSuffix(".lua") {
          found.append(child)
        }
      }
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The text of a file of the workspace, without the byte order mark that some editors put before it.
  /// - Throws: `EngineFault.workspace` when it can't be read or is no UTF-8.
  public func text(of path: String) throws(EngineFault) -> String {
    let url = root.appendingPathComponent(path)
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw EngineFault(.workspace, "\(path) can't be read; check that it is there and that you may read it")
    }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let bytes = data.starts(with: mark) ? data.dropFirst(mark.count) : data
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw EngineFault(.workspace, "\(path) is not UTF-8 text; save it as UTF-8")
    }
    return text
  }
}
