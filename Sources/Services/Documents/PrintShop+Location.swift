import Foundation

extension PrintShop {
  /// Where the Python that makes PDFs is, and the script that it executes.
  public struct Location: Hashable, Sendable {
    /// Paths, absolute.
    public var python: String
    public var script: String

    public init(python: String, script: String) {
      self.python = URL(fileURLWithPath: python).path
      self.script = URL(fileURLWithPath: script).path
    }

    /// The place under `root`, which is `share/coulisse` of an installed program if `python/documents.py` is there,
    /// else the top of a source tree with `.build/python`. Whether it is complete shows when it is used, so that who
    /// makes no documents needs no Python. COULISSE_PYTHON in `environment` names another executable.
    public init(root: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
      let root = URL(fileURLWithPath: root)
      var (python, script) = ("python/bin/python3", "python/documents.py")
      if !FileManager.default.fileExists(atPath: root.appendingPathComponent(script).path) {
        (python, script) = (".build/python/bin/python3", "Sources/Services/Python/documents.py")
      }
      let named = environment["COULISSE_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
      self.init(
        python: named ?? root.appendingPathComponent(python).path, script: root.appendingPathComponent(script).path)
    }
  }
}
