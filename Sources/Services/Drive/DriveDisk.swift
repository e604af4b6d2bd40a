import CRM
import Foundation
import Glibc
import Store

/// The drive's folder on the disk. Paths are names inside one another, relative to its root; no name, symbolic link or
/// race leads outside. The root itself may be a symbolic link: that is the choice of whoever set it.
///
/// A document is under its final name as a whole or not at all, whatever ends the process; what was answered is on the
/// disk. Used from several threads and processes at once.
///
/// Failures name the path relative to the drive. A full disk is transient; a read-only drive, refused permission and
/// something else under the name are permanent.
public struct DriveDisk: Sendable {
  public let root: URL

  /// Touches nothing yet.
  public init(root: URL) {
    self.root = root
  }

  // MARK: Folders

  /// Makes the root, with the folders above it, if it is missing. For a place that is ours by default: a root that
  /// somebody set and that is missing may be a disk that isn't there.
  public func makeRoot() throws(ServiceFailure) {
    let reason = Self.make(root.standardizedFileURL.path)
    if reason != 0 { throw failure(reason, "its folder \(root.path)", "can't be made") }
    _ = try openRoot()
  }

  /// 0, or the error number; something that is there already is no error.
  private static func make(_ path: String, mayGoUp: Bool = true) -> Int32 {
    if mkdir(path, 0o777) == 0 {
      // The folder above holds the name, and has to reach the disk.
      let above = (path as NSString).deletingLastPathComponent
      guard let folder = Descriptor(Glibc.open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else { return errno }
      return folder.syncFolder()
    }
    let reason = errno
    if reason == EEXIST { return 0 }
    guard reason == ENOENT, mayGoUp, path.utf8.count > 1 else { return reason }
    let above = make((path as NSString).deletingLastPathComponent)
    // A link above that leads nowhere is there, and still nothing can be made in it: not to ask for ever.
    return above == 0 ? make(path, mayGoUp: false) : above
  }

  /// Makes a folder, and those above it, where they are missing.
  public func makeFolder(_ path: [String]) throws(ServiceFailure) {
    let path = try DrivePath(path)
    var here = try openRoot()
    for (place, name) in path.components.enumerated() {
      let shown = DrivePath.shown(Array(path.components[...place]))
      if mkdirat(here.number, name, 0o777) != 0, errno != EEXIST {
        throw failure(errno, shown, "can't be made")
      }
      FaultPoint.reach(.folderMade)
      // One that is there already may be so new that its maker has not come to this line.
      let reason = here.syncFolder()
      if reason != 0 { throw failure(reason, shown, "can't be made") }
      FaultPoint.reach(.folderFiled)
      here = try open(name, in: here, shown)
    }
  }

  /// What is in a folder, by name in byte order: without files that are being written, and without names that are no
  /// UTF-8, which nobody could ask for.
  public func list(_ path: [String]) throws(ServiceFailure) -> [DriveEntry] {
    let path = try DrivePath(path)
    let folder = try folder(path.components)
    guard let names = Self.names(in: folder) else { throw failure(errno, path.shown, "can't be listed") }
    var entries: [DriveEntry] = []
    for name in names where !TemporaryName.isOne(name) {
      // One that is gone meanwhile is not in the folder.
      if let facts = folder.facts(of: name) { entries.append(DriveEntry(name: name, facts)) }
    }
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// What is under a path; nil when there is nothing, nor a folder that could hold it.
  public func entry(_ path: [String]) throws(ServiceFailure) -> DriveEntry? {
    let path = try DrivePath(path)
    var here = try openRoot()
    guard let name = path.name else { return here.facts.map { DriveEntry(name: "", $0) } }
    for (place, name) in path.folder.enumerated() {
      if here.facts(of: name) == nil, errno == ENOENT { return nil }
      here = try open(name, in: here, DrivePath.shown(Array(path.components[...place])))
    }
    if let facts = here.facts(of: name) { return DriveEntry(name: name, facts) }
    guard errno == ENOENT else { throw failure(errno, path.shown, "can't be looked at") }
    return nil
  }

  // MARK: Files

  /// Puts a file in place, instead of the one that may be there. Its folder must exist.
  public func write(_ bytes: [UInt8], to path: [String]) throws(ServiceFailure) {
    _ = try put(bytes, at: try DrivePath(path), replacing: true)
  }

  /// Puts a file in place if nothing has its name. Of two writers at once one succeeds.
  /// - Returns: false when the name is taken; what is there was not touched.
  public func writeNew(_ bytes: [UInt8], to path: [String]) throws(ServiceFailure) -> Bool {
    try put(bytes, at: try DrivePath(path), replacing: false)
  }

  /// Puts a file into a folder under the first name that is free: NAME, NAME (2), NAME (3) …
  /// - Parameters:
  ///   - adopting: whether a file that is there and says the same is this file, whose writer was stopped before it could
  ///     say so. Off where each caller's file is its own to remove.
  ///   - isTaken: whether a path belongs to something else, whatever is there.
  /// - Returns: the name.
  public func place(
    _ bytes: [UInt8], as name: DriveName, in folder: [String], adopting: Bool = true,
    isTaken: ([String]) throws(ServiceFailure) -> Bool = { _ in false }
  ) throws(ServiceFailure) -> String {
    var number = 1
    while true {
      let candidate = (number == 1 ? name : name.numbered(number)).text
      let path = folder + [candidate]
      number += 1
      if try isTaken(path) { continue }
      if try writeNew(bytes, to: path) { return candidate }
      if adopting, let there = try entry(path), there.kind == .file, there.size == Int64(bytes.count),
        try read(path, limit: bytes.count).bytes == bytes
      {
        return candidate
      }
    }
  }

  /// Removes a file.
  /// - Returns: false when there is none.
  public func remove(_ path: [String]) throws(ServiceFailure) -> Bool {
    let path = try DrivePath(path)
    guard let name = path.name else { throw failure(EISDIR, path.shown, "can't be removed") }
    let folder = try folder(path.folder)
    guard let facts = folder.facts(of: name) else {
      if errno == ENOENT { return false }
      throw failure(errno, path.shown, "can't be removed")
    }
    try mustBeFile(DriveEntry(name: name, facts), path.shown, "can't be removed")
    if unlinkat(folder.number, name, 0) != 0 {
      if errno == ENOENT { return false }
      throw failure(errno, path.shown, "can't be removed")
    }
    FaultPoint.reach(.fileRemoved)
    let reason = folder.syncFolder()
    if reason != 0 { throw failure(reason, path.shown, "can't be removed") }
    return true
  }

  // MARK: Ways

  func openRoot() throws(ServiceFailure) -> Descriptor {
    guard let opened = Descriptor(Glibc.open(root.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else {
      let reason = errno
      guard reason == ENOENT || reason == ENOTDIR else {
        throw failure(reason, "its folder \(root.path)", "can't be opened")
      }
      throw ServiceFailure(
        .permanent,
        "drive: its folder \(root.path) is missing\(reason == ENOTDIR ? ", or a file is in its place" : ""); make it, "
          + "mount the disk that it is on, or correct the setting of the service drive in workspace.lua")
    }
    return opened
  }

  /// Opens a folder, name by name.
  func folder(_ components: [String]) throws(ServiceFailure) -> Descriptor {
    var here = try openRoot()
    for (place, name) in components.enumerated() {
      here = try open(name, in: here, DrivePath.shown(Array(components[...place])))
    }
    return here
  }

  private func open(
    _ name: String, in folder: borrowing Descriptor, _ shown: String
  ) throws(ServiceFailure) -> Descriptor {
    guard let opened = folder.open(name, O_RDONLY | O_DIRECTORY) else {
      let reason = errno
      if reason == ENOTDIR || reason == ELOOP, let facts = folder.facts(of: name) {
        let found = DriveEntry(name: name, facts).kind
        if found != .folder {
          throw ServiceFailure(.permanent, "drive: \(shown): expected a folder, found \(found.phrase); move it away")
        }
      }
      throw failure(reason, shown, "can't be opened")
    }
    return opened
  }

  /// Nil with `errno` set. Names that are no UTF-8 are left out.
  static func names(in folder: borrowing Descriptor) -> [String]? {
    // `closedir` closes what it was given, and reading moves its place: a descriptor of its own.
    guard let own = folder.open(".", O_RDONLY | O_DIRECTORY) else { return nil }
    let number = dup(own.number)
    guard number >= 0 else { return nil }
    guard let stream = fdopendir(number) else {
      Glibc.close(number)
      return nil
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let next = readdir(stream) else { return errno == 0 ? names : nil }
      let name = withUnsafePointer(to: &next.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      if let name, name != ".", name != ".." { names.append(name) }
    }
  }
}
