import Glibc

/// An open file or folder, closed when its owner is done with it.
///
/// Folders are walked by descriptors, name by name, and never through a symbolic link: whatever somebody puts into a
/// drive while we are in it, no name leads out of it.
struct Descriptor: ~Copyable {
  let number: Int32

  /// Nil with `errno` set when a call that opens something failed.
  init?(_ number: Int32) {
    guard number >= 0 else { return nil }
    self.number = number
  }

  deinit { Glibc.close(number) }

  /// Closes it and answers the error number, 0 when all is well: network file systems tell a full disk only here.
  consuming func close() -> Int32 {
    let result = Glibc.close(number)
    let reason = errno
    discard self
    // Linux has closed the descriptor after EINTR too.
    return result == 0 || reason == EINTR ? 0 : reason
  }

  /// Opens `name` in this folder.
  func open(_ name: String, _ flags: Int32, mode: mode_t = 0) -> Descriptor? {
    while true {
      let opened = openat(number, name, flags | O_NOFOLLOW | O_CLOEXEC, mode)
      if opened < 0, errno == EINTR { continue }
      return Descriptor(opened)
    }
  }

  /// What is under `name` in this folder, itself if it is a symbolic link; nil with `errno` set.
  func facts(of name: String) -> stat? {
    var facts = stat()
    return fstatat(number, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 ? facts : nil
  }

  /// Facts of what is open; nil with `errno` set.
  var facts: stat? {
    var facts = stat()
    return fstat(number, &facts) == 0 ? facts : nil
  }

  /// Brings it to the disk; answers the error number, 0 when all is well.
  func sync() -> Int32 {
    while fsync(number) != 0 {
      if errno != EINTR { return errno }
    }
    return 0
  }

  /// As `sync`, for a folder: some file systems (FUSE, SMB) can't, and promise nothing either way.
  func syncFolder() -> Int32 {
    let reason = sync()
    return reason == EINVAL || reason == ENOTSUP || reason == ENOSYS ? 0 : reason
  }

  enum Writers {
    case none
    case some
    /// The file system can't tell, or the file is another user's.
    case unknown
  }

  /// Whether anybody has this file, open for reading, open for writing. If nobody has, whoever opens it for writing
  /// from now on waits until this descriptor is closed: a lease of Linux (fcntl(2)).
  func holdOffWriters() -> Writers {
    // The headers that Swift sees leave these out.
    let (setSignal, setLease) = (Int32(10), Int32(1024))  // F_SETSIG, F_SETLEASE
    // Who waits is told by a signal, which by default would end the process; this one is passed over.
    guard fcntl(number, setSignal, SIGURG) == 0 else { return .unknown }
    if fcntl(number, setLease, Int32(F_RDLCK)) == 0 { return .none }
    return errno == EAGAIN ? .some : .unknown
  }

  /// Writes all of it; answers the error number, 0 when all is well.
  func write(_ bytes: [UInt8]) -> Int32 {
    bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let count = Glibc.write(number, buffer.baseAddress?.advanced(by: written), buffer.count - written)
        if count > 0 {
          written += count
        } else if count == 0 {
          return EIO
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
  }

  /// Reads to the end, or until there are more than `limit` bytes; nil with `errno` set.
  func read(limit: Int, expecting size: Int) -> [UInt8]? {
    // One byte more, so that the end is seen without growing.
    var room = min(size, limit) + 1
    var bytes: [UInt8] = []
    while true {
      var reason: Int32 = 0
      var isAtEnd = false
      let start = bytes.count
      let more = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        while filled < buffer.count {
          let count = Glibc.read(number, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
          if count > 0 {
            filled += count
          } else if count == 0 {
            isAtEnd = true
            return
          } else if errno != EINTR {
            reason = errno
            return
          }
        }
      }
      if reason != 0 {
        errno = reason
        return nil
      }
      if start == 0 { bytes = more } else { bytes += more }
      if isAtEnd || bytes.count > limit { return bytes }
      room = min(max(bytes.count, 1 << 16), limit - bytes.count + 1)
    }
  }
}
