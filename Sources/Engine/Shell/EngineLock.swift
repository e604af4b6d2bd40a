import Foundation
import Store

#if canImport(Glibc)
  import Glibc
#endif

/// One engine a workspace: whoever holds this lock executes runs. The system frees it when its holder dies, however
/// it dies, so nothing goes by elapsed time.
public final class EngineLock {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// Takes the lock.
  /// - Parameter wait: whether to wait for the present holder; otherwise nil when somebody holds it.
  /// - Throws: `EngineFault.workspace` when the lock file can't be made.
  public static func take(_ folder: WorkspaceFolder, wait: Bool) throws(EngineFault) -> EngineLock? {
    try folder.prepareState()
    let descriptor = open(folder.lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw EngineFault(
        .workspace, "\(folder.lockFile) can't be opened (\(String(cString: strerror(errno)))); check the permissions")
    }
    while flock(descriptor, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      let reason = errno
      Glibc.close(descriptor)
      if reason == EWOULDBLOCK { return nil }
      throw EngineFault(.workspace, "\(folder.lockFile) can't be locked (\(String(cString: strerror(reason))))")
    }
    FaultPoint.reach(.lockTaken)
    return EngineLock(descriptor: descriptor)
  }

  deinit { Glibc.close(descriptor) }

  /// Whether the lock file is still the one that is locked: if somebody removed it, another engine could begin.
  func holds(_ folder: WorkspaceFolder) -> Bool {
    var held = stat()
    var present = stat()
    guard fstat(descriptor, &held) == 0, stat(folder.lockFile, &present) == 0 else { return false }
    return held.st_ino == present.st_ino && held.st_dev == present.st_dev
  }
}

/// Stands in the line for the lock, on a thread of its own, so that its caller can look elsewhere meanwhile.
///
/// `@unchecked Sendable` is sound: its two mutable members, `result` and `isGivenUp`, are private, and every read and
/// write of them stands between `condition.lock()` and `condition.unlock()`; `condition` itself is thread-safe.
final class LockWait: @unchecked Sendable {
  private let condition = NSCondition()
  private var result: Result<EngineLock?, any Error>?
  private var isGivenUp = false

  init(_ folder: WorkspaceFolder) {
    Thread.detachNewThread { [self] in
      let found = Result<EngineLock?, any Error> { try EngineLock.take(folder, wait: true) }
      condition.lock()
      if !isGivenUp { result = found }  // Otherwise it is dropped here, and freed.
      condition.signal()
      condition.unlock()
    }
  }

  /// The lock, or nil if it has not come by `deadline`.
  func lock(before deadline: Date) throws -> EngineLock? {
    condition.lock()
    defer { condition.unlock() }
    while result == nil {
      if !condition.wait(until: deadline) { return nil }
    }
    defer { result = .success(nil) }  // Handed over: whoever has it decides for how long.
    return try result?.get()
  }

  /// Nobody wants the lock any more: should it come, it is freed at once.
  func giveUp() {
    condition.lock()
    isGivenUp = true
    result = nil
    condition.unlock()
  }
}
