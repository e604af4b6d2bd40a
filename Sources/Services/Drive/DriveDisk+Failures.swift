import Glibc

extension DriveDisk {
  /// What the system's error means for whoever waits for the document.
  /// - Parameters:
  ///   - shown: the path, for a person.
  ///   - cannot: what doesn't go: "can't be written".
  func failure(_ reason: Int32, _ shown: String, _ cannot: String) -> ServiceFailure {
    func permanent(_ why: String) -> ServiceFailure { ServiceFailure(.permanent, "drive: \(shown) \(cannot): \(why)") }
    func transient(_ why: String) -> ServiceFailure {
      ServiceFailure(.transient(retryAfter: nil), "drive: \(shown) \(cannot): \(why)")
    }
    switch reason {
    case ENOSPC:
      return transient("the disk is full; free some space")
    case EDQUOT:
      return transient("the disk quota is used up; free some space or raise it")
    case EROFS:
      return permanent("the drive is read-only; mount it for writing")
    case EACCES, EPERM:
      return permanent("permission is refused; give the user that runs coulisse the right to read and write there")
    case ENOENT:
      return permanent("there is nothing of this name, or a folder above it is missing; somebody may have moved it")
    case EISDIR:
      return permanent("a folder is there; move it away or choose another name")
    case ENOTDIR:
      return permanent("a file is where a folder is expected; move it away")
    case ELOOP:
      return permanent("a symbolic link is there, and the drive follows none; put the file itself in its place")
    case ENAMETOOLONG:
      return permanent("the name is too long for the drive's file system; choose a shorter one")
    case EILSEQ, EINVAL:
      return permanent("the drive's file system refuses the name; choose a plainer one")
    case EFBIG:
      return permanent("the file is larger than the drive or the process's limit allows; make it smaller")
    case EMLINK, ENOSYS, ENOTSUP:
      return permanent(
        "the drive's file system can't give a file a new name safely; use a local one (\(Self.words(reason)))")
    // Disks and network drives that are away, and a busy system: may be over soon.
    case EIO, ESTALE, ETIMEDOUT, ENOTCONN, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, ENODEV, ENXIO, EREMOTEIO, EBUSY,
      EAGAIN, EMFILE, ENFILE, ENOMEM, ENOLCK:
      return transient("the drive doesn't answer as it should (\(Self.words(reason))); look at the disk if this stays")
    default:
      return permanent(Self.words(reason))
    }
  }

  /// - Throws: a permanent failure if it is a folder, a symbolic link or no file at all.
  func mustBeFile(_ entry: DriveEntry, _ shown: String, _ cannot: String) throws(ServiceFailure) {
    switch entry.kind {
    case .file: return
    case .folder: throw failure(EISDIR, shown, cannot)
    case .symbolicLink: throw failure(ELOOP, shown, cannot)
    case .other:
      throw ServiceFailure(.permanent, "drive: \(shown) \(cannot): expected a file, found \(entry.kind.phrase)")
    }
  }

  private static func words(_ reason: Int32) -> String { String(cString: strerror(reason)) }
}

extension DriveEntry.Kind {
  var phrase: String {
    switch self {
    case .file: "a file"
    case .folder: "a folder"
    case .symbolicLink: "a symbolic link, and the drive follows none"
    case .other: "a pipe, a socket or a device"
    }
  }
}
