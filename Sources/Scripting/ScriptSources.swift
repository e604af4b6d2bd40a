import CRM
import Crypto

/// One file of a workspace, by its path in it: `workspace.lua`, `scripts/won_card.lua`.
public struct ScriptFile: Hashable, Sendable {
  /// Relative to the workspace: `scripts/x.lua`.
  public var path: String
  /// All of it.
  public var text: String

  /// A file that was read.
  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }
}

/// Everything that a run's behaviour depends on: scripts, libraries and declarations, under one content hash.
public struct ScriptSources: Hashable, Sendable {
  /// By path, in the order of bytes.
  public let files: [ScriptFile]
  /// SHA-256 over paths and texts, in hexadecimal digits.
  public let hash: String

  /// Files of a workspace, in whatever order.
  public init(files: [ScriptFile]) {
    self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    var digest = SHA256()
    for file in self.files {
      // Lengths keep two different divisions of the same bytes apart.
      digest.update(data: Array("\(file.path.utf8.count):\(file.text.utf8.count):".utf8))
      digest.update(data: Array(file.path.utf8))
      digest.update(data: Array(file.text.utf8))
    }
    hash = digest.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// The text of one file.
  public func text(_ path: String) -> String? { files.first { $0.path == path }?.text }

  /// The texts of `templates/*.html`, by the file's name without its ending; what they include as `parts/NAME`.
  public var templates: [String: String] {
    var templates: [String: String] = [:]
    for file in files where file.path.hasPrefix("templates/") && file.path.hasSuffix(".html") {
      templates[String(file.path.dropFirst("templates/".count).dropLast(".html".count))] = file.text
    }
    return templates
  }

  /// Files that may declare automations: those of `scripts/` itself; its subfolders hold libraries.
  var automationFiles: [ScriptFile] {
    files.filter { file in
      let parts = file.path.split(separator: "/")
      return parts.count == 2 && parts[0] == "scripts" && !file.path.hasSuffix("_test.lua")
    }
  }
}
