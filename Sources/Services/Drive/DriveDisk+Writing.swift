import CRM
import Glibc
import Store

extension DriveDisk {
  /// Writes beside, brings it to the disk, and only then gives it its name.
  /// - Returns: false when the name is taken and not to be replaced.
  func put(_ bytes: [UInt8], at path: DrivePath, replacing: Bool) throws(ServiceFailure) -> Bool {
    let cannot = "can't be written"
    guard let name = path.name else { throw failure(EISDIR, path.shown, cannot) }
    let folder = try folder(path.folder)
    if let facts = folder.facts(of: name) {
      if !replacing { return false }
      try mustBeFile(DriveEntry(name: name, facts), path.shown, cannot)
    }
    let temporary = try writeTemporary(bytes, in: folder, path)
    let reason =
      replacing
      ? (renameat(folder.number, temporary, folder.number, name) == 0 ? 0 : errno)
      : NewName.claim(name, for: temporary, in: folder)
    if reason != 0 {
      unlinkat(folder.number, temporary, 0)
      if reason == EEXIST, !replacing { return false }
      throw failure(reason, path.shown, cannot)
    }
    FaultPoint.reach(.fileNamed)
    let fault = folder.syncFolder()
    if fault != 0 { throw failure(fault, path.shown, cannot) }
    FaultPoint.reach(.fileFiled)
    return true
  }

  /// Writes all of it under a temporary name and brings it to the disk; nothing is left of it after a failure.
  private func writeTemporary(
    _ bytes: [UInt8], in folder: borrowing Descriptor, _ path: DrivePath
  ) throws(ServiceFailure) -> String {
    var name = TemporaryName.make()
    var made = folder.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
    if made == nil, errno == EEXIST {
      name = TemporaryName.make()
      made = folder.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
    }
    guard let file = made else { throw failure(errno, path.shown, "can't be written") }
    // Says to `removeLeftovers` that its writer lives. Where files can't be locked, their age says it alone.
    _ = flock(file.number, LOCK_EX | LOCK_NB)
    FaultPoint.reach(.fileMade)
    var reason = file.write(bytes)
    FaultPoint.reach(.fileWritten)
    if reason == 0 { reason = file.sync() }
    FaultPoint.reach(.fileSynced)
    let closing = file.close()
    if reason == 0 { reason = closing }
    if reason != 0 {
      unlinkat(folder.number, name, 0)
      throw failure(reason, path.shown, "can't be written")
    }
    return name
  }

  /// Removes what processes that were ended while they wrote have left, in all folders: files with our temporary
  /// names, last written before `moment`, whose writer is gone. A folder that can't be read is passed over.
  /// - Returns: how many there were.
  public func removeLeftovers(before moment: Instant) throws(ServiceFailure) -> Int {
    Self.removeLeftovers(before: moment, in: try openRoot(), depth: 0)
  }

  private static func removeLeftovers(before moment: Instant, in folder: consuming Descriptor, depth: Int) -> Int {
    var count = 0
    for name in names(in: folder) ?? [] {
      guard let facts = folder.facts(of: name) else { continue }
      let entry = DriveEntry(name: name, facts)
      if entry.kind == .folder, depth < DrivePath.depthLimit {
        guard let inner = folder.open(name, O_RDONLY | O_DIRECTORY) else { continue }
        count += removeLeftovers(before: moment, in: inner, depth: depth + 1)
      } else if entry.kind == .file, TemporaryName.isOne(name), entry.modified < moment {
        guard let file = folder.open(name, O_RDONLY | O_NONBLOCK) else { continue }
        if flock(file.number, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { continue }
        if unlinkat(folder.number, name, 0) == 0 { count += 1 }
      }
    }
    return count
  }
}

/// Giving a file a name that nothing has: the system checks and renames in one step, so that of two who do it at once
/// one succeeds.
enum NewName {
  /// 0, or the error number: EEXIST when the name is taken. The temporary name is gone after success.
  static func claim(_ name: String, for temporary: String, in folder: borrowing Descriptor) -> Int32 {
    switch byRenaming(name, for: temporary, in: folder) {
    // The system or this file system doesn't know how; nearly all of those know links.
    case ENOSYS, EINVAL, ENOTSUP: byLinking(name, for: temporary, in: folder)
    case let answer: answer
    }
  }

  static func byRenaming(_ name: String, for temporary: String, in folder: borrowing Descriptor) -> Int32 {
    RenameCall.rename(temporary, in: folder.number, to: name, in: folder.number, .refuseExisting)
  }

  static func byLinking(_ name: String, for temporary: String, in folder: borrowing Descriptor) -> Int32 {
    guard linkat(folder.number, temporary, folder.number, name, 0) == 0 else { return errno }
    // Should this fail, it is a leftover like any other; the name is given.
    unlinkat(folder.number, temporary, 0)
    return 0
  }
}
