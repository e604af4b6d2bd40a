import Foundation

/// Linux's renameat2, which the headers that Swift sees leave out: a rename that the system does in one step and under a
/// condition.
public enum RenameCall {
  /// How the two names are treated; the values are the kernel's own (`linux/fs.h`).
  public enum Mode: UInt32, Sendable {
    /// RENAME_NOREPLACE: nothing that has the new name is touched.
    case refuseExisting = 1
    /// RENAME_EXCHANGE: each gets the other's place.
    case exchange = 2
  }

  private typealias Call = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

  /// Nil on a C library without it. The cast is sound: glibc (2.28 and later) and musl export the symbol with this
  /// signature, `int renameat2(int, const char *, int, const char *, unsigned int)`, which is part of their ABI.
  private static let call: Call? = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: Call.self) }

  /// - Parameters:
  ///   - source: a path, or a name in the folder whose descriptor is `sourceFolder`.
  ///   - target: likewise in `targetFolder`.
  /// - Returns: 0, or the error number; ENOSYS where the system has no such call.
  public static func rename(
    _ source: String, in sourceFolder: Int32 = AT_FDCWD, to target: String, in targetFolder: Int32 = AT_FDCWD,
    _ mode: Mode
  ) -> Int32 {
    guard let call else { return ENOSYS }
    return call(sourceFolder, source, targetFolder, target, mode.rawValue) == 0 ? 0 : errno
  }
}
