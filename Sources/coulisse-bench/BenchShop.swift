import CBaseline
import Engine
import Foundation
import Scripting
import Store

/// A workspace in a temporary folder with a filled database, of which each measurement takes a copy.
final class BenchShop {
  let folder: URL
  let deals: Int64
  let sources: ScriptSources
  private var copies = 0

  static let workspace = """
    return {
      pipelines = { { name = "Ventes", stages = { "Qualifié", "Créer documents", "Confirmé" } } },
      fields = { deal = {
        { key = "promo", label = "Promo" }, { key = "place", label = "Lieu" },
        { key = "quote_number", label = "N° du devis" }, { key = "quote_url", label = "Devis" },
        { key = "hours_total", label = "Heures", type = "hours" } } },
    }
    """

  /// - Parameters:
  ///   - script: what is bound to the stages.
  ///   - inMemory: on a disk of memory, if there is one: for costs that a disk's sync would hide.
  init(deals: Int64, script: String, inMemory: Bool = false) throws {
    self.deals = deals
    let memory = URL(fileURLWithPath: "/dev/shm")
    let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
    folder = (isThere ? memory : FileManager.default.temporaryDirectory)
      .appendingPathComponent("coulisse-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("scripts"), withIntermediateDirectories: true)
    try Data(Self.workspace.utf8).write(to: folder.appendingPathComponent("workspace.lua"))
    try Data(script.utf8).write(to: folder.appendingPathComponent("scripts/w1.lua"))
    let workspace = try WorkspaceFolder(folder)
    sources = try workspace.sources()
    let store = try Store(path: workspace.database)
    let version = try WorkspaceVersion(sources: sources) { .local($0) }
    try store.write { try $0.synchronize(pipelines: version.declaration.pipelines) }
    try store.checkpoint()
    try store.close()
    if let problem = baseline_fill(workspace.database, deals) {
      throw BenchError(description: String(cString: problem))
    }
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// The path of a new copy of the database.
  func copy() throws -> String {
    copies += 1
    let path = folder.appendingPathComponent("copy\(copies).db").path
    try FileManager.default.copyItem(atPath: folder.appendingPathComponent("coulisse.db").path, toPath: path)
    return path
  }

  /// An engine on a new copy, started.
  func engine(_ configuration: EngineThread.Configuration = .init()) throws -> (engine: EngineThread, path: String) {
    let path = try copy()
    let engine = EngineThread(store: try Store(path: path), sources: sources, configuration: configuration, watch: nil)
    engine.start()
    return (engine, path)
  }
}

extension EngineThread {
  /// Moves a deal to the stage with the script.
  func move(_ deal: Int64) throws -> EngineAnswer {
    let answer = try perform(
      .transition(
        TransitionRequest(
          deal: String(deal), change: .move(stage: "Créer documents", from: nil), actor: "user:bench")))
    guard answer.moved, !answer.hasFailedRun else { throw BenchError(description: "\(answer)") }
    return answer
  }
}
