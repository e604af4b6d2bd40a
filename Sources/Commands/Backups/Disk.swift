import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// Brings files and folders to the disk.
enum Disk {
  /// - Throws: `CommandFault` with the system's reason.
  static func sync(_ url: URL) throws {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFault("\(url.path) can't be opened: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    // Some file systems can't sync a folder, and promise nothing either way.
    if fsync(descriptor) != 0, ![EINVAL, ENOTSUP, ENOSYS].contains(errno) {
      throw CommandFault("\(url.path) can't be brought to the disk: \(String(cString: strerror(errno)))")
    }
  }

  /// All files and folders in a folder, and itself.
  static func syncTree(_ folder: URL) throws {
    guard let all = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: [.isRegularFileKey, .isDirectoryKey])
    else { throw CommandFault("\(folder.path) can't be read") }
    for case let url as URL in all {
      let facts = try url.resourceValues(forKeys: [.isRegularFileKey, .isDirectoryKey])
      if facts.isRegularFile == true || facts.isDirectory == true { try sync(url) }
    }
    try sync(folder)
  }
}
