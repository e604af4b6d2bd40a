import Foundation
import Scripting

#if canImport(Glibc)
  import Glibc
#endif

/// Notices that `workspace.lua` or a script was saved, for an engine that stays. Looks at names, sizes and times only,
/// so that it can be asked before every change of a deal.
///
/// Not Sendable: the engine's thread owns it.
final class SourceWatch {
  private struct Stamp: Hashable {
    var path: String
    var size: Int
    var seconds: Int
    var nanoseconds: Int
    var inode: UInt
  }

  private let folder: WorkspaceFolder
  private var stamps: [Stamp]?

  init(_ folder: WorkspaceFolder) { self.folder = folder }

  /// The sources, if something was saved since the last call; nil if not, and the first time.
  /// - Throws: `EngineFault.workspace` when a file can't be read; asked again, it tells that once only.
  func changed() throws(EngineFault) -> ScriptSources? {
    let present = look()
    defer { stamps = present }
    guard let stamps, stamps != present else { return nil }
    return try folder.sources()
  }

  private func look() -> [Stamp] {
    (["workspace.lua"] + folder.scriptPaths() + folder.templatePaths()).map { path in
      var status = stat()
      guard stat(folder.root.appendingPathComponent(path).path, &status) == 0 else {
        return Stamp(path: path, size: -1, seconds: 0, nanoseconds: 0, inode: 0)
      }
      return Stamp(
        path: path, size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
        inode: UInt(status.st_ino))
    }
  }
}
