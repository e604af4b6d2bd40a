import CRM
import Glibc

/// What is under one name in a drive.
public struct DriveEntry: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case file
    case folder
    /// A symbolic link, which is never followed.
    case symbolicLink
    /// A pipe, a socket, a device.
    case other
  }

  public var name: String
  public var kind: Kind
  /// In bytes; means nothing for a folder.
  public var size: Int64
  public var modified: Instant
  /// The file system's own number for it: stays over changes in place and renaming, and is another one after a
  /// program has put a new file in its place.
  public var inode: UInt64

  init(name: String, _ facts: stat) {
    self.name = name
    switch facts.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .folder
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    size = Int64(facts.st_size)
    modified = Instant(facts.st_mtim)
    inode = UInt64(facts.st_ino)
  }
}

/// A document's bytes, and what it was when they were read.
public struct DriveFile: Hashable, Sendable {
  public var bytes: [UInt8]
  public var entry: DriveEntry
}

extension Instant {
  /// Held at the ends of Int64: file systems may hold nonsense.
  init(_ time: timespec) {
    let (milliseconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1000)
    self.init(
      milliseconds: overflow || milliseconds > .max - 1000
        ? (time.tv_sec < 0 ? .min : .max) : milliseconds + Int64(time.tv_nsec / 1_000_000))
  }
}
