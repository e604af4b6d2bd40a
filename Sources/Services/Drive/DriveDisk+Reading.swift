import CRM
import Glibc

extension DriveDisk {
  /// Reads a file as it was at one moment. One that changes under the reader's hands is read again a few times. For as
  /// long as it is read, who wants to save it waits, where the file system can do that.
  /// - Parameter limit: bytes, at most.
  /// - Throws: a transient failure when it doesn't come to rest: somebody is saving it just now.
  public func read(_ path: [String], limit: Int) throws(ServiceFailure) -> DriveFile {
    try read(path, limit: limit) {
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      return now.tv_sec
    }
  }

  /// - Parameter now: seconds since 1970.
  func read(_ path: [String], limit: Int, now: () -> Int) throws(ServiceFailure) -> DriveFile {
    let path = try DrivePath(path)
    var previous: DriveFile?
    for _ in 0..<Self.attempts {
      switch try readOnce(path, limit: limit, now: now) {
      case .whole(let file): return file
      case .perhaps(let file):
        if previous == file { return file }
        previous = file
      case .changing: previous = nil
      }
    }
    throw ServiceFailure(
      .transient(retryAfter: nil),
      "drive: \(path.shown) was being changed each time it was read; save it and leave it alone for a moment")
  }

  private static let attempts = 6

  private enum Reading {
    case whole(DriveFile)
    /// Nothing speaks against it, but a change could have left no trace: two readings have to agree.
    case perhaps(DriveFile)
    case changing
  }

  private func readOnce(_ path: DrivePath, limit: Int, now: () -> Int) throws(ServiceFailure) -> Reading {
    guard let name = path.name else { throw failure(EISDIR, path.shown, "can't be read") }
    let folder = try folder(path.folder)
    // Not to wait for the other end of a pipe that somebody put there.
    guard let opened = folder.open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY) else {
      let reason = errno
      if let facts = folder.facts(of: name) {
        try mustBeFile(DriveEntry(name: name, facts), path.shown, "can't be read")
      }
      throw failure(reason, path.shown, "can't be read")
    }
    let writers = opened.holdOffWriters()
    guard let before = opened.facts else { throw failure(errno, path.shown, "can't be read") }
    let entry = DriveEntry(name: name, before)
    try mustBeFile(entry, path.shown, "can't be read")
    guard entry.size <= limit else { throw tooLong(entry.size, limit, path) }
    guard let bytes = opened.read(limit: limit, expecting: Int(entry.size)) else {
      throw failure(errno, path.shown, "can't be read")
    }
    guard let after = opened.facts else { throw failure(errno, path.shown, "can't be read") }
    let present = folder.facts(of: name)
    guard Self.isSame(before, after), Int(entry.size) == bytes.count, let present, Self.isSame(after, present) else {
      return .changing
    }
    let file = DriveFile(bytes: bytes, entry: entry)
    // A file's times move in steps, and a write of many bytes counts as the moment in which it begins: only times that
    // are some seconds old prove that nothing moves. Who keeps a file open and does nothing, as office programs do, is
    // no hindrance then.
    let isFresh = now() - 3 < max(after.st_mtim.tv_sec, after.st_ctim.tv_sec)
    switch writers {
    case .none: return .whole(file)
    case .some: return isFresh ? .changing : .whole(file)
    case .unknown: return isFresh ? .perhaps(file) : .whole(file)
    }
  }

  private func tooLong(_ size: Int64, _ limit: Int, _ path: DrivePath) -> ServiceFailure {
    ServiceFailure(.permanent, "drive: \(path.shown): expected at most \(limit) bytes, found \(size); make it smaller")
  }

  private static func isSame(_ a: stat, _ b: stat) -> Bool {
    a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size
      && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec
      && a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec
  }
}
