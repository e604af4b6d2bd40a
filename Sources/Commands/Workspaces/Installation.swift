import Foundation
import Services

/// Where the scripts and examples that come with the program are.
struct Installation {
  /// Holds `Scripts/` and `Examples/`.
  let root: URL

  var scripts: URL { root.appendingPathComponent("Scripts") }
  var examples: URL { root.appendingPathComponent("Examples") }

  /// Where the Python is that makes PDFs. An incomplete installation is told when a PDF is wanted.
  static var printing: PrintShop.Location { PrintShop.Location(root: (try? Installation())?.root.path ?? "/") }

  /// One process prints for the whole program.
  static let printShop = PrintShop(printing)

  /// Looks in the folders above the executable (a source tree), then in `share/coulisse` beside its `bin`.
  /// - Throws: `CommandFault` that names the folders that were looked at.
  init() throws {
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    let executable = URL(fileURLWithPath: path).standardizedFileURL
    var candidates: [URL] = []
    var folder = executable.deletingLastPathComponent()
    while folder.path != "/" {
      candidates.append(folder)
      folder.deleteLastPathComponent()
    }
    candidates.append(
      executable.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("share/coulisse"))
    guard let root = candidates.first(where: Self.isComplete) else {
      throw CommandFault(
        "the folders Scripts and Examples that come with coulisse are neither above \(executable.path) nor in "
          + "\(candidates.last?.path ?? ""); install coulisse again")
    }
    self.root = root
  }

  private static func isComplete(_ folder: URL) -> Bool {
    ["Scripts", "Examples"].allSatisfy { name in
      var isFolder: ObjCBool = false
      let there = FileManager.default.fileExists(
        atPath: folder.appendingPathComponent(name).path, isDirectory: &isFolder)
      return there && isFolder.boolValue
    }
  }

  /// The names of the examples.
  func exampleNames() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: examples.path)) ?? []
    return names.filter {
      FileManager.default.fileExists(atPath: examples.appendingPathComponent("\($0)/workspace.lua").path)
    }.sorted()
  }
}
